import { diskFigures } from '../report/columns.ts';
import { networkFigures, sampleFigures, statsFigures } from '../storage/rows/report-rows.ts';
import type { ExportedTable } from '../storage/store/figure-store.ts';

/** The groups of families that reports are made of. */
export type HistoryTable = 'client' | 'check' | 'disk' | 'network' | 'series';

/** The mean of an hour or a day, or its greatest value. */
export type Rollup = 'mean' | 'max';

interface HistoryColumns {
  readonly table: ExportedTable;
  /** The columns that tell the rows of one report apart; rows, hours and days have them. */
  readonly subject: readonly string[];
  /** The figure of hours and days in a table of spreadsheets. */
  readonly rollup: Rollup;
  /** Columns of rows that hours and days do not have. */
  readonly texts: readonly string[];
  /** Columns that hours and days have with `_min`, `_mean`, `_max` and `_count`. */
  readonly figures: readonly string[];
}

/** The columns of docs/sql.md that exports have, by group. */
export const historyTables: Readonly<Record<HistoryTable, HistoryColumns>> = {
  client: {
    table: 'stats',
    subject: [],
    rollup: 'mean',
    texts: ['hostname', 'os', 'boot_id'],
    figures: statsFigures,
  },
  check: {
    table: 'check_stats',
    subject: ['check_name'],
    // The worst state of an hour counts.
    rollup: 'max',
    texts: ['text', 'perfdata', 'age_s', 'refused'],
    figures: ['state'],
  },
  disk: {
    table: 'disk_stats',
    subject: ['mount'],
    rollup: 'mean',
    texts: ['fstype', 'source', 'scope', 'mode'],
    figures: diskFigures,
  },
  network: { table: 'network_stats', subject: ['interface'], rollup: 'mean', texts: [], figures: networkFigures },
  series: {
    table: 'samples',
    subject: ['metric', 'labels', 'unit'],
    rollup: 'mean',
    texts: [],
    figures: sampleFigures,
  },
};

/** Returns the columns of a table of hours or days, without its key. */
export function rollupFigures({ figures }: HistoryColumns): readonly string[] {
  return [
    'samples',
    ...figures.flatMap((figure) => ['min', 'mean', 'max', 'count'].map((part) => `${figure}_${part}`)),
  ];
}
