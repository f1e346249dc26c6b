import { probes } from './index.ts';
import type { Reads } from './probe.ts';

/**
 * Returns the reads of a kind of all probes, each once. The script for clients without Node (agent/capture) copies
 * them. A test compares them with those that a probe asks its source for.
 */
export function allReads<Kind extends keyof Reads>(kind: Kind): readonly NonNullable<Reads[Kind]>[number][] {
  return [...new Map(probes.flatMap(({ reads }) => (reads[kind] ?? []).map((read) => [String(read), read]))).values()];
}
