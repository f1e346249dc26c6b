import type { FamilyGroup } from '../../config/config.ts';
import { metrics, type StatsFigure, type StatsFigureEntry, statsFigures, type Unit } from '../../report/metrics.ts';
import type { ExportedTable } from '../../storage/store/figure-store.ts';
import type { Rollup } from './history-tables.ts';

export type Labels = Readonly<Record<string, string>>;

export interface FamilyBase {
  /** The name without the prefix. */
  readonly name: string;
  readonly group: FamilyGroup;
  readonly type: 'gauge' | 'info';
  /** The unit, which ends the name too; null if there is none. */
  readonly unit: 'seconds' | 'bytes' | 'ratio' | 'bytes_per_second' | null;
  readonly help: string;
  readonly labels: readonly string[];
}

/** A family of one column of reports. Its series end with the client's reports. Exports contain it. */
export interface FigureFamily extends FamilyBase {
  readonly kind: 'figure';
  readonly table: Exclude<ExportedTable, 'samples'>;
  readonly column: string;
  /** The figure of hours and days that is exported; null if hours and days lack it. */
  readonly rollup: Rollup | null;
  readonly convert: (stored: number, observedAtMs: number) => number;
}

const same = (stored: number): number => stored;

/** Returns a percentage as a ratio, without the last digits that the division adds. */
function ratio(percent: number): number {
  return Number((percent / 100).toPrecision(15));
}

const byTable = {
  stats: { group: 'client', labels: ['client'] },
  check_stats: { group: 'check', labels: ['client', 'check'] },
  disk_stats: { group: 'disk', labels: ['client', 'mount', 'fstype'] },
  network_stats: { group: 'network', labels: ['client', 'interface'] },
} as const;

/** Returns the family of a column whose values no metric has. */
function columnFamily(table: FigureFamily['table'], column: string, own: Named & Particular): FigureFamily {
  return { kind: 'figure', type: 'gauge', table, column, ...byTable[table], rollup: 'mean', convert: same, ...own };
}

/** The units of Prometheus for units of metrics; other metrics have none. */
const units: Partial<Readonly<Record<Unit, FamilyBase['unit']>>> = {
  percent: 'ratio',
  bytes: 'bytes',
  bytes_per_second: 'bytes_per_second',
};

type Named = Pick<FigureFamily, 'name' | 'unit' | 'help'>;
type Particular = Partial<Pick<FigureFamily, 'rollup' | 'convert'>>;

/** Families that do not hold the value of their column. */
const particular: Partial<Readonly<Record<StatsFigure, Partial<Named> & Particular>>> = {
  uptime_s: {
    unit: 'seconds',
    help: 'When the machine was booted, exact to a second or two.',
    rollup: null,
    convert: (uptime, observedAtMs) => Math.round(observedAtMs / 1000 - uptime),
  },
};

/** Returns the family of a figure of report/metrics.ts, with its help. */
function family(
  table: FigureFamily['table'],
  column: string,
  { exported, unit, help }: Pick<StatsFigureEntry, 'exported' | 'unit' | 'help'>,
): readonly FigureFamily[] {
  if (exported === null) return [];
  const convert = unit === 'percent' ? ratio : same;
  const named: Named = { name: exported, unit: units[unit] ?? null, help };
  return [columnFamily(table, column, { ...named, convert, ...particular[column as StatsFigure] })];
}

function familiesOf(of: 'disk' | 'network'): readonly FigureFamily[] {
  const own = metrics.filter((metric) => metric.family === of);
  return own.flatMap((metric) => family(`${of}_stats`, metric.field, metric));
}

/** The families of columns, the most needed first. */
export const figures: readonly FigureFamily[] = [
  columnFamily('stats', 'clock_offset_ms', {
    name: 'clock_offset_seconds',
    unit: 'seconds',
    help: "The client's clock less the collector's.",
    rollup: null,
    convert: (offsetMs) => offsetMs / 1000,
  }),
  ...Object.entries(statsFigures).flatMap(([column, entry]) => family('stats', column, entry)),
  columnFamily('check_stats', 'state', {
    name: 'check_state',
    unit: null,
    help: 'The newest result of a check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN or not allowed to run.',
    rollup: 'max',
  }),
  ...familiesOf('disk'),
  ...familiesOf('network'),
];
