/** The times between which it was replayed. */
export interface ReplaySpan {
  readonly sinceMs: number;
  readonly untilMs: number;
}
