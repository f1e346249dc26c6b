import { setImmediate as nextTurn } from 'node:timers/promises';

/** A turn of the event loop that takes less had nothing else to do. */
const idleMs = 0.5;

/**
 * Yields turns of the event loop to visits until none has anything to do, or for so long. An embedded database stores
 * without a turn of its own, so handshakes would time out meanwhile.
 */
export async function yieldToVisits(mostMs: number): Promise<void> {
  const endsAt = performance.now() + mostMs;
  for (let turnAt = performance.now(); ;) {
    await nextTurn();
    const now = performance.now();
    if (now - turnAt < idleMs || now >= endsAt) return;
    turnAt = now;
  }
}
