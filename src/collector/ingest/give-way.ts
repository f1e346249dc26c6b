import { setImmediate as nextTurn } from 'node:timers/promises';

/** A turn of the event loop in which nobody else had anything to do takes less. */
const idleMs = 0.5;

/**
 * Lets whatever else goes on in this process, visits above all, have turns of the event loop until it has nothing to do, or
 * has had so much time. What an embedded database stores takes no turn of its own, so that handshakes would wait in vain.
 */
export async function giveWay(mostMs: number): Promise<void> {
  const endsAt = performance.now() + mostMs;
  for (let turnAt = performance.now(); ;) {
    await nextTurn();
    const now = performance.now();
    if (now - turnAt < idleMs || now >= endsAt) return;
    turnAt = now;
  }
}
