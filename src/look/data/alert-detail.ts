/** src/look/data: the data of screens and pages, from config.xml and the database. */
import { kindOf } from '../../about/kinds.ts';
import { besideSentence } from '../../alerter/cause/beside-words.ts';
import { causeSentence } from '../../alerter/cause/cause-words.ts';
import { lookAt, readLooks } from '../../alerter/cause/read-looks.ts';
import { describeLimit } from '../../alerter/evaluate/describe-value.ts';
import { foreseenBy, metricOfRule, unitOfRule } from '../../alerter/evaluate/rule-metric.ts';
import { isAcknowledged } from '../../alerter/inhibit/inhibition.ts';
import type { Config, Rule } from '../../config/config.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import type { Unit } from '../../report/metrics.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { FigureTable, Grid } from '../../storage/store/look-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { durationInWords, formatDuration } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { momentInWords, type TimeReader } from '../../text/time-words.ts';
import { type ClientHistory, encodeHistory, type PlottedSeries } from '../page/encode-series.ts';
import type { AlertAnswer, CommandWords, FactTable, PageChange } from '../page/page.ts';
import type { HistoryAlert, SeriesUnit } from '../page/series-layout.ts';
import { pageChange, readChangeTimes } from './client-changes.ts';
import { readClientHistory } from './client-history.ts';
import { pastAlerts } from './alert-views.ts';
import { reportGrid } from './report-grid.ts';

/** The facts of an alert's page beside the alert itself. */
export interface AlertDetail {
  /** `The rule: critical at least 95 %, at once.`; null if the rule left config.xml. */
  readonly limits: string | null;
  /** The sentence about what clients beside an unreachable one saw; null if there is none. */
  readonly seen: string | null;
  /** The encoded figures around the alert; null if the rule has no figure that is stored. */
  readonly history: string | null;
  /** The sentence about changes that are hardly there by chance; null if none is named. */
  readonly cause: string | null;
  /** The changes of the client in the day before the alert, newest first. */
  readonly changes: readonly PageChange[];
  /** The alerts of the same rule and subject in the last year, newest first. */
  readonly earlier: FactTable;
  /** The present state for the button that acknowledges; null for an alert that has ended. */
  readonly answer: AlertAnswer | null;
  /** The commands that acknowledge or silence, with what each does; none for an alert that has ended. */
  readonly commands: readonly { readonly words: string; readonly command: CommandWords }[];
}

const yearMs = 365 * dayMs;
const maxEarlier = 200;
const maxChanges = 20;
/** The most time before and after an alert that the plot shows, and the most of all. */
const aroundMs = 12 * hourMs;
const mostMs = 400 * dayMs;

/** Reads the facts of an alert's page. */
export async function readAlertDetail(
  storage: Storage,
  config: Config,
  alert: Alert,
  reader: TimeReader,
): Promise<AlertDetail> {
  const { client, rule: name, subject, cause = null, firingSinceMs, pendingSinceMs } = alert;
  const { followsRows } = kindOf(alert);
  const rules = followsRows ? (config.clients.find((one) => one.name === client)?.rules ?? []) : config.alerts.rules;
  const rule = rules.find((one) => one.name === name) ?? null;
  const earlier = await storage.records.alertsLike(alert, reader.nowMs - yearMs, maxEarlier);
  const changes = !followsRows ? [] : await storage.changes.changes([client], pendingSinceMs - dayMs, 1000);
  const look = lookAt(alert, await readLooks(storage, [alert]));
  const before = changes.filter(({ latestAtMs }) => latestAtMs <= (firingSinceMs ?? reader.nowMs));
  return {
    limits: rule === null ? null : limitSentence(rule),
    seen: besideSentence(look, { alert, moment: (atMs) => momentInWords(reader, atMs) }),
    history: rule === null || !followsRows ? null : await readValues(storage, config, alert, rule, earlier, reader),
    cause: cause === null ? null : causeSentence(client, cause),
    changes: before.slice(-maxChanges).reverse().map(pageChange),
    earlier: earlierTable(earlier, reader),
    answer:
      alert.state === 'resolved'
        ? null
        : { severity: alert.severity, isAcknowledged: isAcknowledged(alert, reader.nowMs) },
    commands: alert.state === 'resolved' ? [] : commandsOf(alert, subject),
  };
}

function commandsOf(alert: Alert, subject: string): AlertDetail['commands'] {
  const { id, client, rule } = alert;
  const option = (name: string, value: string): CommandWords => [{ option: `--${name}` }, value];
  const ack = ['fleet-health', 'ack', String(id)];
  const of = [...(kindOf(alert).followsRows ? option('client', client) : []), ...option('rule', rule)];
  const only = subject === '' ? of : [...of, ...option('subject', subject)];
  const silence = ['fleet-health', 'silence', 'add', ...only, ...option('for', '1d')];
  return [
    { words: 'No reminders until it ends or gets worse', command: ack },
    { words: 'The same for 4 hours', command: [...ack, ...option('for', '4h'), ...option('comment', 'on it')] },
    { words: 'Nobody is notified of it for a day', command: silence },
  ];
}

/** Returns `The rule: critical at least 95 %, warning at least 90 %, once that holds for 10m.` */
function limitSentence(rule: Rule): string {
  const { critical, warning, severity, forMs, forCount } = rule;
  const limits = (['critical', 'warning'] as const).flatMap((level) => {
    const has = { critical, warning }[level] !== null || (severity === level && critical === null && warning === null);
    return has ? [`${level} ${describeLimit(rule, level)}`.trim()] : [];
  });
  const lasting = forMs !== null ? `, once that holds for ${formatDuration(forMs)}` : '';
  const counts = forCount === null ? '' : forCount === 1 ? ', at once' : `, once that holds in ${forCount} rows`;
  return `The rule: ${limits.join(', ')}${lasting}${counts}.`;
}

function earlierTable(alerts: readonly Alert[], reader: TimeReader): FactTable {
  const fired = alerts.filter(({ firingSinceMs }) => firingSinceMs !== null);
  const totalMs = fired.reduce((sum, one) => sum + (one.resolvedAtMs ?? reader.nowMs) - one.pendingSinceMs, 0);
  const most = alerts.length === maxEarlier ? 'At least ' : '';
  return pastAlerts(alerts, reader, {
    id: 'year',
    title: 'The last year',
    about: alerts.length === 0 ? null : `${most}${counted(fired.length, 'time')}, ${durationInWords(totalMs)} in all.`,
    beside: [],
  });
}

const seriesUnits: Readonly<Partial<Record<Unit, SeriesUnit>>> = {
  percent: 'percent',
  bytes: 'bytes',
  seconds: 'seconds',
  per_second: 'per_second',
};

/** A stored figure that a rule evaluates. */
interface Figure {
  readonly table: FigureTable;
  readonly column: string;
  readonly unit: Unit;
  /** The column by which values are divided; null: none. */
  readonly by: string | null;
}

const diskColumns: readonly string[] = ['used_percent', 'inodes_percent', 'available_bytes'];

function figureOf(rule: Rule): Figure | null {
  const foreseen = foreseenBy(rule);
  if (foreseen !== null) {
    const column = foreseen === 'space' ? 'used_percent' : 'inodes_percent';
    return { table: 'disk_stats', column, unit: 'percent', by: null };
  }
  if (rule.type === 'load') return { table: 'stats', column: 'load5', unit: 'load', by: 'cpus' };
  const metric = metricOfRule(rule);
  if (metric === null) return null;
  const unit = unitOfRule(rule);
  if (metric.column !== undefined) return { table: 'stats', column: metric.column, unit, by: null };
  if (metric.family !== 'disk' || !diskColumns.includes(metric.field)) return null;
  return { table: 'disk_stats', column: metric.field, unit, by: null };
}

/** The shortest alert that fills a fifth of its plot. */
const shortAlertMs = 5 * minuteMs;

/** The bounds of an alert's plot beside the alert itself. */
interface PlotBounds {
  readonly nowMs: number;
  readonly everyMs: number;
  /** The age from which single reports are gone. */
  readonly rawMs: number;
  /** The first report of the client; null if there is none. */
  readonly firstMs: number | null;
}

/**
 * Returns the span of an alert's plot: half a day around the alert at most, from the first report on, and a shorter
 * time around a short alert, which fills a fifth of the plot at least. Means of an hour are shown with all around them.
 */
export function plotSpan(
  { pendingSinceMs, resolvedAtMs }: Pick<Alert, 'pendingSinceMs' | 'resolvedAtMs'>,
  { nowMs, everyMs, rawMs, firstMs }: PlotBounds,
): readonly [sinceMs: number, untilMs: number] {
  const endMs = Math.min(nowMs, resolvedAtMs ?? nowMs);
  const isRaw = pendingSinceMs > nowMs - rawMs;
  const shownMs = Math.max(endMs - pendingSinceMs, shortAlertMs, everyMs);
  // The grid adds a step at both ends.
  const besideMs = isRaw ? 4 * shownMs - 2 * Math.max(everyMs, minuteMs) : 2 * aroundMs;
  const untilMs = Math.min(nowMs, endMs + Math.min(aroundMs, besideMs / 2));
  const beforeMs = Math.min(aroundMs, besideMs - (untilMs - endMs));
  const firstShownMs = Math.max(pendingSinceMs - beforeMs, Math.min(firstMs ?? -Infinity, pendingSinceMs));
  return [Math.max(untilMs - mostMs, firstShownMs), untilMs];
}

/** Reads the figures that an alert is about, encoded with its limits and its time. Returns null if there are none. */
async function readValues(
  { plots, causes }: Pick<Storage, 'plots' | 'causes'>,
  config: Config,
  alert: Alert,
  rule: Rule,
  earlier: readonly Alert[],
  { nowMs }: TimeReader,
): Promise<string | null> {
  const { client, subject } = alert;
  const { everyMs } = config.collector;
  const firstMs = await plots.firstReportMs(client);
  const [sinceMs, untilMs] = plotSpan(alert, { nowMs, everyMs, rawMs: config.retention.rawMs, firstMs });
  const grid = reportGrid(sinceMs, untilMs, everyMs, 1);
  const changesMs = (await readChangeTimes(causes, [client], grid)).get(client) ?? [];
  const figure = figureOf(rule);
  const series = figure === null ? [] : [await readFigure(plots, alert, figure, grid)].flat();
  const drawn = { client, grid, rules: [], alerts: [], changesMs };
  const whole: ClientHistory =
    figure !== null
      ? { ...emptyHistory(grid), series, changes: changesMs.map((atMs) => Math.round(atMs / 1000)) }
      : await readClientHistory(plots, drawn);
  // A check has figures of its own.
  const own = figure !== null ? series : whole.series.filter(({ plot }) => plot !== undefined && plot === subject);
  if (own.every(({ values }) => values.every((value) => value === null))) return null;
  const levels = foreseenBy(rule) === null && figure !== null ? (['warning', 'critical'] as const) : [];
  return encodeHistory({
    ...whole,
    series: own,
    limits: levels.flatMap((severity) => {
      const value = { warning: rule.warning, critical: rule.critical }[severity];
      return value === null ? [] : [{ group: 'series' as const, severity, value }];
    }),
    alerts: earlier.flatMap((one) => spansOf(one, figure === null ? subject : alert.rule)),
    moreSeries: 0,
  });
}

function emptyHistory({ sinceMs, stepMs, points }: Grid): ClientHistory {
  const none = { series: [], limits: [], alerts: [], boots: [], changes: [] };
  return { start: sinceMs / 1000, step: stepMs / 1000, points, cpus: null, moreSeries: 0, ...none };
}

async function readFigure(
  plots: Storage['plots'],
  { client, subject, rule }: Alert,
  { table, column, unit, by }: Figure,
  grid: Grid,
): Promise<readonly PlottedSeries[]> {
  const columns = by === null ? [column] : [column, by];
  const found = await plots.gridFigures(client, table, columns, grid);
  const own = found.find((one) => table === 'stats' || one.subject === subject)?.figures;
  const divisors = by === null ? [] : (own?.get(by)?.mean ?? []);
  const values = own?.get(column)?.mean.map((value, at) => {
    const divisor = by === null ? 1 : (divisors[at] ?? null);
    return value === null || divisor === null || divisor === 0 ? null : value / divisor;
  });
  if (values === undefined) return [];
  const name = subject === '' ? rule : subject;
  return [{ group: 'series', name, plot: rule, unit: seriesUnits[unit] ?? 'count', values }];
}

/** Returns the time for which an alert was pending, and the time for which it fired, for a plot with this title. */
function spansOf(
  { rule, subject, severity, pendingSinceMs, firingSinceMs, resolvedAtMs }: Alert,
  plot: string,
): HistoryAlert[] {
  const of = { rule, subject, group: 'series', plot } as const;
  const seconds = (atMs: number): number => Math.round(atMs / 1000);
  const [from, to] = [seconds(pendingSinceMs), resolvedAtMs === null ? null : seconds(resolvedAtMs)];
  if (firingSinceMs === null) return [{ ...of, severity: 'pending', from, to }];
  const fires = { ...of, severity, from: seconds(firingSinceMs), to };
  return firingSinceMs === pendingSinceMs ? [fires] : [{ ...fires, severity: 'pending', from, to: fires.from }, fires];
}
