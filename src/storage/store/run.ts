import type { Beside } from '../../report/beside.ts';
import { dayMs } from '../../platform/units.ts';
import { counted } from '../../text/numbers.ts';
import { numberOrNull, type RecordOf, recordShape, text, textOrNull, time, timeOrNull } from './record-shape.ts';

export const runEnds = ['finished', 'failed', 'overlapped', 'interrupted'] as const;
export type RunOutcome = 'running' | (typeof runEnds)[number];

/** The programs that leave a row of `runs`. */
export const programs = ['collect', 'alert', 'ingest'] as const;
export type Program = (typeof programs)[number];

/**
 * The kind of agent that reads a client: on the client's own node, in the shell, one that pushes, or one that is polled
 * over HTTP. `runtime`: a node that earlier versions uploaded, in their records.
 */
export type Reader = (typeof readers)[number];
export const readers = ['node', 'runtime', 'shell', 'push', 'spoke'] as const;

/** Reads the column `reader`. Returns null for NULL and for values that this version does not know. */
export function readerOrNull(value: unknown): Reader | null {
  return readers.find((reader) => reader === value) ?? null;
}

/** An attempt to get a state report. */
export interface StateAttempt {
  /** The stamp of the client after the report; null if none came. */
  readonly stamp: string | null;
  /** The number of attempts of this day, UTC, with this one. */
  readonly runs: number;
}

/** The codes of visits that a host key ended. They do not count for `unreachable`. */
export const hostKeyCodes: readonly string[] = ['host-key-changed', 'host-key-revoked', 'host-key-unknown'];

/** An attempt to visit a client. Its key is (runId, client). */
export interface VisitRecord {
  readonly runId: string;
  readonly client: string;
  readonly address: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly ok: boolean;
  readonly stage: string | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly connectMs: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly uploaded: boolean;
  /** The agent that answered; `null` if none did. */
  readonly reader: Reader | null;
  /** The epoch of the client's slice in which a collector that shares the fleet made the visit. Default: none. */
  readonly epoch?: number;
  readonly bootId: string | null;
  /** The attempt to get a state report with this visit. Default: none. */
  readonly state?: StateAttempt;
  /** True if the stamp of the client was that of the newest state report. Default: false. */
  readonly stateSame?: boolean;
  /** The keys that the reports of a good visit were sealed to. null or missing if none came, or more wait. */
  readonly sealedTo?: readonly string[] | null;
  /** The look of clients beside it at a lost client. Default: nobody was to be asked. */
  readonly beside?: Beside;
  /** The earliest time of the next attempt (set after a refused login); null: at once. */
  readonly nextAttemptAtMs: number | null;
  /** Advice that is more exact than the code's. `collect` prints it; it is not stored. */
  readonly advice?: string;
}

/** Returns the runs of the collector that may be under way. An older run was killed, or its clock was wrong. */
export function unfinishedRuns(
  runs: readonly Pick<RunFact, 'id' | 'program' | 'startedAtMs' | 'finishedAtMs'>[],
  { nowMs, runDeadlineMs }: { readonly nowMs: number; readonly runDeadlineMs: number },
): ReadonlySet<string> {
  const mayRun = runs.filter(
    ({ program, finishedAtMs, startedAtMs }) =>
      program === 'collect' && finishedAtMs === null && Math.abs(nowMs - startedAtMs) < runDeadlineMs,
  );
  return new Set(mayRun.map(({ id }) => id));
}

export interface RunStart {
  readonly id: string;
  readonly program: Program;
  readonly collectorId: string;
  readonly host: string;
  readonly scope: 'full' | 'filtered';
  readonly configDigest: string;
  readonly startedAtMs: number;
}

export interface RunEnd {
  readonly id: string;
  readonly outcome: RunOutcome;
  readonly finishedAtMs: number;
  readonly clients: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cpuMs: number;
  readonly maxRssBytes: number;
  /** Counts of the rows that the run stored again. null or missing: the run did not look. */
  readonly restored?: Restored | null;
}

/** Rows that the database had confirmed and forgotten, and a run found and stored again. */
export interface Restored {
  readonly reports: number;
  /** The number of runs, visits and events. */
  readonly records: number;
  /** The times of the oldest and of the newest; null if there are none. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** The server that forgot, its version, and its settings that allow it; null if nothing was forgotten. */
  readonly note: string | null;
}

/** Returns the number of rows that a run has stored again. */
export function restoredRows(restored: Restored | null): number {
  return restored === null ? 0 : restored.reports + restored.records;
}

/** A run as it is stored. */
export const storedRun = recordShape({
  id: text,
  program: (value): Program => programs.find((program) => program === value) ?? 'collect',
  collectorId: text,
  host: text,
  scope: (value): RunStart['scope'] => (value === 'full' ? 'full' : 'filtered'),
  configDigest: text,
  outcome: text,
  startedAtMs: time,
  finishedAtMs: timeOrNull,
  clients: numberOrNull,
  succeeded: numberOrNull,
  failed: numberOrNull,
  /** The number of reports, runs, visits and events that the run stored again; null: it did not look. */
  restored: numberOrNull,
  restoredReports: numberOrNull,
  restoredFromMs: timeOrNull,
  restoredToMs: timeOrNull,
  restoredNote: textOrNull,
});
export type RunFact = RecordOf<typeof storedRun>;

/** The records that the database had confirmed and forgotten, and that runs of one day have stored again. */
export interface Loss {
  /** Reports, runs, visits and events. */
  readonly restored: number;
  readonly reports: number;
  /** The times of the oldest and of the newest of them; null if unknown. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** The database that forgot, in words; null if unknown. */
  readonly note: string | null;
  /** These runs, oldest first. */
  readonly runs: readonly [RunFact, ...RunFact[]];
}

/** Returns the first and the last of times; null if there are none. */
export function spanOf(times: readonly number[]): Pick<Restored, 'fromMs' | 'toMs'> {
  const bound = (of: (one: number, other: number) => number): number | null =>
    times.reduce<number | null>((best, atMs) => of(best ?? atMs, atMs), null);
  return { fromMs: bound(Math.min), toMs: bound(Math.max) };
}

/** Returns the losses that runs of the last day found, as one; null if there are none. */
export function lossOfDay(runs: readonly RunFact[], nowMs: number): Loss | null {
  const found = runs
    .filter(({ restored, startedAtMs }) => (restored ?? 0) > 0 && Math.abs(nowMs - startedAtMs) < dayMs)
    .sort((one, other) => one.startedAtMs - other.startedAtMs);
  const [first, ...others] = found;
  if (first === undefined) return null;
  const sumOf = (name: 'restored' | 'restoredReports'): number => found.reduce((sum, run) => sum + (run[name] ?? 0), 0);
  const times = found.flatMap(({ restoredFromMs, restoredToMs }) => [restoredFromMs ?? [], restoredToMs ?? []].flat());
  return {
    restored: sumOf('restored'),
    reports: sumOf('restoredReports'),
    ...spanOf(times),
    note: found.findLast(({ restoredNote }) => restoredNote !== null)?.restoredNote ?? null,
    runs: [first, ...others],
  };
}

/**
 * Describes a loss: `the database has lost 37 reports of 09:12 to 09:14; they are stored again. The database is ...`.
 */
export function lossWords(
  { restored, reports, fromMs, toMs, note }: Omit<Loss, 'runs'>,
  moment: (atMs: number) => string,
): string {
  const records = restored - reports;
  const what = [
    ...(reports > 0 ? [counted(reports, 'report')] : []),
    ...(records > 0 ? [counted(records, 'record')] : []),
  ].join(' and ');
  const [from, to] = [fromMs, toMs].map((atMs) => (atMs === null ? null : moment(atMs)));
  const span = from === null || to === null ? '' : ` of ${from}${from === to ? '' : ` to ${to}`}`;
  const again = restored === 1 ? 'it is' : 'they are';
  const which = note === null ? '' : `. The database is ${note}`;
  return `the database has lost ${what}${span}; ${again} stored again${which}`;
}
