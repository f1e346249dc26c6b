import { dayMs, hourMs } from '../../platform/units.ts';
import type {
  ExportedTable,
  ExportStore,
  FigureRow,
  FigureSpan,
  Resolution,
} from '../../storage/store/figure-store.ts';
import type { Storage } from '../../storage/store/storage.ts';

/** The most rows in memory at a time. */
const pageRows = 2000;

export interface HistoryOptions {
  readonly storage: Pick<Storage, 'exports' | 'figures'>;
  readonly clients: readonly string[];
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly signal: AbortSignal;
  /** Called after each client, or after each client of each family. */
  readonly onProgress: (done: number) => void;
}

type TimeSpan = Pick<FigureSpan, 'resolution' | 'sinceMs' | 'untilMs'>;

/**
 * Returns the parts of a span from the coarsest to the finest. Each report counts in one of them: as a row, in its
 * hour, or in its day if the hour is no longer kept.
 */
export async function timeSpans(
  { storage: { exports }, sinceMs, untilMs }: HistoryOptions,
  client: string,
  table: ExportedTable,
): Promise<readonly TimeSpan[]> {
  const hours = await exports.hoursBegin(client, table);
  const floor = (atMs: number, spanMs: number): number => Math.floor(atMs / spanMs) * spanMs;
  const days = {
    sinceMs: floor(sinceMs, dayMs),
    untilMs: floor(Math.min(untilMs + dayMs - 1, hours ?? Infinity), dayMs),
  };
  const spans: readonly TimeSpan[] = [
    { resolution: 'day', ...days },
    { resolution: 'hour', sinceMs: Math.max(floor(sinceMs, hourMs), hours ?? untilMs), untilMs },
    { resolution: 'row', sinceMs, untilMs },
  ];
  return spans.filter((span) => span.sinceMs < span.untilMs);
}

/** Yields rows in pages. Throws the signal's reason. */
export async function* pagesOf(
  store: ExportStore,
  span: FigureSpan,
  signal: AbortSignal,
): AsyncGenerator<readonly FigureRow[]> {
  let after: readonly (string | number)[] | null = null;
  do {
    signal.throwIfAborted();
    const page = await store.page(span, after, pageRows);
    if (page.rows.length > 0) yield page.rows;
    after = page.next;
  } while (after !== null);
}

/** Returns the time of a row: its observation, or the beginning of its hour or day. */
export function timeOf(row: FigureRow, resolution: Resolution): number {
  const text = String(row[resolution === 'row' ? 'observed_at' : resolution]);
  return Date.parse(`${text.padEnd(19, ' 00:00:00').replace(' ', 'T')}Z`);
}
