/** src/alerter/outliers: members of a group that differ from the others. */
import { greatest } from '../../platform/group-by.ts';
import type { OutlierMetricName } from './outlier-metrics.ts';

/** The columns of `stats` from which figures are computed. */
export const statsColumns = [
  'cpu_percent',
  'memory_percent',
  'swap_percent',
  'load5',
  'cpus',
  'processes',
  'temperature_celsius',
] as const;
export const diskColumns = ['mount', 'fstype', 'mode', 'used_percent'] as const;
/** The columns of `stats` from which a metric is computed. */
const columnsOfMetric: Readonly<Partial<Record<OutlierMetricName, readonly (typeof statsColumns)[number][]>>> = {
  cpu: ['cpu_percent'],
  memory: ['memory_percent'],
  swap: ['swap_percent'],
  load: ['load5', 'cpus'],
  processes: ['processes'],
  temperature: ['temperature_celsius'],
};
export const networkColumns = ['rx_bytes_per_s', 'tx_bytes_per_s'] as const;

/** The figures of a report by key: the metric, a colon, and the mount if there is one. */
export type Figures = ReadonlyMap<string, number>;

/** The columns of a row that are read. */
type Cells<Columns extends readonly string[]> = Readonly<Partial<Record<Columns[number], string | number | null>>>;

/** The rows of one report. */
export interface ReportRows {
  readonly stats: Cells<typeof statsColumns>;
  readonly disks: readonly Cells<typeof diskColumns>[];
  readonly networks: readonly Cells<typeof networkColumns>[];
}

/** Returns the columns of `stats` from which some metrics are computed. */
export function statsColumnsOf(metrics: ReadonlySet<OutlierMetricName>): readonly (typeof statsColumns)[number][] {
  return [...metrics].flatMap((metric) => columnsOfMetric[metric] ?? []);
}

/** Splits the key of a figure. */
export function figureOf(key: string): { readonly metric: OutlierMetricName; readonly subject: string } {
  const end = key.indexOf(':');
  return { metric: key.slice(0, end) as OutlierMetricName, subject: key.slice(end + 1) };
}

/** Adds a known figure. */
export type AddFigure = (key: string, value: number) => void;

/** Returns the known figures of a report. */
export function figuresOf({ stats, disks, networks }: ReportRows): Figures {
  const figures = new Map<string, number>();
  const add: AddFigure = (key, value) => void figures.set(key, value);
  addStats(stats, add);
  for (const disk of disks) addMount(disk, add);
  addNetworks(networks, add);
  return figures;
}

/** Adds the figures of a row of `stats`. */
export function addStats(stats: ReportRows['stats'], add: AddFigure): void {
  const { load5: load, cpus } = stats;
  addKnown('cpu:', stats.cpu_percent, add);
  addKnown('memory:', stats.memory_percent, add);
  addKnown('swap:', stats.swap_percent, add);
  addKnown('processes:', stats.processes, add);
  addKnown('temperature:', stats.temperature_celsius, add);
  if (typeof load === 'number' && typeof cpus === 'number' && cpus > 0) add('load:', load / cpus);
}

/** Adds the percent of a mount. `keyOf` is mountKey, or a form of it that caches its texts. */
export function addMount(
  { mount, used_percent: percent }: ReportRows['disks'][number],
  add: AddFigure,
  keyOf = mountKey,
): void {
  addKnown(keyOf(String(mount)), percent, add);
}

/** Adds the figures of a report's busiest interface: interfaces have other names on other machines. */
export function addNetworks(networks: ReportRows['networks'], add: AddFigure): void {
  if (networks.length === 0) return;
  addKnown('received:', busiest(networks, 'rx_bytes_per_s'), add);
  addKnown('sent:', busiest(networks, 'tx_bytes_per_s'), add);
}

/** Adds a figure unless it is unknown. */
function addKnown(key: string, value: string | number | null | undefined, add: AddFigure): void {
  if (typeof value === 'number') add(key, value);
}

/** Returns the key of a mount's percent. */
export function mountKey(mount: string): string {
  return `mount:${mount}`;
}

function busiest(rows: ReportRows['networks'], column: (typeof networkColumns)[number]): number | null {
  const known = rows.map((row) => row[column]).filter((value) => typeof value === 'number');
  return known.length === 0 ? null : greatest(known);
}
