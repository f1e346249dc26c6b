import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition holds. Fails with the message if it does not hold within the time. */
export async function until(
  holds: () => boolean,
  message: string | (() => string),
  withinMs = 60_000,
  everyMs = 10,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!holds()) {
    assert.ok(performance.now() < endMs, typeof message === 'string' ? message : message());
    await sleep(everyMs);
  }
}
