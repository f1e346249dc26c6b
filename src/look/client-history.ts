import type { Rule } from '../config/config.ts';
import type { ClientHistory, Series } from '../page/encode-series.ts';
import type { HistoryAlert, HistoryLimit, SeriesGroup } from '../page/series-layout.ts';
import { hourMs } from '../platform/units.ts';
import type { Alert } from '../storage/store/alert.ts';
import type { FigureTable, Grid, GridFigure, GridFigures, LookStore } from '../storage/store/look-store.ts';

/** The figures of a client that are read: the column, the plot, and the name of its line. */
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
  /** null: the mount or the interface. */
  name: string | null;
}[];

/** Rule types whose limits plots show; limits by mount differ too much to be lines of one plot. */
const limitGroups: Readonly<Record<string, SeriesGroup>> = { cpu: 'cpu', memory: 'memory', disk: 'disk' };

export interface ClientHistoryOptions {
  readonly look: LookStore;
  readonly client: string;
  readonly grid: Grid;
  readonly rules: readonly Rule[];
  /** The client's alerts of the span. */
  readonly alerts: readonly Alert[];
  /** False: the interfaces are left out. */
  readonly withNetwork: boolean;
}

/** Reads what the plots of a client show. */
export async function readClientHistory(options: ClientHistoryOptions): Promise<ClientHistory> {
  const { look, client, grid, rules, alerts, withNetwork } = options;
  const read = async (table: FigureTable, more: readonly string[] = []): Promise<readonly GridFigures[]> => {
    const columns = lines.filter((line) => line.table === table).map(({ column }) => column);
    return look.gridFigures(client, table, [...columns, ...more], grid);
  };
  const stats = await read('stats', ['uptime_s']);
  const disks = await read('disk_stats');
  const networks = withNetwork ? await read('network_stats') : [];
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
    ],
    limits: rules.flatMap(limitsOf),
    alerts: alerts.map(historyAlert),
    boots: bootsOf(own?.figures.get('uptime_s'), grid),
  };
}

function seriesOf(table: FigureTable, subjects: readonly GridFigures[], { stepMs }: Grid): readonly Series[] {
  return lines
    .filter((line) => line.table === table)
    .flatMap(({ column, group, name }) =>
      subjects.flatMap(({ subject, figures }) => {
        const figure = figures.get(column);
        if (figure === undefined) return [];
        const mean = { group, name: name ?? subject, values: figure.mean };
        // A greatest value of 0 throughout is no plot.
        if (group === 'units' && figure.most.every((value) => value === null || value === 0)) return [];
        if (group !== 'cpu' || stepMs < hourMs) return [mean];
        return [mean, { group, name: 'least', values: figure.least }, { group, name: 'most', values: figure.most }];
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

function historyAlert({ rule, subject, severity, pendingSinceMs, resolvedAtMs }: Alert): HistoryAlert {
  return {
    rule,
    subject,
    severity,
    from: Math.round(pendingSinceMs / 1000),
    to: resolvedAtMs === null ? null : Math.round(resolvedAtMs / 1000),
  };
}

/** Returns the times at which uptime began anew, within a step. */
function bootsOf(uptime: GridFigure | undefined, { sinceMs, stepMs }: Grid): readonly number[] {
  if (uptime === undefined) return [];
  const boots: number[] = [];
  let before: number | null = null;
  for (const [step, least] of uptime.least.entries()) {
    if (least === null) continue;
    const endsAt = (sinceMs + (step + 1) * stepMs) / 1000;
    if (before !== null && least < before) boots.push(Math.max(endsAt - stepMs / 1000, Math.round(endsAt - least)));
    before = uptime.most[step] ?? least;
  }
  return boots;
}
