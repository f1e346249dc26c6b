import { statSync, utimesSync, writeFileSync } from 'node:fs';

import { formatDuration } from '../../text/durations.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import type { RunFact, RunStart } from '../../storage/store/run.ts';
import { lowPercent, stateDisks, statePlaces } from '../../state-folder/state-disk.ts';
import type { ReportStore, Storage } from '../../storage/store/storage.ts';
import { unseenSealed } from '../../storage/store/sealed-store.ts';
import { counted } from '../../text/numbers.ts';
import type { CollectorRun } from '../collect-options.ts';

/** The number of intervals `every` after which a program counts as silent. */
const missedRuns = 3;

/** The maximum age of a finished pass that the query finds. */
const longestMs = 7 * dayMs;

export interface AlerterWatchOptions {
  readonly storage: Pick<Storage, 'fleet' | 'history' | 'nowMs'>;
  readonly everyMs: number;
  /** The run that makes the check. */
  readonly run: Pick<RunStart, 'id' | 'collectorId'>;
}

type Passed = Pick<RunFact, 'outcome' | 'startedAtMs' | 'finishedAtMs'>;

/**
 * Returns `alerter-silent` if alerters have run here, none has finished for three times `every`, and this collector ran
 * meanwhile. After a pause of the whole machine the alerter has not had its turn yet. Times are the database's; a pass
 * that begins in the future was made under a wrong clock. Returns `null` if all is well or no alerter ever ran.
 */
export async function alerterFault({ storage, everyMs, run }: AlerterWatchOptions): Promise<FleetError | null> {
  const last = await storage.history.lastRun('alert');
  if (last === null) return null;
  const nowMs = await storage.nowMs();
  const sinceMs = nowMs - missedRuns * everyMs;
  const hasFinished = ({ outcome, startedAtMs }: Passed): boolean => outcome === 'finished' && startedAtMs <= nowMs;
  const isRecent = (pass: Passed): boolean => hasFinished(pass) && (pass.finishedAtMs ?? 0) >= sinceMs;
  if (isRecent(last)) return null;
  if ((await storage.fleet.runs('alert', sinceMs)).some(isRecent)) return null;
  if (!(await ranMeanwhile(storage, { run, sinceMs, byMs: nowMs - 1.5 * everyMs }))) return null;
  const finished = hasFinished(last) ? last : (await storage.fleet.runs('alert', nowMs - longestMs)).find(hasFinished);
  const age =
    finished === undefined || finished.finishedAtMs === null
      ? 'a week or more'
      : formatDuration(wholeMinutes(nowMs - finished.finishedAtMs));
  const began = new Date(last.startedAtMs).toISOString();
  return new FleetError({
    code: 'alerter-silent',
    stage: 'run',
    message: `no pass of the alerter has finished for ${age}; the newest began at ${began} (${last.outcome})`,
  });
}

/**
 * True if the database has answered this collector for three times `every`: no other program could do its work before.
 * `wasAway` is true if the run has found the database away, or just back. The time of the file is that of the newest
 * such run. A time in the future comes from a wrong clock.
 */
export function hasAnswered(file: string, run: { wasAway: boolean; atMs: number; everyMs: number }): boolean {
  const { wasAway, atMs, everyMs } = run;
  if (!wasAway) {
    const sinceMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return sinceMs > atMs || atMs - sinceMs >= missedRuns * everyMs;
  }
  try {
    writeFileSync(file, '', { mode: 0o600 });
    utimesSync(file, atMs / 1000, atMs / 1000);
  } catch {
    // On a full disk the watches begin with the next run.
  }
  return false;
}

/** True if the collector made two full runs before this one since `sinceMs`, the first by `byMs`. */
export async function ranMeanwhile(
  { fleet }: Pick<Storage, 'fleet'>,
  { run, sinceMs, byMs }: { run: AlerterWatchOptions['run']; sinceMs: number; byMs: number },
): Promise<boolean> {
  const before = (await fleet.runs('collect', sinceMs)).filter(
    ({ id, collectorId, scope, outcome }) =>
      id !== run.id && collectorId === run.collectorId && scope === 'full' && outcome !== 'overlapped',
  );
  return before.length >= missedRuns - 1 && before.some(({ startedAtMs }) => startedAtMs <= byMs);
}

function wholeMinutes(ms: number): number {
  return Math.max(1, Math.floor(ms / minuteMs)) * minuteMs;
}

/**
 * Returns `ingest-silent` if sealed reports have waited in the database for three times `every` and no `ingest` has
 * looked at them. Returns `null` if all is well. For a collector that opens nothing.
 */
export async function ingestFault({ storage, everyMs }: Omit<AlerterWatchOptions, 'run'>): Promise<FleetError | null> {
  const unseen = unseenSealed(await storage.fleet.sealedWaiting());
  if (unseen === null || unseen.sinceMs > (await storage.nowMs()) - missedRuns * everyMs) return null;
  const { reports, sinceMs } = unseen;
  const waiting = `${counted(reports, 'sealed report')} ${reports === 1 ? 'waits' : 'wait'} in the database`;
  return new FleetError({
    code: 'ingest-silent',
    stage: 'run',
    message: `${waiting}, the oldest since ${new Date(sinceMs).toISOString()}, and no ingest has opened them`,
  });
}

/**
 * Stores the free space of the file systems to which the collector writes, for the alerter to mail. Returns `disk-low`
 * if one has become low, and while it is low in the first run of each hour. Otherwise returns null. The disk of a
 * database server is not visible here.
 */
export async function stateDiskFault(
  { config, start: { host, collectorId } }: Pick<CollectorRun, 'config' | 'start'>,
  store: Pick<ReportStore, 'saveStateDisks'>,
  nowMs: number,
): Promise<FleetError | null> {
  const disks = stateDisks(statePlaces(config));
  const before = await store.saveStateDisks({ host, collectorId, atMs: nowMs, disks });
  const low = disks.filter(({ freePercent }) => freePercent < lowPercent);
  const isNew = low.some((disk) => {
    const last = before.find((fact) => fact.path === disk.path);
    if (last === undefined || last.freePercent >= lowPercent) return true;
    return Math.floor(last.observedAtMs / hourMs) !== Math.floor(nowMs / hourMs);
  });
  if (!isNew) return null;
  const places = low.map(({ freePercent, path: place }) => `${freePercent.toFixed(1)} % is free in ${place}`);
  return new FleetError({ code: 'disk-low', stage: 'run', message: places.join(', ') });
}
