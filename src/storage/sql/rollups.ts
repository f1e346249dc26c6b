/** The rollups: hours and days of the rows of a table. */
import { diskFigures, networkFigures as reportedFigures, statsFigureNames } from '../../report/metrics.ts';

/** The figures of an interface, and the time that its rates are averages of. */
export const networkFigures = [...reportedFigures, 'interval_s'] as const;

export const sampleFigures = ['value'] as const;

/** The figures of checks. The worst state of an hour or day is its greatest; UNKNOWN is 3. */
export const checkFigures = ['state'] as const;

/** A table of rows that is rolled up. Names are constants of the program. */
export interface RollupSource {
  readonly table: 'stats' | 'disk_stats' | 'network_stats' | 'check_stats' | 'samples';
  /** The table joined with those that have its other columns. Default: the table. */
  readonly from?: string;
  /** The column with the id of the row of `stats`. */
  readonly statId: 'id' | 'stat_id';
  /** The column that distinguishes the rows of one report. */
  readonly subject: 'mount' | 'interface' | 'check_name' | 'series_id' | null;
  /** Columns that are numbers or NULL. */
  readonly metrics: readonly string[];
}

/** The span of a rollup's row: an hour or a day of UTC. */
export type RollupSpan = 'hour' | 'day';

export const rollupSources: readonly RollupSource[] = [
  { table: 'stats', statId: 'id', subject: null, metrics: statsFigureNames },
  { table: 'disk_stats', statId: 'stat_id', subject: 'mount', metrics: diskFigures },
  { table: 'network_stats', statId: 'stat_id', subject: 'interface', metrics: networkFigures },
  { table: 'check_stats', statId: 'stat_id', subject: 'check_name', metrics: checkFigures },
  {
    table: 'samples',
    from: 'samples JOIN stats ON stats.id = samples.stat_id',
    statId: 'stat_id',
    subject: 'series_id',
    metrics: sampleFigures,
  },
];

/** Returns the name of a rollup: `stats_hourly`, `disk_stats_daily` ... */
export function rollupTable({ table }: { readonly table: string }, span: RollupSpan): string {
  return `${table}_${span === 'hour' ? 'hourly' : 'daily'}`;
}

/** Returns the columns of a rollup's primary key. */
export function rollupKey({ subject }: RollupSource, span: RollupSpan): readonly string[] {
  return ['client', span, ...(subject === null ? [] : [subject])];
}

/** Returns every column of a rollup, the key first. */
export function rollupColumns(source: RollupSource, span: RollupSpan): readonly string[] {
  return [...rollupKey(source, span), ...rollupFigures(source.metrics)];
}

/** Returns the columns of a rollup without its key. */
export function rollupFigures(metrics: readonly string[]): readonly string[] {
  return [
    'samples',
    ...metrics.flatMap((metric) => ['min', 'mean', 'max', 'count'].map((part) => `${metric}_${part}`)),
  ];
}
