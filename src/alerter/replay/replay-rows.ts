import type { RowPlace, UnprocessedReport, UnprocessedVisit } from '../../storage/store/evaluation-store.ts';
import type { AlertStore } from '../../storage/store/storage.ts';

/** Stored rows in the order of their times, with one page in memory. */
export interface ReplayRows {
  /** Returns at most a page of further rows up to and including a time. */
  next(untilMs: number): Promise<RowsUntil>;
}

export interface RowsUntil {
  readonly reports: readonly UnprocessedReport[];
  readonly visits: readonly UnprocessedVisit[];
  readonly more: boolean;
}

const pageRows = 100;

export function openReplayRows(store: Pick<AlertStore, 'replay'>, sinceMs: number): ReplayRows {
  let reports: readonly UnprocessedReport[] = [];
  let visits: readonly UnprocessedVisit[] = [];
  let place: RowPlace | null = null;
  let isAtEnd = false;
  return {
    next: async (untilMs) => {
      if (reports.length + visits.length === 0 && !isAtEnd) {
        const page = await store.replay(sinceMs, place, pageRows);
        ({ reports, visits } = page);
        place = page.next;
        isAtEnd = page.next === null;
      }
      const due = {
        reports: reports.filter(({ observedAtMs }) => observedAtMs <= untilMs),
        visits: visits.filter(({ startedAtMs }) => startedAtMs <= untilMs),
      };
      reports = reports.slice(due.reports.length);
      visits = visits.slice(due.visits.length);
      return { ...due, more: reports.length + visits.length === 0 && !isAtEnd };
    },
  };
}
