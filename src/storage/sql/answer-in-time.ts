import { withDeadline } from '../../platform/deadline.ts';
import { StorageFault } from './fault.ts';

export interface AnswerOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Begins the message: which database. */
  readonly where: string;
}

/**
 * Returns what `ask` resolves to. Throws StorageFault `lost` at the deadline and `aborted` with the signal; the caller
 * then ends its connection, for the question is still open.
 */
export function answerInTime<T>({ timeoutMs, signal, where }: AnswerOptions, ask: () => Promise<T>): Promise<T> {
  const late = (): Error => new StorageFault('lost', `${where}: no answer within ${timeoutMs / 1000} s`);
  const aborted = (): Error => new StorageFault('aborted', `${where}: ended`);
  return withDeadline({ timeoutMs, signal, late, aborted }, ask);
}
