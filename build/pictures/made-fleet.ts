import { encodeHistory, type PlottedSeries } from '../../src/look/page/encode-series.ts';
import type { HistoryLimit } from '../../src/look/page/series-layout.ts';
import type { FleetPage, PageAlert, PageClient, PageFigure } from '../../src/look/page/page.ts';
import { dayMs, hourMs, minuteMs } from '../../src/platform/units.ts';
import { madeAlerts, madeSilence } from './made-alerts.ts';
import { type MadeFigures, madeFigures } from './made-figures.ts';

const untilMs = Date.UTC(2026, 10, 21, 10, 5);
const sinceMs = Math.floor(untilMs / hourMs) * hourMs - 7 * dayMs;
/** The number of points, one for each hour. */
const points = Math.ceil((untilMs - sinceMs) / hourMs);
/** The number of points of the history for one point of the sparkline. */
const pointsOfSpark = 4;

const limits: readonly HistoryLimit[] = [
  { group: 'memory', severity: 'critical', value: 97 },
  { group: 'disk', severity: 'warning', value: 90 },
  { group: 'disk', severity: 'critical', value: 95 },
];

/** The names of clients before their number, with the number of clients. */
const kinds = { web: 8, app: 8, db: 4, cache: 3, mail: 2, build: 4, backup: 1, gateway: 2 } as const;

/** Returns a page with a week of an invented fleet. The page is the same on each call. */
export function madeFleet(): FleetPage {
  const alerts = madeAlerts({ sinceMs, untilMs });
  const open = alerts.filter(({ state }) => state !== 'resolved');
  return {
    title: 'Fleet',
    zone: 'UTC',
    sinceMs,
    untilMs,
    clients: Object.entries(kinds)
      .flatMap(([kind, count]) => Array.from({ length: count }, (_, index) => `${kind}-${index + 1}`))
      .map((name, index) => madeClient(name, index, alerts))
      .sort((one, other) => urgency(one) - urgency(other) || fullest(other) - fullest(one)),
    groups: [],
    alerts: open.toSorted((one, other) => rank(one) - rank(other) || one.pendingSinceMs - other.pendingSinceMs),
    history: alerts,
    outliers: { figures: [], kinds: [], more: 0 },
    silences: [madeSilence(untilMs)],
    checks: new Map(),
    logs: new Map(),
    gaps: [{ fromMs: untilMs - 54 * hourMs, toMs: untilMs - 52.5 * hourMs }],
    omissions: [],
  };
}

function madeClient(name: string, index: number, alerts: readonly PageAlert[]): PageClient {
  const figures = madeFigures(name, index, points);
  const own = alerts.filter(({ client }) => client === name);
  const firing = own.filter(({ state }) => state === 'firing');
  const isGone = firing.some(({ rule }) => rule === 'unreachable');
  const newest = (values: readonly (number | null)[]): number | null =>
    values.findLast((value) => value !== null) ?? null;
  const mounts = [...figures.mounts].map(([mount, values]) => ({ mount, value: newest(values) ?? 0 }));
  const disk = mounts.reduce((one, other) => (other.value > one.value ? other : one));
  const load = newest(figures.load);
  return {
    name,
    address: `192.0.2.${index + 10}`,
    hostname: name,
    os: index % 3 === 0 ? 'Ubuntu 24.04.3 LTS' : 'Debian GNU/Linux 13 (trixie)',
    state: isGone ? 'failing' : 'ok',
    reason: isGone ? 'connect-timeout: no answer within 10 s' : null,
    worst: firing.some(({ severity }) => severity === 'critical') ? 'critical' : firing.length > 0 ? 'warning' : null,
    openAlerts: firing.length,
    cpuPercent: { value: isGone ? null : newest(figures.cpu), beyond: null },
    memoryPercent: figure(newest(figures.memory), [97]),
    diskPercent: figure(disk.value, [95, 90]),
    diskMount: disk.mount,
    fullIn: null,
    loadPerCpu: load === null ? null : load / figures.cpus,
    reportAgeMs: isGone ? 192 * minuteMs : 20_000 + ((index * 37) % 11) * 1000,
    availability: isGone ? 0.981 : index % 9 === 4 ? 0.997 : 1,
    spark: figures.cpu.filter((_, point) => point % pointsOfSpark === 0),
    history: encodeHistory({
      start: sinceMs / 1000,
      step: hourMs / 1000,
      points,
      cpus: figures.cpus,
      series: seriesOf(figures),
      limits,
      alerts: own.map(({ rule, subject, severity, pendingSinceMs, resolvedAtMs }) => ({
        group: (['cpu', 'memory', 'load', 'disk'] as const).find((group) => group === rule) ?? null,
        rule,
        subject,
        severity,
        from: pendingSinceMs / 1000,
        to: resolvedAtMs === null ? null : resolvedAtMs / 1000,
      })),
      boots: figures.bootPoint === null ? [] : [sinceMs / 1000 + (figures.bootPoint * hourMs) / 1000],
      changes: [],
      moreSeries: 0,
    }),
  };
}

function seriesOf(figures: MadeFigures): readonly PlottedSeries[] {
  return [
    { group: 'cpu', name: 'mean', values: figures.cpu },
    { group: 'cpu', name: 'least', values: figures.cpuLeast },
    { group: 'cpu', name: 'most', values: figures.cpuMost },
    { group: 'memory', name: 'memory', values: figures.memory },
    { group: 'memory', name: 'swap', values: figures.swap },
    { group: 'load', name: 'load over 5 min', values: figures.load },
    { group: 'load', name: 'CPUs', values: figures.load.map((value) => (value === null ? null : figures.cpus)) },
    ...[...figures.mounts].map(([name, values]) => ({ group: 'disk', name, values }) as const),
    { group: 'received', name: 'eth0', values: figures.received },
    { group: 'sent', name: 'eth0', values: figures.sent },
  ];
}

/** Returns a figure with the severity of the first limit that it has reached, critical before warning. */
function figure(value: number | null, [critical = Infinity, warning = Infinity]: readonly number[]): PageFigure {
  if (value === null || value < Math.min(critical, warning)) return { value, beyond: null };
  return { value, beyond: value >= critical ? 'critical' : 'warning' };
}

function urgency({ worst, state }: PageClient): number {
  if (worst !== null) return worst === 'critical' ? 0 : 1;
  return state === 'failing' ? 2 : 3;
}

function fullest({ diskPercent }: PageClient): number {
  return diskPercent.value ?? 0;
}

function rank({ state, severity }: PageAlert): number {
  if (state === 'pending') return 2;
  return severity === 'critical' ? 0 : 1;
}
