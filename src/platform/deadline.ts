/** Time limits for awaited work. A deadline ends only the waiting: the caller frees the resources of the work. */
import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A time limit that its holder may restart for each step of the work. */
export interface Deadline {
  /** Rejects when the time is over or the signal is aborted. A rejection without a handler is not unhandled. */
  readonly over: Promise<never>;
  /** Restarts the time. */
  restart(timeoutMs: number): void;
  /** Stops the time. The signal remains effective. */
  pause(): void;
  /** Frees the timer and the listener. */
  end(): void;
}

export interface DeadlineOptions {
  /** The time limit. Default: none before `restart`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Creates the error at the end of the time. Default: a plain Error. */
  readonly late?: () => Error;
  /** Creates the error of an aborted signal. Default: the signal's reason. */
  readonly aborted?: (reason: unknown) => unknown;
}

/** Starts the time of a deadline. The caller has to call `end`. */
export function startDeadline({ timeoutMs, signal, late, aborted }: DeadlineOptions): Deadline {
  let timer: NodeJS.Timeout | undefined;
  let fail: (reason: unknown) => void = () => undefined;
  const over = new Promise<never>((_resolve, reject) => (fail = reject));
  over.catch(() => undefined);
  const onAbort = (): void => fail(aborted === undefined ? signal?.reason : aborted(signal?.reason));
  const deadline: Deadline = {
    over,
    restart: (ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => fail(late === undefined ? new Error(`not done within ${ms} ms`) : late()), ms);
    },
    pause: () => clearTimeout(timer),
    end: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  if (timeoutMs !== undefined) deadline.restart(timeoutMs);
  return deadline;
}

/** Returns the result of the work. Throws the error of the work, or the deadline's error if that comes first. */
export async function withDeadline<T>(options: DeadlineOptions, work: (deadline: Deadline) => Promise<T>): Promise<T> {
  const deadline = startDeadline(options);
  try {
    return await Promise.race([work(deadline), deadline.over]);
  } finally {
    deadline.end();
  }
}

export interface TimedSignalOptions {
  readonly timeoutMs: number;
  /** Creates the reason of the abort at the deadline. Default: a TimeoutError. */
  readonly late?: () => Error;
  /** The signal whose abort also aborts this one. */
  readonly parent: AbortSignal;
  /** Creates the reason of the abort if the parent is aborted. Default: the parent's reason. */
  readonly aborted?: () => unknown;
}

export type TimedSignal = ReturnType<typeof startTimedSignal>;

/**
 * Starts a signal that is aborted at a deadline, or with its parent. The caller has to call `end`. The timer is held
 * until then: nothing holds `AbortSignal.timeout` inside `AbortSignal.any`, so Node 20 may collect it as garbage, and
 * it never fires.
 */
export function startTimedSignal({ timeoutMs, late = timeoutOf(timeoutMs), parent, aborted }: TimedSignalOptions) {
  const controller = new AbortController();
  // Any number of visits may listen: Node would warn from the eleventh listener on.
  setMaxListeners(0, controller.signal);
  let leftMs = timeoutMs;
  let resumedAt = 0;
  let timer: NodeJS.Timeout | null = null;
  let isEnded = false;
  const resume = (): void => {
    if (timer !== null || isEnded) return;
    resumedAt = performance.now();
    timer = setTimeout(() => controller.abort(late()), leftMs);
  };
  const pause = (): void => {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    leftMs = Math.max(0, leftMs - (performance.now() - resumedAt));
  };
  resume();
  const onAbort = (): void => controller.abort(aborted === undefined ? parent.reason : aborted());
  if (parent.aborted) onAbort();
  else parent.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    /** Stops the time, for a wait that does not count. The parent remains effective. */
    pause,
    /** Goes on with the time that was left. */
    resume,
    /** Frees the timer and the listener. */
    end: (): void => {
      isEnded = true;
      pause();
      parent.removeEventListener('abort', onAbort);
    },
  };
}

function timeoutOf(timeoutMs: number): () => Error {
  return () => new DOMException(`not done within ${timeoutMs} ms`, 'TimeoutError');
}

/** Does work with a signal that is aborted after a time, with a TimeoutError, or with the outer signal. */
export async function withTimeout<T>(
  { timeoutMs, signal: parent }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal, end } = startTimedSignal({ timeoutMs, parent });
  try {
    return await work(signal);
  } finally {
    end();
  }
}

/** Returns the result of the work. Throws the signal's reason as soon as the signal is aborted. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // A rejection after the abort has no handler.
  work.catch(() => undefined);
  return await withDeadline({ signal }, () => work);
}

/** Lets signals and timers have their turn, which reading SQLite alone would not. Throws the reason of an abort. */
export async function turn(signal: AbortSignal): Promise<void> {
  await nextTurn();
  signal.throwIfAborted();
}
