import type { AttemptOptions } from './notify.ts';

/** What is done just now, and for how long it may go on. */
export interface Clock {
  /** `doing` ends the sentence "no answer within 20 s while ...". A time begins anew; without one it goes on. */
  now(doing: string, timeoutMs?: number): void;
  /** No time runs: what is waited for has a deadline of its own. */
  pause(): void;
}

/** An attempt took too long. */
export class TooLong extends Error {}

/**
 * Work that ends by its deadline or with its signal, whatever it waits for: then `giveUp` frees what it holds. Throws
 * what the work throws, TooLong, or the signal's reason.
 */
export async function within<T>(
  { timeoutMs, signal }: AttemptOptions,
  giveUp: () => void,
  work: (clock: Clock) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let doing = 'connecting';
  let abort: () => void = () => undefined;
  let start: (ms: number) => void = () => undefined;
  const ended = new Promise<never>((_resolve, reject) => {
    const end = (why: Error): void => {
      giveUp();
      reject(why);
    };
    start = (ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => end(new TooLong(`no answer within ${Math.ceil(ms / 100) / 10} s while ${doing}`)), ms);
    };
    abort = () => end(asError(signal.reason));
  });
  signal.addEventListener('abort', abort, { once: true });
  start(timeoutMs);
  const clock: Clock = {
    now: (what, ms) => {
      doing = what;
      if (ms !== undefined) start(ms);
    },
    pause: () => clearTimeout(timer),
  };
  try {
    return await Promise.race([work(clock), ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** What was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
