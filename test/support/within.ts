import assert from 'node:assert/strict';
import { availableParallelism, loadavg } from 'node:os';

/**
 * Asserts that less than `limitMs` passed since `startedMs`, a time of performance.now(). On a machine with more to do
 * than it has cores, the limit grows with the load of its last minute.
 */
export function assertWithin(startedMs: number, limitMs: number, message?: string): void {
  const tookMs = performance.now() - startedMs;
  const [load = 0] = loadavg();
  const allowedMs = limitMs * Math.max(1, load / availableParallelism());
  assert.ok(tookMs < allowedMs, message ?? `it took ${tookMs.toFixed(0)} ms of ${allowedMs.toFixed(0)}`);
}
