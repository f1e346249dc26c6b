import { diskFigures } from '../report/columns.ts';
import { networkFigures, statsFigures } from '../storage/rows/report-rows.ts';
import type { FigureTable } from '../storage/store/look-store.ts';

/** The groups of families that reports are made of. */
export type HistoryTable = 'client' | 'disk' | 'network';

interface HistoryColumns {
  readonly table: FigureTable;
  readonly subject: 'mount' | 'interface' | null;
  /** Columns of rows that hours and days do not have. */
  readonly texts: readonly string[];
  /** Columns that hours and days have with `_min`, `_mean`, `_max` and `_count`. */
  readonly figures: readonly string[];
}

/** The columns of docs/sql.md that exports have, by group. */
export const historyTables: Readonly<Record<HistoryTable, HistoryColumns>> = {
  client: { table: 'stats', subject: null, texts: ['hostname', 'os', 'boot_id'], figures: statsFigures },
  disk: {
    table: 'disk_stats',
    subject: 'mount',
    texts: ['fstype', 'source', 'scope', 'mode'],
    figures: diskFigures,
  },
  network: { table: 'network_stats', subject: 'interface', texts: [], figures: networkFigures },
};

/** Returns the columns of a table of hours or days, without its key. */
export function rollupFigures({ figures }: HistoryColumns): readonly string[] {
  return [
    'samples',
    ...figures.flatMap((figure) => ['min', 'mean', 'max', 'count'].map((part) => `${figure}_${part}`)),
  ];
}
