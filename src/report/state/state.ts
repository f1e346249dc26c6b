/**
 * The state of a machine: what people and package managers change, in sections of sorted lines. A line is
 * `ITEM<TAB>VALUE`, for files and units `ITEM<TAB>VALUE<TAB>SECONDS` with the time of the last change.
 */
import { createHash } from 'node:crypto';

import type { StateKind } from '../report.ts';

/** The sections, with the most lines of each. */
export const stateLimits = {
  package: 5000,
  file: 2000,
  unit: 1000,
  account: 200,
  listener: 200,
  mount: 200,
  system: 200,
} as const satisfies Readonly<Record<StateKind, number>>;
export const stateKinds = Object.keys(stateLimits) as readonly StateKind[];

/** The groups whose members may become root by what the group may do. */
export const rootGroups: readonly string[] = ['docker', 'libvirt', 'lxd', 'sudo', 'wheel'];

/** The longest line. */
export const maxStateChars = 255;

/** Returns the digest of a section: half of the SHA-256 of its lines. */
export function stateDigest(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32);
}

/** The parts of a line. `changedS`: the time of a file's last change on the client's clock; null for other items. */
export interface StateLine {
  readonly item: string;
  readonly value: string;
  readonly changedS: number | null;
}

/** Splits a line. Returns null for a line that no agent sends. */
export function parseStateLine(line: string): StateLine | null {
  const [item = '', value, seconds, ...more] = line.split('\t');
  if (item === '' || value === undefined || more.length > 0) return null;
  if (!isPlain(item) || !isPlain(value)) return null;
  if (seconds === undefined) return { item, value, changedS: null };
  return /^\d{1,11}$/.test(seconds) ? { item, value, changedS: Number(seconds) } : null;
}

/** True if a text may be an item or a value: printable, without invisible characters. */
export function isPlain(text: string): boolean {
  return /^[ -~]*$/.test(text) || !unprintable.test(text);
}

const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\ufffd]/u;
