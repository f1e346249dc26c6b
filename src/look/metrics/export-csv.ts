/** src/look/metrics: the newest figures and the history for Prometheus, spreadsheets and programs. */
import { escapeControls } from '../../platform/errors/log.ts';
import type { FigureRow } from '../../storage/store/figure-store.ts';
import { type HistoryOptions, pagesOf, timeSpans } from './history.ts';
import { type HistoryTable, historyTables } from './history-tables.ts';

/**
 * Yields a table of the history as CSV (RFC 4180): a line for each report, hour or day. Hours and days have the means,
 * and the worst state of a check. Times are those of the database, UTC. Unknown values are empty.
 */
export async function* csvHistory(options: HistoryOptions, of: HistoryTable): AsyncGenerator<string> {
  const { storage, clients, signal, onProgress } = options;
  const { table, subject, rollup, texts, figures } = historyTables[of];
  const names = [...subject, ...texts];
  const rolledUp = (figure: string): string => `${figure}_${rollup}`;
  yield line(['client', 'observed_at', 'resolution', 'samples', ...names, ...figures].map(csvCell));
  for (const [index, client] of clients.entries()) {
    for (const span of await timeSpans(options, client, table)) {
      const isRow = span.resolution === 'row';
      const columns = isRow ? [...texts, ...figures] : ['samples', ...figures.map(rolledUp)];
      const time = isRow ? 'observed_at' : span.resolution;
      const all = {
        client,
        table,
        subject: null,
        columns: [...subject, ...columns],
        ...span,
      };
      for await (const rows of pagesOf(storage.exports, all, signal)) {
        const cellsOf = (row: FigureRow): readonly string[] => [
          csvCell(client),
          csvCell(String(row[time])),
          csvCell(span.resolution),
          csvCell(isRow ? 1 : (row['samples'] ?? null)),
          ...names.map((name) => csvCell(row[name] ?? null)),
          ...figures.map((figure) => csvCell(row[isRow ? figure : rolledUp(figure)] ?? null)),
        ];
        yield rows.map((row) => line(cellsOf(row))).join('');
      }
    }
    onProgress(index + 1);
  }
}

function line(cells: readonly string[]): string {
  return `${cells.join(',')}\r\n`;
}

/** The beginnings of formulas in some spreadsheets, and the apostrophe, so that escaping is reversible. */
const formulaStart = /^[=+\-@'\uff1d\uff0b\uff0d\uff20]/;

/**
 * Returns a cell. Quotes texts and escapes their control and direction characters (see `escapeControls`). A text that a
 * spreadsheet would take for a formula, or that begins with an apostrophe, gets a leading apostrophe.
 */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const shown = escapeControls(value);
  const text = formulaStart.test(shown) ? `'${shown}` : shown;
  return `"${text.replaceAll('"', '""')}"`;
}
