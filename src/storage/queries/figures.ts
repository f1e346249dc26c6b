import { append } from '../../platform/group-by.ts';
import { dayMs } from '../../platform/units.ts';
import { timeColumn } from '../rows/columns.ts';
import { numberOrNull, textOrNull } from '../store/record-shape.ts';
import { byOthers } from '../rows/run-rows.ts';
import { forIds } from '../sql/by-ids.ts';
import type { Database, Session, SqlRow, SqlValue } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import {
  type ExportedTable,
  type ExportStore,
  type FigurePage,
  type FigureRow,
  type FigureSpan,
  type FigureStore,
  type FigureSubject,
  finishedRun,
  type NewestReport,
  type ReportsBehind,
  type Resolution,
  type SubjectTable,
  type WholeReport,
  wholeReport,
} from '../store/figure-store.ts';
import { inventoryKinds } from './inventory-parts.ts';
import { newestOf, newestSince, recentReports } from './newest-rows.ts';
import { countOwnSamples, namedSamples, ownSamples, seriesOf } from './check-series.ts';

const lastFinishedSql = (except: ReadonlySet<string>): string => `SELECT ${finishedRun.columns} FROM runs
  WHERE program = ? AND outcome = 'finished' AND scope = 'full'${byOthers(except)} ORDER BY started_at DESC, id DESC LIMIT 1`;
const subjectColumns = {
  stats: null,
  disk_stats: 'mount',
  network_stats: 'interface',
  check_stats: 'check_name',
  samples: 'series_id',
} as const;
const rollups = { hour: 'hourly', day: 'daily' } as const;

export function createFigureStore(database: Database): FigureStore {
  return {
    newestReports: (columns) => database.read((session) => newestReports(session, columns)),
    newestSince: (columns, sinceMs) => database.read((session) => newestSince(session, columns, sinceMs)),
    recentReports: (asked) => database.read((session) => recentReports(session, asked)),
    inventoryKinds: () => database.read(inventoryKinds),
    countSubjects: (table, statIds) => database.read((session) => sumOf(session, table, 'COUNT(*)', statIds)),
    countCheckValues: (statIds) => database.read((session) => sumOf(session, 'check_stats', equalsSigns, statIds)),
    subjects: (table, statIds, columns) =>
      database.read(async (session) => {
        const names = [...new Set(['stat_id', subjectColumns[table], ...columns])].join(', ');
        const order = keyColumns(table, 'row').slice(1).join(', ');
        const rows = await forIds('stat_id', statIds, (where, values) =>
          session.all(`SELECT ${names} FROM ${sourceTable(table, 'row')} WHERE ${where} ORDER BY ${order}`, values),
        );
        return rows.map(figureRow);
      }),
    countOwnSamples: (statIds) => database.read((session) => countOwnSamples(session, statIds)),
    ownSamples: (statIds) => database.read((session) => ownSamples(session, statIds)),
    lastFinished: async (program, except = new Set()) => {
      const [row] = await database.read((session) => session.all(lastFinishedSql(except), [program, ...except]));
      return row === undefined ? null : finishedRun.read(row);
    },
  };
}

export function createExportStore(database: Database): ExportStore {
  return {
    series: (client) => database.read((session) => seriesOf(session, client)),
    hoursBegin: (client, table) => database.read((session) => hoursBegin(session, client, table)),
    subjectsBetween: (span) => database.read((session) => subjectsBetween(session, span)),
    reportsBehind: (asked) => database.read((session) => reportsBehind(session, asked)),
    lastStatId: async () => {
      const [row] = await database.read((session) => session.all('SELECT MAX(id) AS id FROM stats'));
      return numberOrNull(row?.['id'] ?? null);
    },
    page: (span, after, limit) => database.read((session) => page(session, span, after, limit)),
  };
}

async function reportsBehind(
  session: Session,
  { statId, sinceMs, receivedUntilMs, limit }: ReportsBehind,
): Promise<readonly WholeReport[]> {
  const rows = await session.all(
    `SELECT r.stat_id, s.client, s.observed_at, s.received_at, r.report FROM stats s JOIN reports r ON r.stat_id = s.id
      WHERE s.id > ? AND s.observed_at >= ? ORDER BY s.id LIMIT ${limit}`,
    [statId, sqlTime(sinceMs)],
  );
  const isLate = (row: SqlRow): boolean => (fromSqlTime(row['received_at']) ?? 0) > receivedUntilMs;
  const late = rows.findIndex(isLate);
  return rows.slice(0, late === -1 ? rows.length : late).map(wholeReport.read);
}

/** The number of figures of a check: an equals sign follows each label. */
const equalsSigns = "COALESCE(SUM(LENGTH(perfdata) - LENGTH(REPLACE(perfdata, '=', ''))), 0)";

async function sumOf(
  session: Session,
  table: SubjectTable,
  expression: string,
  statIds: readonly number[],
): Promise<number> {
  const sums = await forIds('stat_id', statIds, (where, values) =>
    session.all(`SELECT ${expression} AS value FROM ${table} WHERE ${where}`, values),
  );
  return sums.reduce((sum, { value }) => sum + Number(value), 0);
}

async function newestReports(session: Session, columns: readonly string[]): Promise<readonly NewestReport[]> {
  const figures = columns.map((column) => `s.${column}`);
  const sql = `SELECT ${['c.name', 'c.address', 'c.last_report_at', 'c.consecutive_failures', 's.id', 's.observed_at', ...figures].join(', ')}
    FROM clients c LEFT JOIN stats s ON s.id = ${newestOf(session.dialect, 'stats', 'c.name')} ORDER BY c.name`;
  return (await session.all(sql)).map((row) => ({
    client: String(row['name']),
    address: textOrNull(row['address']),
    lastReportAtMs: fromSqlTime(row['last_report_at']),
    consecutiveFailures: Number(row['consecutive_failures']),
    statId: numberOrNull(row['id']),
    observedAtMs: fromSqlTime(row['observed_at']),
    row: figureRow(row),
  }));
}

/**
 * Implements ExportStore.hoursBegin. Hours are removed one by one, so the first day with an hour may lack others. That
 * day is exported as a whole if its daily row is kept.
 */
async function hoursBegin(session: Session, client: string, table: ExportedTable): Promise<number | null> {
  const [first] = await session.all(`SELECT MIN(hour) AS hour FROM ${table}_hourly WHERE client = ?`, [client]);
  const hour = placeMs(first?.['hour'] ?? null);
  if (hour === null) return null;
  const day = Math.floor(hour / dayMs) * dayMs;
  const kept = await session.all(`SELECT 1 AS kept FROM ${table}_daily WHERE client = ? AND day = ? LIMIT 1`, [
    client,
    placeText('day', day),
  ]);
  return kept.length > 0 && hour > day ? day + dayMs : hour;
}

async function subjectsBetween(
  session: Session,
  { client, table, resolution, sinceMs, untilMs }: Omit<FigureSpan, 'columns' | 'subject'>,
): Promise<readonly FigureSubject[]> {
  const subject = subjectColumns[table];
  if (subject === null) return [];
  const time = timeColumn(resolution);
  const fstype = table === 'disk_stats' && resolution === 'row' ? "COALESCE(fstype, '')" : "''";
  const rows = await session.all(
    `SELECT DISTINCT ${subject} AS subject, ${fstype} AS fstype FROM ${sourceTable(table, resolution)}
      WHERE client = ? AND ${time} >= ? AND ${time} < ? ORDER BY ${subject}, fstype`,
    [client, placeText(resolution, sinceMs), placeText(resolution, untilMs)],
  );
  return rows.map((row) => ({ name: String(row['subject']), fstype: String(row['fstype']) }));
}

async function page(
  session: Session,
  { client, table, resolution, columns, subject, sinceMs, untilMs }: FigureSpan,
  after: FigurePage['next'],
  limit: number,
): Promise<FigurePage> {
  const keys = keyColumns(table, resolution);
  const time = timeColumn(resolution);
  const conditions = ['client = ?', `${time} >= ?`, `${time} < ?`];
  const since = placeText(resolution, sinceMs);
  const values: SqlValue[] = [client, after === null ? since : (after[0] ?? since), placeText(resolution, untilMs)];
  if (after !== null) {
    conditions.push(`(${keys.map((key, at) => isBehind(keys.slice(0, at), key)).join(' OR ')})`);
    append(
      values,
      keys.flatMap((_, at) => after.slice(0, at + 1)),
    );
  }
  if (subject !== null) {
    conditions.push(`${subjectColumns[table] ?? ''} = ?`);
    values.push(subject.name);
    if (table === 'disk_stats' && resolution === 'row') {
      conditions.push("COALESCE(fstype, '') = ?");
      values.push(subject.fstype);
    }
  }
  const rows = await session.all(
    `SELECT ${[...new Set([...keys, ...columns])].join(', ')} FROM ${sourceTable(table, resolution)}
      WHERE ${conditions.join(' AND ')} ORDER BY ${keys.join(', ')} LIMIT ?`,
    [...values, String(limit)],
  );
  const last = rows.length < limit ? undefined : rows.at(-1);
  return {
    rows: rows.map(figureRow),
    next: last === undefined ? null : keys.map((key) => last[key] as string | number),
  };
}

/** Returns SQL that is true for rows behind a place by this key, and equal to the place by the keys before. */
function isBehind(before: readonly string[], key: string): string {
  return `(${[...before.map((one) => `${one} = ?`), `${key} > ?`].join(' AND ')})`;
}

function keyColumns(table: ExportedTable, resolution: Resolution): readonly string[] {
  const subject = subjectColumns[table];
  if (resolution !== 'row') return [resolution, ...(subject === null ? [] : [subject])];
  if (table === 'stats') return ['observed_at', 'id'];
  return ['observed_at', 'stat_id', table === 'samples' ? 'series_id' : 'ordinal'];
}

function sourceTable(table: ExportedTable, resolution: Resolution): string {
  const source = resolution === 'row' ? table : `${table}_${rollups[resolution]}`;
  return table === 'samples' ? namedSamples(source, resolution) : source;
}

/** Returns a time in the form of its column: `2026-11-20 10:00:00.000`, `2026-11-20 10:00:00`, `2026-11-20`. */
function placeText(resolution: Resolution, atMs: number): string {
  return sqlTime(atMs).slice(0, { row: 23, hour: 19, day: 10 }[resolution]);
}

/** Returns the time at which an hour or a day begins. */
function placeMs(place: SqlValue): number | null {
  return place === null ? null : fromSqlTime(String(place).slice(0, 19).padEnd(19, ' 00:00:00'));
}

function figureRow(row: SqlRow): FigureRow {
  return row as FigureRow;
}
