import { diskFigures, statsFigureNames } from '../../report/metrics.ts';
import { networkFigures, sampleFigures } from '../../storage/sql/rollups.ts';
import type { ExportedTable } from '../../storage/store/figure-store.ts';

/** The groups of families that come from reports. */
export type HistoryTable = 'client' | 'check' | 'disk' | 'network' | 'series';

/** The mean of an hour or a day, or its greatest value. */
export type Rollup = 'mean' | 'max';

interface HistoryColumns {
  readonly table: ExportedTable;
  /** The columns that distinguish the rows of one report. Rows, hours and days have these columns. */
  readonly subject: readonly string[];
  /** The figure of hours and days in CSV. */
  readonly rollup: Rollup;
  /** Columns that only rows have, not hours and days. */
  readonly texts: readonly string[];
  /** Columns that hours and days have with `_min`, `_mean`, `_max` and `_count`. */
  readonly figures: readonly string[];
}

/** The exported columns of docs/sql.md, by group. */
export const historyTables: Readonly<Record<HistoryTable, HistoryColumns>> = {
  client: {
    table: 'stats',
    subject: [],
    rollup: 'mean',
    texts: ['hostname', 'os', 'boot_id'],
    figures: statsFigureNames,
  },
  check: {
    table: 'check_stats',
    subject: ['check_name'],
    // The figure of an hour is its worst state.
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
