import type { FleetError } from '../../platform/errors/errors.ts';
import { processUse } from '../../platform/process-use.ts';
import type { RunEnd } from '../../storage/store/run.ts';
import type { CollectResult, CollectorRun } from '../collect-options.ts';
import type { ClientsVisited } from './visit-clients.ts';

type CollectEnd = RunEnd & Pick<CollectResult, 'outcome'>;

/** Returns the final values of the run's row. */
export function endOf({ start, now }: Pick<CollectorRun, 'start' | 'now'>, visited: ClientsVisited): CollectEnd {
  return {
    id: start.id,
    outcome: visited.interrupted ? 'interrupted' : visited.isRefused ? 'failed' : 'finished',
    finishedAtMs: now(),
    clients: visited.clients,
    succeeded: visited.succeeded,
    failed: visited.failures.length,
    skipped: visited.heldBack + visited.unreached,
    ...processUse(),
  };
}

/** Returns the final values of a run that does nothing because another run holds the lock. */
export function overlappedEnd(run: Parameters<typeof endOf>[0]): CollectEnd {
  return { ...endOf(run, nobodyVisited), outcome: 'overlapped' };
}

const nobodyVisited: ClientsVisited = {
  clients: 0,
  succeeded: 0,
  failures: [],
  heldBack: 0,
  unreached: 0,
  isRefused: false,
  interrupted: false,
  endedEarly: false,
};

/** Faults of other programs, which do not fail this run. */
const othersFaults: readonly string[] = ['alerter-silent', 'ingest-silent', 'disk-low'];

export interface CollectOutcome {
  readonly end: CollectEnd;
  /** The outcome of the visits. Default: no client was visited. */
  readonly visited?: ClientsVisited;
  /** The counts of reports. Default: no report arrived. */
  readonly reports?: CollectResult['reports'];
  readonly faults?: readonly FleetError[];
  readonly holder?: CollectResult['holder'];
}

const noReports = { stored: 0, duplicate: 0, quarantined: 0, waiting: 0 };

export function resultOf(
  startedAtMs: number,
  { end, visited = nobodyVisited, reports = noReports, faults = [], holder = null }: CollectOutcome,
): CollectResult {
  const { id: runId, outcome, failed, skipped } = end;
  const { unreached, failures } = visited;
  const allWell = failed + skipped + reports.quarantined + faults.length === 0 && outcome !== 'interrupted';
  const exitStatus = faults.some(({ code }) => !othersFaults.includes(code)) ? 3 : allWell ? 0 : 1;
  const { restored = null } = end;
  return { ...end, runId, exitStatus, holder, startedAtMs, unreached, reports, restored, failures, faults };
}
