import { dayMs, hourMs } from '../../platform/units.ts';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Database } from '../sql/database.ts';
import { pruneNowMs } from '../sql/prune-guard.ts';
import { stateChanges, unusedNames, unusedRemover, unusedSql } from './prune-state.ts';
import { levelRemover, oldestLevelsSql } from './prune-levels.ts';
import { countStatsSql, maxStats, oldestStatsSql, statsRemover } from './prune-stats.ts';
import * as subjects from './prune-subjects.ts';
import { countSubject, subjectRemover } from './prune-subjects.ts';
import { reclaim } from './reclaim.ts';
import { rollupSources, type RollupSpan } from '../sql/rollups.ts';
import { expiredSql, expireRollup, spanStart } from './rollup.ts';
import { sqlTime } from '../sql/sql-time.ts';
import { eventDays, newestEventDays } from '../store/event-store.ts';
import type { PruneLimits, PruneResult } from '../store/storage.ts';

const alerterSql = "SELECT 1 AS found FROM runs WHERE program = 'alert' LIMIT 1";
const oldest = '1000-01-01 00:00:00.000';

/** The queries that find rows to remove, in the form used once an alerter has run. */
export const pruneQueries = {
  stats: oldestStatsSql(true),
  reports: subjects.reports(true).select,
  'log lines': subjects.logLines.select,
  visits: subjects.visits(true).select,
  runs: subjects.runs.select,
  'inventory reports': subjects.inventoryReports.select,
  alerts: subjects.alerts.select,
  mails: subjects.mails.select,
  silences: subjects.silences.select,
  events: subjects.events(false).select,
  'newest events': subjects.events(true).select,
  series: subjects.series.select,
  changes: stateChanges.select,
  'values of states': unusedSql(unusedNames[0]),
  'items of states': unusedSql(unusedNames[1]),
  'levels of mounts': oldestLevelsSql,
  'visits by the day': expiredSql({ table: 'visits' }, 'day'),
  ...Object.fromEntries(
    rollupSources.flatMap((source) => [
      [`${source.table} by the hour`, expiredSql(source, 'hour')],
      [`${source.table} by the day`, expiredSql(source, 'day')],
    ]),
  ),
} as const;

/** Visits have days alone. */
const visitDays = { table: 'visits' } as const;

type Counted = Exclude<keyof PruneResult, 'more' | 'freedBytes'>;
const kinds = ['stats', 'reports', 'visits', 'runs', 'hourly', 'daily'] as const satisfies readonly Counted[];

/** Counts of removed rows; `null` if nothing is left to remove. */
type Removed = { readonly [Kind in Counted]?: number } | null;

/** Removes up to `limit` rows of one kind in one transaction. */
type Sweep = (limit: number) => Promise<Removed>;

/**
 * Implements RetentionStore.prune. Once an alerter has run here, a row that it has not processed stays, however old.
 * Rows of `inventory` stay as long as the client's history, because they are few. A clock that has leapt ahead is not
 * trusted at once (see confirmedNowMs).
 * The kinds of rows take turns, so that many rows of one kind do not delay the others.
 */
export async function prune(
  database: Database,
  limits: PruneLimits,
  signal: AbortSignal,
  onStep: (removed: PruneResult) => void = () => undefined,
): Promise<PruneResult> {
  const removed: Record<Counted, number> = { stats: 0, reports: 0, visits: 0, runs: 0, hourly: 0, daily: 0 };
  const gait = createGait(signal);
  const isOver = (): boolean => signal.aborted;
  let open = await sweepsOf(database, limits);
  while (open.length > 0 && !isOver()) {
    const left: Sweep[] = [];
    for (const sweep of open) {
      const counts = isOver() ? {} : await gait.step(sweep);
      if (counts === null) continue;
      left.push(sweep);
      for (const kind of kinds) removed[kind] += counts[kind] ?? 0;
    }
    open = left;
    onStep({ ...removed, freedBytes: 0, more: open.length > 0 });
  }
  const more = open.length > 0;
  const freedBytes = more ? 0 : await reclaim(database, { all: limits.freeAll ?? false, step: gait.pace, signal });
  return { ...removed, freedBytes, more };
}

/** Implements RetentionStore.countPrunable. */
export async function countPrunable(database: Database, limits: PruneLimits): Promise<PruneResult> {
  const bounds = await boundsOf(database, limits);
  const { processedOnly, rawBefore, detailBefore, visitsBefore, statsBeforeMs, expiries } = bounds;
  return database.read(async (session) => {
    const [stats] = await session.all(countStatsSql(processedOnly), [sqlTime(statsBeforeMs), oldest]);
    const removed = {
      stats: Number(stats?.['count']),
      reports: await countSubject(session, subjects.reports(processedOnly), detailBefore),
      visits: await countSubject(session, subjects.visits(processedOnly), visitsBefore),
      runs: await countSubject(session, subjects.runs, rawBefore),
      hourly: 0,
      daily: 0,
    };
    for (const { span, before } of expiries) {
      for (const { table } of rolledUp(span)) {
        const kind = span === 'hour' ? 'hourly' : 'daily';
        const [row] = await session.all(`SELECT COUNT(*) AS count FROM ${table}_${kind} WHERE ${span} < ?`, [before]);
        removed[kind] += Number(row?.['count']);
      }
    }
    return { ...removed, freedBytes: 0, more: Object.values(removed).some((count) => count > 0) };
  });
}

async function boundsOf(database: Database, limits: PruneLimits) {
  const { rawMs, detailMs, logsMs = rawMs, alertsMs = rawMs, visitsMs = rawMs, hourlyMs, dailyMs } = limits;
  const { changesMs = rawMs } = limits;
  const nowMs = await pruneNowMs(database, limits.nowMs);
  const processedOnly = (await database.read((session) => session.all(alerterSql))).length > 0;
  const kept = [
    { span: 'hour', keptMs: hourlyMs },
    { span: 'day', keptMs: dailyMs },
  ] as const;
  return {
    nowMs,
    processedOnly,
    rawBefore: sqlTime(nowMs - rawMs),
    detailBefore: sqlTime(nowMs - detailMs),
    logsBefore: sqlTime(nowMs - logsMs),
    alertsBefore: sqlTime(nowMs - alertsMs),
    visitsBefore: sqlTime(nowMs - visitsMs),
    changesBefore: sqlTime(nowMs - changesMs),
    // Days of visits are made if they outlast the visits.
    rollsVisitsUp: dailyMs !== null && dailyMs > visitsMs,
    // Rollups without a limit of their own stay, and so do the names of their series.
    seriesBefore: hourlyMs === null || dailyMs === null ? null : sqlTime(nowMs - Math.max(rawMs, hourlyMs, dailyMs)),
    // A full hour, because an hour is rolled up once and as a whole.
    statsBeforeMs: Math.floor((nowMs - rawMs) / hourMs) * hourMs,
    // The rollups that rows are added to before they are removed.
    spans: kept.flatMap(({ span, keptMs }) => (keptMs !== null && keptMs > rawMs ? [span] : [])),
    expiries: kept.flatMap(({ span, keptMs }) =>
      keptMs === null ? [] : [{ span, before: spanStart(span, nowMs - keptMs) }],
    ),
  };
}

async function sweepsOf(database: Database, limits: PruneLimits): Promise<readonly Sweep[]> {
  const bounds = await boundsOf(database, limits);
  const { nowMs, processedOnly, rawBefore, detailBefore, logsBefore, seriesBefore, statsBeforeMs, spans, expiries } =
    bounds;
  const { alertsBefore, visitsBefore, changesBefore, rollsVisitsUp } = bounds;
  const ofSubject = (counted: Counted | null, subject: subjects.Subject, before: string): Sweep =>
    countedAs(counted, subjectRemover(database, subject, before));
  const expired = expiries.flatMap(({ span, before }) =>
    rolledUp(span).map((source) =>
      countedAs(span === 'hour' ? 'hourly' : 'daily', (limit) => expireRollup(database, source, span, before, limit)),
    ),
  );
  return [
    ofSubject('reports', subjects.reports(processedOnly), detailBefore),
    ofSubject(null, subjects.logLines, logsBefore),
    statsRemover({ database, beforeMs: statsBeforeMs, processedOnly, spans }),
    ...expired,
    ofSubject('visits', subjects.visits(processedOnly, rollsVisitsUp), visitsBefore),
    ofSubject('runs', subjects.runs, rawBefore),
    ofSubject(null, subjects.inventoryReports, rawBefore),
    ofSubject(null, subjects.mails, alertsBefore),
    ofSubject(null, subjects.alerts, alertsBefore),
    ofSubject(null, subjects.silences, alertsBefore),
    ofSubject(null, subjects.events(false), sqlTime(nowMs - eventDays * dayMs)),
    ofSubject(null, subjects.events(true), sqlTime(nowMs - newestEventDays * dayMs)),
    countedAs(null, levelRemover(database, nowMs)),
    ofSubject(null, stateChanges, changesBefore),
    ...unusedNames.map((names) => countedAs(null, unusedRemover(database, names))),
    ...(seriesBefore === null ? [] : [ofSubject(null, subjects.series, seriesBefore)]),
  ];
}

/** Returns the tables that have a rollup of this span. */
function rolledUp(span: RollupSpan): readonly { readonly table: string }[] {
  return span === 'hour' ? rollupSources : [...rollupSources, visitDays];
}

/** Returns a sweep whose rows are counted as a kind; null: they are not counted. */
function countedAs(kind: Counted | null, remove: (limit: number) => Promise<number | null>): Sweep {
  return async (limit) => {
    const count = await remove(limit);
    if (count === null) return null;
    return kind === null ? {} : { [kind]: count };
  };
}

// The least rows of a transaction: with fewer, its fixed cost would dominate.
const minRows = 16;
const firstRows = 128;
/** The longest time of a transaction. A transaction that takes less than half of it makes the next one larger. */
const longestMs = 400;
/**
 * The pause between transactions: longer than the retry interval for the lock of an SQLite file, so that every other
 * process gets the lock.
 */
const pauseMs = 90;

/** Sizes transactions so that others can wait for them, and pauses between transactions. */
function createGait(signal: AbortSignal) {
  const sizes = new Map<Sweep, number>();
  let sincePauseMs = 0;
  const pauseAfter = async (tookMs: number): Promise<void> => {
    sincePauseMs += tookMs;
    if (sincePauseMs <= longestMs / 2) return;
    sincePauseMs = 0;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  };
  return {
    /** Runs slow work, and pauses when a pause is due. */
    pace: async (work: () => Promise<void>): Promise<void> => {
      const startedAt = performance.now();
      await work();
      await pauseAfter(performance.now() - startedAt);
    },
    step: async (sweep: Sweep): Promise<Removed> => {
      const rows = sizes.get(sweep) ?? firstRows;
      const startedAt = performance.now();
      const removed = await sweep(rows);
      const tookMs = performance.now() - startedAt;
      if (tookMs > longestMs) sizes.set(sweep, Math.max(minRows, Math.floor(rows / 2)));
      else if (tookMs < longestMs / 2) sizes.set(sweep, Math.min(maxStats, rows * 2));
      await pauseAfter(tookMs);
      return removed;
    },
  };
}
