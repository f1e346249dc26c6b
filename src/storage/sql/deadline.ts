import { StorageFault } from './fault.ts';

export interface DeadlineOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Begins the message: which database. */
  readonly where: string;
}

/**
 * What `ask` resolves to, unless the time is over (StorageFault `lost`) or the signal comes (`aborted`) before. What was
 * asked is not ended by that; the caller ends its connection.
 */
export async function withDeadline<T>(options: DeadlineOptions, ask: () => Promise<T>): Promise<T> {
  const { timeoutMs, signal, where } = options;
  let fail: (fault: StorageFault) => void = () => undefined;
  const ended = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const late = (): void => fail(new StorageFault('lost', `${where}: no answer within ${timeoutMs / 1000} s`));
  const abort = (): void => fail(new StorageFault('aborted', `${where}: ended`));
  const timer = setTimeout(late, timeoutMs);
  signal?.addEventListener('abort', abort);
  try {
    return await Promise.race([ask(), ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
