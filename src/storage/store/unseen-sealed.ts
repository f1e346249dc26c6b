import type { SealedSummary } from './sealed-store.ts';

/** Sealed reports that no `ingest` has looked at. */
export interface UnseenSealed {
  readonly reports: number;
  /** Since when the oldest is in the database. */
  readonly sinceMs: number;
}

/** null: there are none. */
export function unseenSealed(sealed: readonly SealedSummary[]): UnseenSealed | null {
  const unseen = sealed.filter(({ code }) => code === null);
  if (unseen.length === 0) return null;
  return {
    reports: unseen.reduce((sum, one) => sum + one.reports, 0),
    sinceMs: Math.min(...unseen.map(({ sinceMs }) => sinceMs)),
  };
}
