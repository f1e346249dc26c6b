import type { Dialect } from '../sql/dialect.ts';
import { diskFigures, networkFigures, statsFigures } from '../rows/report-rows.ts';

/** A table of rows that is rolled up. Names are constants of the program. */
export interface RollupSource {
  readonly table: 'stats' | 'disk_stats' | 'network_stats';
  /** The column with the id of the row of `stats`. */
  readonly statId: 'id' | 'stat_id';
  /** The column that tells the rows of one report apart. */
  readonly subject: 'mount' | 'interface' | null;
  /** Columns that are numbers or NULL. */
  readonly metrics: readonly string[];
}

/** The span of a rollup's row: an hour or a day of UTC. */
export type RollupSpan = 'hour' | 'day';

export const rollupSources: readonly RollupSource[] = [
  { table: 'stats', statId: 'id', subject: null, metrics: statsFigures },
  { table: 'disk_stats', statId: 'stat_id', subject: 'mount', metrics: diskFigures },
  { table: 'network_stats', statId: 'stat_id', subject: 'interface', metrics: networkFigures },
];

/** `stats_hourly`, `disk_stats_daily` ... */
export function rollupTable({ table }: RollupSource, span: RollupSpan): string {
  return `${table}_${span === 'hour' ? 'hourly' : 'daily'}`;
}

/** Returns the columns of a rollup's primary key. */
export function rollupKey({ subject }: RollupSource, span: RollupSpan): readonly string[] {
  return ['client', span, ...(subject === null ? [] : [subject])];
}

/** Every column of a rollup, the key first. */
export function rollupColumns(source: RollupSource, span: RollupSpan): readonly string[] {
  const figures = source.metrics.flatMap((metric) => [
    `${metric}_min`,
    `${metric}_mean`,
    `${metric}_max`,
    `${metric}_count`,
  ]);
  return [...rollupKey(source, span), 'samples', ...figures];
}

/** Returns the suffix of an INSERT into a rollup that merges the row into an existing one. */
export function mergeSuffix(dialect: Dialect, source: RollupSource, span: RollupSpan): string {
  const table = rollupTable(source, span);
  const assignments = source.metrics.flatMap((metric) => {
    const own = (part: string): string => `${table}.${metric}_${part}`;
    const other = (part: string): string => dialect.incoming(`${metric}_${part}`);
    const extreme = (part: 'min' | 'max', comparison: '<' | '>'): string =>
      `${metric}_${part} = CASE WHEN ${own(part)} IS NULL OR ${other(part)} ${comparison} ${own(part)}
        THEN ${other(part)} ELSE ${own(part)} END`;
    // Before the count: MySQL makes assignments one after the other and would weigh with the new one.
    const mean = `${metric}_mean = CASE WHEN ${other('count')} = 0 THEN ${own('mean')}
      WHEN ${own('count')} = 0 THEN ${other('mean')}
      ELSE (${own('mean')} * ${own('count')} + ${other('mean')} * ${other('count')}) / (${own('count')} + ${other('count')}) END`;
    return [extreme('min', '<'), mean, extreme('max', '>'), `${metric}_count = ${own('count')} + ${other('count')}`];
  });
  return dialect.onConflict(rollupKey(source, span).join(', '), [
    ...assignments,
    `samples = ${table}.samples + ${dialect.incoming('samples')}`,
  ]);
}
