/** src/storage/sql: code that statements share. */
import { withDeadline } from '../../platform/deadline.ts';
import { StorageFault } from './fault.ts';

export interface AnswerOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** The name of the database, with which the message begins. */
  readonly where: string;
}

/**
 * Returns the result of `ask`. Throws StorageFault `lost` at the deadline and `aborted` with the signal. The caller
 * then ends its connection, because the statement is still running.
 */
export function answerInTime<T>({ timeoutMs, signal, where }: AnswerOptions, ask: () => Promise<T>): Promise<T> {
  const late = (): Error => new StorageFault('lost', `${where}: no answer within ${timeoutMs / 1000} s`);
  const aborted = (): Error => new StorageFault('aborted', `${where}: ended`);
  return withDeadline({ timeoutMs, signal, late, aborted }, ask);
}
