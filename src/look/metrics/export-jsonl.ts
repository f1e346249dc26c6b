import { timeColumn } from '../../storage/rows/columns.ts';
import type { FigureRow, FigureSpan, Resolution, SubjectTable } from '../../storage/store/figure-store.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { harmlessJson } from '../../platform/errors/log.ts';
import { type HistoryOptions, pagesOf, timeOf, timeSpans } from './history.ts';
import { rollupFigures } from '../../storage/sql/rollups.ts';
import { type HistoryTable, historyTables } from './history-tables.ts';

const subjectGroups = ['disk', 'network', 'check', 'series'] as const;

/**
 * Yields the history as one JSON object per line: a report, hour or day of a client with its mounts, interfaces, checks
 * and samples. Names are the tables' names.
 */
export async function* jsonlHistory(options: HistoryOptions, groups: readonly HistoryTable[]): AsyncGenerator<string> {
  const { storage, clients, signal, onProgress } = options;
  for (const [index, client] of clients.entries()) {
    for (const span of await timeSpans(options, client, 'stats')) {
      const columns = groups.includes('client') ? columnsOf('client', span.resolution) : [];
      const all = { client, table: 'stats', subject: null, columns, ...span } as const;
      for await (const rows of pagesOf(storage.exports, all, signal)) {
        yield await page(options, groups, all, rows);
      }
    }
    onProgress(index + 1);
  }
}

async function page(
  options: HistoryOptions,
  groups: readonly HistoryTable[],
  span: FigureSpan,
  rows: readonly FigureRow[],
): Promise<string> {
  const { client, resolution, columns } = span;
  const parts = new Map<string, ReadonlyMap<string | number, readonly object[]>>();
  for (const group of subjectGroups) {
    if (groups.includes(group)) parts.set(tableName(group, resolution), await subjectsOf(options, group, span, rows));
  }
  const time = timeColumn(resolution);
  const lines = rows.map((row) => {
    const key = resolution === 'row' ? Number(row['id']) : String(row[time]);
    return harmlessJson({
      client,
      resolution,
      [time]: new Date(timeOf(row, resolution)).toISOString(),
      ...Object.fromEntries(columns.map((column) => [column, row[column] ?? null])),
      ...Object.fromEntries([...parts].map(([table, byKey]) => [table, byKey.get(key) ?? []])),
    });
  });
  return `${lines.join('\n')}\n`;
}

/** Returns the mounts, interfaces, checks or samples of rows: by report id, or by the text of their hour or day. */
async function subjectsOf(
  { storage, signal }: HistoryOptions,
  group: HistoryTable,
  span: FigureSpan,
  rows: readonly FigureRow[],
): Promise<ReadonlyMap<string | number, readonly object[]>> {
  const { client, resolution } = span;
  const { subject } = historyTables[group];
  const table = historyTables[group].table as SubjectTable;
  const columns = [...subject, ...columnsOf(group, resolution)];
  const byKey = new Map<string | number, object[]>();
  const add = (key: string | number, row: FigureRow): void => {
    const one = Object.fromEntries(columns.map((column) => [column, row[column] ?? null]));
    const others = byKey.get(key);
    if (others === undefined) byKey.set(key, [one]);
    else others.push(one);
  };
  if (resolution === 'row') {
    const ids = rows.map((row) => Number(row['id']));
    for (const row of await storage.figures.subjects(table, ids, columns)) add(Number(row['stat_id']), row);
    return byKey;
  }
  const [first, last] = [rows[0], rows.at(-1)].map((row) => timeOf(row ?? {}, resolution));
  const untilMs = (last ?? 0) + (resolution === 'hour' ? hourMs : dayMs);
  const all: FigureSpan = { client, table, resolution, columns, subject: null, sinceMs: first ?? 0, untilMs };
  for await (const some of pagesOf(storage.exports, all, signal)) {
    for (const row of some) add(String(row[timeColumn(resolution)]), row);
  }
  return byKey;
}

function columnsOf(group: HistoryTable, resolution: Resolution): readonly string[] {
  const columns = historyTables[group];
  return resolution === 'row' ? [...columns.texts, ...columns.figures] : rollupFigures(columns.figures);
}

function tableName(group: HistoryTable, resolution: Resolution): string {
  return `${historyTables[group].table}${{ row: '', hour: '_hourly', day: '_daily' }[resolution]}`;
}
