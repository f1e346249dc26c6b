import { foreseenBy, metricOfRule } from '../../alerter/evaluate/rule-metric.ts';
import type { Rule } from '../../config/config.ts';
import type { ClientHistory, PlottedSeries } from '../page/encode-series.ts';
import type { HistoryAlert, HistoryLimit, SeriesGroup } from '../page/series-layout.ts';
import { hourMs } from '../../platform/units.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type {
  FigureTable,
  FleetFigures,
  Grid,
  GridFigure,
  GridFigures,
  PlotStore,
  Watch,
} from '../../storage/store/look-store.ts';
import { readSeries, type SeriesFigures, seriesLines } from './client-series.ts';

/** The figures of a client that are read: table, column, plot, and the name of the line. */
const lines = [
  { table: 'stats', column: 'cpu_percent', group: 'cpu', name: 'mean' },
  { table: 'stats', column: 'memory_percent', group: 'memory', name: 'memory' },
  { table: 'stats', column: 'swap_percent', group: 'memory', name: 'swap' },
  { table: 'stats', column: 'load5', group: 'load', name: 'load over 5 min' },
  { table: 'stats', column: 'cpus', group: 'load', name: 'CPUs' },
  { table: 'stats', column: 'failed_units', group: 'units', name: 'failed units' },
  { table: 'disk_stats', column: 'used_percent', group: 'disk', name: null },
  { table: 'network_stats', column: 'rx_bytes_per_s', group: 'received', name: null },
  { table: 'network_stats', column: 'tx_bytes_per_s', group: 'sent', name: null },
] as const satisfies readonly {
  table: FigureTable;
  column: string;
  group: SeriesGroup;
  /** null: the mount or the interface is the name. */
  name: string | null;
}[];

/** The rule types whose limits plots show. Limits by mount differ too much to be lines of one plot. */
const limitGroups: Readonly<Record<string, SeriesGroup>> = { cpu: 'cpu', memory: 'memory', disk: 'disk' };

interface ClientHistoryOptions {
  readonly client: string;
  readonly figures: Figures;
  readonly series: SeriesFigures;
  readonly grid: Grid;
  /** The number of steps of the grid that form one step of the plots. */
  readonly stepFactor: number;
  readonly rules: readonly Rule[];
  /** The client's alerts of the span. */
  readonly alerts: readonly Alert[];
  /** The times at which changes of the client's state were found. */
  readonly changesMs: readonly number[];
  /** False if interfaces and series are left out. */
  readonly isFull: boolean;
}

/** The figures of clients that plots show, by table. */
export type Figures = Readonly<Record<FigureTable, FleetFigures>>;

/** Reads the figures that the plots of clients show. */
export async function readFigures(
  plots: PlotStore,
  clients: readonly string[],
  grid: Grid,
  { signal, onProgress }: Watch,
): Promise<Figures> {
  const columnsOf = (table: FigureTable): readonly string[] =>
    lines.filter((line) => line.table === table).map(({ column }) => column);
  // Sampled points have no range.
  const ranges = grid.sampleMs === null ? (hasBand(grid) ? ['cpu_percent', uptime] : [uptime]) : [];
  const read = (table: FigureTable, columns: readonly string[], from: number): Promise<FleetFigures> =>
    plots.fleetFigures(
      { clients, table, columns, ranges, grid },
      { signal, onProgress: (share) => onProgress((from + share) / 3) },
    );
  return {
    stats: await read('stats', [...columnsOf('stats'), uptime], 0),
    disk_stats: await read('disk_stats', columnsOf('disk_stats'), 1),
    network_stats: await read('network_stats', columnsOf('network_stats'), 2),
  };
}

/** Reads the history that the plots of one client show. */
export async function readClientHistory(
  plots: PlotStore,
  { grid, client, ...more }: Pick<ClientHistoryOptions, 'grid' | 'client' | 'rules' | 'alerts' | 'changesMs'>,
): Promise<ClientHistory> {
  const watch = { signal: new AbortController().signal, onProgress: () => undefined };
  const figures = await readFigures(plots, [client], grid, watch);
  const series = await readSeries(plots, [client], grid, watch);
  return clientHistory({ client, figures, series, grid, stepFactor: 1, isFull: true, ...more });
}

const uptime = 'uptime_s';

function hasBand({ stepMs, sampleMs }: Grid): boolean {
  return stepMs >= hourMs && sampleMs === null;
}

/** Returns the history that the plots of a client show. */
export function clientHistory(options: ClientHistoryOptions): ClientHistory {
  const { client, figures, series, stepFactor, rules, alerts, changesMs, isFull } = options;
  const stepMs = options.grid.stepMs * stepFactor;
  const grid = { ...options.grid, stepMs, points: Math.ceil(options.grid.points / stepFactor) };
  const stats = figures.stats.of(client, stepFactor);
  const disks = figures.disk_stats.of(client, stepFactor);
  const networks = isFull ? figures.network_stats.of(client, stepFactor) : [];
  const [own] = stats;
  return {
    start: grid.sinceMs / 1000,
    step: grid.stepMs / 1000,
    points: grid.points,
    cpus: own?.figures.get('cpus')?.mean.findLast((value) => value !== null) ?? null,
    series: [
      ...seriesOf('stats', stats, grid),
      ...seriesOf('disk_stats', disks, grid),
      ...seriesOf('network_stats', networks, grid),
      ...(isFull ? seriesLines(series, client, stepFactor) : []),
    ],
    limits: rules.flatMap(limitsOf),
    alerts: alerts.map((alert) => historyAlert(alert, rules)),
    boots: bootsOf(own?.figures.get(uptime), grid),
    changes: [...new Set(changesMs.map((atMs) => Math.round(atMs / 1000)))],
    moreSeries: (isFull && series.chosen.get(client)?.more) || 0,
  };
}

function seriesOf(table: FigureTable, subjects: readonly GridFigures[], grid: Grid): readonly PlottedSeries[] {
  return lines
    .filter((line) => line.table === table)
    .flatMap(({ column, group, name }) =>
      subjects.flatMap(({ subject, figures }) => {
        const figure = figures.get(column);
        if (figure === undefined) return [];
        const mean = { group, name: name ?? subject, values: figure.mean };
        // A series whose values are all 0 needs no plot.
        if (group === 'units' && figure.max.every((value) => value === null || value === 0)) return [];
        if (group !== 'cpu' || !hasBand(grid)) return [mean];
        return [mean, { group, name: 'least', values: figure.min }, { group, name: 'most', values: figure.max }];
      }),
    );
}

function limitsOf({ type, op, selectors, warning, critical, freeBytes }: Rule): readonly HistoryLimit[] {
  const group = type === null ? undefined : limitGroups[type];
  if (group === undefined || op !== 'ge' || freeBytes !== null || Object.keys(selectors).length > 0) return [];
  return (['warning', 'critical'] as const).flatMap((severity) => {
    const value = { warning, critical }[severity];
    return value === null ? [] : [{ group, severity, value }];
  });
}

/** Returns the figures of the plots that a rule is about; null if no plot shows them. */
function groupOf(rule: Rule): SeriesGroup | null {
  if (rule.type === 'load') return 'load';
  if (foreseenBy(rule) !== null) return 'disk';
  const metric = metricOfRule(rule);
  const line = lines.find(({ table, column }) =>
    metric?.column === undefined
      ? table === `${metric?.family}_stats` && (table === 'disk_stats' || column === metric?.field)
      : table === 'stats' && column === metric.column,
  );
  return line?.group ?? null;
}

function historyAlert(alert: Alert, rules: readonly Rule[]): HistoryAlert {
  const { rule, subject, severity, pendingSinceMs, resolvedAtMs } = alert;
  const evaluated = rules.find(({ name }) => name === rule);
  const isCheck = evaluated?.type === 'check';
  return {
    group: isCheck ? 'series' : evaluated === undefined ? null : groupOf(evaluated),
    ...(isCheck && { plot: subject }),
    rule,
    subject,
    severity,
    from: Math.round(pendingSinceMs / 1000),
    to: resolvedAtMs === null ? null : Math.round(resolvedAtMs / 1000),
  };
}

/** Returns the times in seconds at which uptime restarted, exact to a step. */
function bootsOf(uptime: GridFigure | undefined, { sinceMs, stepMs }: Grid): readonly number[] {
  if (uptime === undefined) return [];
  const boots: number[] = [];
  let before: number | null = null;
  for (const [step, least] of uptime.min.entries()) {
    if (least === null) continue;
    const endsAt = (sinceMs + (step + 1) * stepMs) / 1000;
    const isBooted: boolean = before !== null && least < before;
    if (isBooted) boots.push(Math.max(endsAt - stepMs / 1000, Math.round(endsAt - least)));
    // In a step with a boot, the greatest uptime may be from before the boot.
    before = isBooted ? least : (uptime.max[step] ?? least);
  }
  return boots;
}
