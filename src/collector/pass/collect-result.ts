import type { FleetError } from '../../errors.ts';
import { processUse } from '../../platform/process-use.ts';
import type { RunEnd } from '../../storage/store/run.ts';
import type { CollectResult, PassOptions } from '../collect-options.ts';
import type { ClientsVisited } from './visit-clients.ts';

/** Returns the end of the run's row. */
export function endOf({ start, now }: Pick<PassOptions, 'start' | 'now'>, visited: ClientsVisited): RunEnd {
  return {
    id: start.id,
    outcome: visited.interrupted ? 'interrupted' : 'finished',
    finishedAtMs: now(),
    clients: visited.clients,
    succeeded: visited.succeeded,
    failed: visited.failures.length,
    skipped: visited.heldBack + visited.unreached,
    ...processUse(),
  };
}

/** Faults of other programs, which do not make this run fail. */
const othersFaults: readonly string[] = ['alerter-silent', 'ingest-silent', 'disk-low'];

export interface PassOutcome {
  readonly visited: ClientsVisited;
  readonly end: RunEnd;
  readonly reports: CollectResult['reports'];
  readonly faults: readonly FleetError[];
}

export function resultOf(startedAtMs: number, { visited, end, reports, faults }: PassOutcome): CollectResult {
  const { id, finishedAtMs, clients, succeeded, failed, skipped } = end;
  const allWell = failed + skipped + reports.quarantined === 0 && !visited.interrupted;
  return {
    runId: id,
    outcome: visited.interrupted ? 'interrupted' : 'finished',
    exitStatus: faults.some(({ code }) => !othersFaults.includes(code)) ? 3 : allWell && faults.length === 0 ? 0 : 1,
    holder: null,
    startedAtMs,
    finishedAtMs,
    clients,
    succeeded,
    failed,
    skipped,
    unreached: visited.unreached,
    reports,
    failures: visited.failures,
    faults,
  };
}
