import { withTimeout } from '../../platform/deadline.ts';
import type { PruneResult, RetentionStore } from '../../storage/store/storage.ts';
import type { CollectOptions } from '../collect-options.ts';

/** The least time for pruning. Without it a run that is always late would never prune. */
const minMs = 10_000;

/** Removes old rows until the deadline of a run that began at `startedAtMs`. Throws the store's error. */
export async function pruneInTime(
  { config, now, signal }: Pick<CollectOptions, 'config' | 'now' | 'signal'>,
  startedAtMs: number,
  store: Pick<RetentionStore, 'prune'>,
): Promise<PruneResult> {
  const leftMs = startedAtMs + config.collector.runDeadlineMs - now();
  const limits = { nowMs: now(), ...config.retention };
  return await withTimeout({ timeoutMs: Math.max(minMs, leftMs), signal }, (limit) => store.prune(limits, limit));
}
