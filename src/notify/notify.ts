/**
 * The way to a person. Promises: every attempt ends by its deadline, and its fault says whether the other side refused
 * for good (`mail-refused`) or may take it later (`mail-unavailable`).
 */
export interface AttemptOptions {
  /** The whole attempt, name lookup and login included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}
