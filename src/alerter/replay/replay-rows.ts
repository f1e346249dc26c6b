import type { AlertHistory, ReplayPage } from '../../storage/store/alert-history.ts';
import type { RowsUntil } from './replay-state.ts';

const pageRows = 100;

/**
 * Returns a function that yields further rows up to and including a time, in the order of their times. Keeps one page
 * in memory. With `clients` the rows of these alone.
 */
export function openReplayRows(
  store: Pick<AlertHistory, 'replay'>,
  sinceMs: number,
  clients: readonly string[] | null = null,
): (untilMs: number) => AsyncGenerator<RowsUntil> {
  let page: ReplayPage | null = null;
  return async function* (untilMs) {
    for (;;) {
      page ??= await store.replay(sinceMs, null, pageRows, clients);
      const { reports, visits, next }: ReplayPage = page;
      const due = {
        reports: reports.filter(({ observedAtMs }) => observedAtMs <= untilMs),
        visits: visits.filter(({ startedAtMs }) => startedAtMs <= untilMs),
      };
      yield due;
      page = { reports: reports.slice(due.reports.length), visits: visits.slice(due.visits.length), next };
      if (page.reports.length + page.visits.length > 0 || next === null || next.atMs > untilMs) return;
      page = await store.replay(sinceMs, next, pageRows, clients);
    }
  };
}
