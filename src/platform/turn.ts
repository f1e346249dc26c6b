import { setImmediate as nextTurn } from 'node:timers/promises';

/** Lets signals and timers have their turn, which reading SQLite alone would not. Throws the reason of an abort. */
export async function turn(signal: AbortSignal): Promise<void> {
  await nextTurn();
  signal.throwIfAborted();
}
