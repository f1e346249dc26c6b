import { append, least } from '../../platform/group-by.ts';
import { programs, storedRun } from '../store/run.ts';
import type { Database, Session, SqlRow } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import { type Alert, storedAlert } from '../store/alert.ts';
import { type PlotStore, type RecordStore, runSpan, type Watch } from '../store/look-store.ts';
import { knownSeries, seriesCounts, seriesFigures } from './check-series.ts';
import { checksOfClients } from './fleet-checks.ts';
import { fleetLines } from './fleet-lines.ts';
import { fleetFigures } from './grid-figures.ts';
import { logLinesOfClients } from './log-lines.ts';
import { visitCounts } from './visit-counts.ts';

const runsSql = `SELECT ${runSpan.columns} FROM runs WHERE program = ? AND outcome <> 'overlapped'`;

const alertSql = `SELECT ${storedAlert.columns} FROM alerts WHERE id = ?`;
// By the index on client and id.
const alertsLikeSql = `SELECT ${storedAlert.columns} FROM alerts WHERE client = ? AND rule = ? AND subject = ?
  AND (resolved_at IS NULL OR resolved_at >= ?) ORDER BY id DESC LIMIT ?`;
const alertsOfClientSql = `SELECT ${storedAlert.columns} FROM alerts
  WHERE client = ? AND pending_since < ? AND (resolved_at IS NULL OR resolved_at >= ?) ORDER BY id DESC LIMIT ?`;
// By the index on program and started_at.
const newestRunsSql = `SELECT ${storedRun.columns} FROM runs WHERE program = ? ORDER BY started_at DESC, id DESC LIMIT ?`;
const unwatched: Watch = { signal: new AbortController().signal, onProgress: () => undefined };

export function createPlotStore(database: Database): PlotStore {
  return {
    gridFigures: async (client, table, columns, grid) => {
      const query = { clients: [client], table, columns, ranges: columns, grid };
      return (await fleetFigures(database, query, unwatched)).of(client);
    },
    fleetLines: (clients, grid, day) => database.read((session) => fleetLines(session, clients, grid, day)),
    fleetFigures: (query, watch) => fleetFigures(database, query, watch),
    seriesCounts: (clients, sinceMs) => database.read((session) => seriesCounts(session, clients, sinceMs)),
    knownSeries: (client, query) => database.read((session) => knownSeries(session, client, query)),
    seriesFigures: (series, grid, watch) => seriesFigures(database, series, grid, watch),
    firstReportMs: (client) => database.read((session) => firstReportMs(session, client)),
    visitCount: async (client, sinceMs, untilMs) => {
      const grid = { sinceMs, stepMs: untilMs - sinceMs, points: 1, untilMs, sampleMs: null };
      return (await visitCounts(database, { clients: [client], grid }, unwatched)).get(client) ?? null;
    },
    visitCounts: (query, watch) => visitCounts(database, query, watch),
  };
}

export function createRecordStore(database: Database): RecordStore {
  const all = (sql: string, values: readonly string[]): Promise<readonly SqlRow[]> =>
    database.read((session) => session.all(sql, values));
  return {
    newestRuns: async (limit) => {
      const rows: SqlRow[] = [];
      for (const program of programs) append(rows, await all(newestRunsSql, [program, String(limit)]));
      return rows
        .map(storedRun.read)
        .sort((one, other) => other.startedAtMs - one.startedAtMs)
        .slice(0, limit);
    },
    runsBetween: async (program, sinceMs, untilMs) => {
      const [since, until] = [sqlTime(sinceMs), sqlTime(untilMs)];
      const before = `${runsSql} AND started_at < ? ORDER BY started_at DESC, id DESC LIMIT 1`;
      const within = `${runsSql} AND started_at >= ? AND started_at < ? ORDER BY started_at, id`;
      const rows = [...(await all(before, [program, since])), ...(await all(within, [program, since, until]))];
      return rows.map(runSpan.read);
    },
    checksOfClients: (clients, beforeMs) => database.read((session) => checksOfClients(session, clients, beforeMs)),
    logLinesOfClients: (clients, query) => database.read((session) => logLinesOfClients(session, clients, query)),
    alertsBetween: (sinceMs, untilMs, limit) =>
      database.read((session) => alertsBetween(session, sinceMs, untilMs, limit)),
    alertsOfClient: async (client, sinceMs, untilMs, limit) =>
      (await all(alertsOfClientSql, [client, sqlTime(untilMs), sqlTime(sinceMs), String(limit)]))
        .map(storedAlert.read)
        .reverse(),
    alertsLike: async ({ client, rule, subject }, sinceMs, limit) =>
      (await all(alertsLikeSql, [client, rule, subject, sqlTime(sinceMs), String(limit)])).map(storedAlert.read),
    alert: async (id) => (await all(alertSql, [String(id)])).map(storedAlert.read)[0] ?? null,
  };
}

async function firstReportMs(session: Session, client: string | null): Promise<number | null> {
  if (client === null) {
    const [row] = await session.all('SELECT MIN(observed_at) AS first FROM stats');
    return fromSqlTime(row?.['first']);
  }
  const firsts: number[] = [];
  for (const [table, column, rest] of [
    ['stats', 'observed_at', ''],
    ['stats_hourly', 'hour', ''],
    ['stats_daily', 'day', ' 00:00:00'],
  ] as const) {
    const [row] = await session.all(`SELECT MIN(${column}) AS first FROM ${table} WHERE client = ?`, [client]);
    const first = row?.['first'];
    append(
      firsts,
      [typeof first === 'string' ? fromSqlTime(first + rest) : null].filter((atMs) => atMs !== null),
    );
  }
  return firsts.length === 0 ? null : least(firsts);
}

async function alertsBetween(
  session: Session,
  sinceMs: number,
  untilMs: number,
  limit: number,
): Promise<readonly Alert[]> {
  const until = sqlTime(untilMs);
  const select = (condition: string, values: readonly string[]): Promise<readonly SqlRow[]> =>
    session.all(
      `SELECT ${storedAlert.columns} FROM alerts WHERE ${condition} AND pending_since < ? ORDER BY id DESC LIMIT ?`,
      [...values, until, String(limit)],
    );
  const open = await select("state IN ('pending', 'firing')", []);
  // By the index on closed_out and resolved_at.
  const closed = await select('closed_out IN (0, 1) AND resolved_at >= ?', [sqlTime(sinceMs)]);
  return [...open, ...closed].map(storedAlert.read).sort((one, other) => one.id - other.id);
}
