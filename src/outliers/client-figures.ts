import type { OutlierMetricName } from './outlier-metrics.ts';

/** The columns that figures are made of. */
export const statsColumns = ['cpu_percent', 'memory_percent', 'swap_percent', 'load5', 'cpus', 'processes'] as const;
export const diskColumns = ['mount', 'fstype', 'mode', 'used_percent'] as const;
/** The columns of `stats` that a metric is made of. */
const columnsOfMetric: Readonly<Partial<Record<OutlierMetricName, readonly (typeof statsColumns)[number][]>>> = {
  cpu: ['cpu_percent'],
  memory: ['memory_percent'],
  swap: ['swap_percent'],
  load: ['load5', 'cpus'],
  processes: ['processes'],
};
export const networkColumns = ['rx_bytes_per_s', 'tx_bytes_per_s'] as const;

/** The figures of a report by their key: the metric, and behind a colon the mount. */
export type Figures = ReadonlyMap<string, number>;

/** The columns of a row that are looked at. */
type Cells<Columns extends readonly string[]> = Readonly<Partial<Record<Columns[number], string | number | null>>>;

/** The rows of one report. */
export interface ReportRows {
  readonly stats: Cells<typeof statsColumns>;
  readonly disks: readonly Cells<typeof diskColumns>[];
  readonly networks: readonly Cells<typeof networkColumns>[];
}

/** Returns the columns of `stats` that some metrics are made of. */
export function statsColumnsOf(metrics: ReadonlySet<OutlierMetricName>): readonly (typeof statsColumns)[number][] {
  return [...metrics].flatMap((metric) => columnsOfMetric[metric] ?? []);
}

/** Splits the key of a figure. */
export function figureOf(key: string): { readonly metric: OutlierMetricName; readonly subject: string } {
  const end = key.indexOf(':');
  return { metric: key.slice(0, end) as OutlierMetricName, subject: key.slice(end + 1) };
}

/**
 * Returns the known figures of a report. Interfaces have other names on other machines: the busiest one counts. `keyOf`:
 * mountKey, which may remember its texts.
 */
export function figuresOf({ stats, disks, networks }: ReportRows, keyOf = mountKey): Figures {
  const figures = new Map<string, number>();
  const add = (key: string, value: unknown): void => {
    if (typeof value === 'number') figures.set(key, value);
  };
  const { load5: load, cpus } = stats;
  add('cpu:', stats['cpu_percent']);
  add('memory:', stats['memory_percent']);
  add('swap:', stats['swap_percent']);
  add('processes:', stats['processes']);
  if (typeof load === 'number' && typeof cpus === 'number' && cpus > 0) add('load:', load / cpus);
  for (const { mount, used_percent: percent } of disks) add(keyOf(String(mount)), percent);
  if (networks.length > 0) {
    add('received:', busiest(networks, 'rx_bytes_per_s'));
    add('sent:', busiest(networks, 'tx_bytes_per_s'));
  }
  return figures;
}

/** Returns the key of a mount's percent. */
export function mountKey(mount: string): string {
  return `mount:${mount}`;
}

function busiest(rows: ReportRows['networks'], column: (typeof networkColumns)[number]): number | null {
  const known = rows.map((row) => row[column]).filter((value) => typeof value === 'number');
  return known.length === 0 ? null : Math.max(...known);
}
