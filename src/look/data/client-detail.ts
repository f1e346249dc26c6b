import { isWrittenOnly } from '../../notify/mail-identity.ts';
import type { Client, Config, Rule } from '../../config/config.ts';
import { forecastFleet } from '../../alerter/forecast/fleet-forecast.ts';
import { farthestDays, historyDays } from '../../alerter/forecast/forecast.ts';
import { dayMs } from '../../platform/units.ts';
import { type DiskRow, type NetworkRow, numberOf, readFamilies } from '../../report/columns.ts';
import type { LogCount } from '../../report/log-lines.ts';
import type { Report } from '../../report/report.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { Inventory, MailedLine, StoredLogLine, StoredVisit } from '../../storage/store/detail-store.ts';
import type { UnprocessedReport } from '../../storage/store/evaluation-store.ts';
import type { NewForecast } from '../../storage/store/level-store.ts';
import type { Grid, PlotStore } from '../../storage/store/look-store.ts';
import type { ClientStatus, Storage } from '../../storage/store/storage.ts';
import { type AlertView, sortAlerts, viewAlerts } from './alert-views.ts';
import { type ShownCheck, withSince } from './client-checks.ts';
import { shownLogLines } from './client-logs.ts';
import { fleetMember, type FleetMember } from './fleet-member.ts';
import { nearestForecasts, type NearestForecasts } from './nearest-forecasts.ts';
import { reportGrid } from './report-grid.ts';

/** The stored data of a client that `show` prints. */
export interface ClientDetail {
  readonly member: FleetMember;
  /** The client of config.xml; null if it has left and only its history is stored. */
  readonly listed: Client | null;
  /** Open alerts, worst first, with their rules' notes. */
  readonly alerts: readonly NotedAlert[];
  /** The newest report; null if no report is stored. */
  readonly newest: NewestReport | null;
  /** The mounts that are forecast to be full, nearest first. */
  readonly forecasts: readonly NewForecast[];
  /** Newest first. */
  readonly visits: readonly StoredVisit[];
  /** Figures of the last 24 hours; null if there are none. */
  readonly day: DayFigures | null;
  readonly inventory: Inventory | null;
  /** Newest first. */
  readonly mails: readonly SentMail[];
  /** Newest first. */
  readonly logs: readonly StoredLogLine[];
  /** The counts of new log lines in the client's newest report. */
  readonly logCounts: readonly LogCount[];
}

export interface NotedAlert extends AlertView {
  /** The note of the alert's rule in config.xml. */
  readonly note: string | null;
}

export interface NewestReport {
  readonly row: UnprocessedReport;
  readonly disks: readonly DiskRow[];
  readonly networks: readonly NetworkRow[];
  /** Worst first. */
  readonly checks: readonly ShownCheck[];
  /** Figures that only the whole report contains; null if it is no longer stored. */
  readonly whole: WholeReport | null;
}

export interface WholeReport {
  readonly memoryBytes: number | null;
  readonly memoryAvailableBytes: number | null;
  readonly swapBytes: number | null;
  readonly processesByCpu: readonly ProcessFigure[];
  readonly processesByMemory: readonly ProcessFigure[];
  readonly failedUnits: readonly string[];
  /** The failed probes with their errors. */
  readonly probeErrors: readonly { readonly probe: string; readonly error: string }[];
}

export interface ProcessFigure {
  readonly process: string;
  readonly pid: number | null;
  /** Percent of one CPU, or bytes. */
  readonly value: number | null;
}

/** Means by step, oldest first; null for a step without a value. */
interface DayFigures {
  readonly sinceMs: number;
  readonly stepMs: number;
  readonly cpuPercent: readonly (number | null)[];
  readonly memoryPercent: readonly (number | null)[];
  readonly load5: readonly (number | null)[];
}

export interface SentMail extends Pick<MailedLine, 'mailId' | 'recipient' | 'createdAtMs' | 'sentAtMs' | 'error'> {
  readonly delivery: 'sent' | 'written' | 'waiting' | 'refused' | 'discarded';
  readonly lines: readonly Pick<MailedLine, 'alertId' | 'rule' | 'subject' | 'severity' | 'transition'>[];
}

const shownVisits = 10;
const shownMails = 10;
/** A mail may have many lines about one client. */
const readMailLines = 200;

type DetailSources = Pick<
  Storage,
  | 'alertHistory'
  | 'detail'
  | 'evaluation'
  | 'fleet'
  | 'history'
  | 'levels'
  | 'mails'
  | 'notifications'
  | 'operator'
  | 'plots'
>;

/** Returns the detail of a client before the first run: the facts of config.xml. */
export function unseenClient(config: Config, listed: Client, nowMs: number): ClientDetail {
  const member = memberOf({ config, name: listed.name, listed, nowMs, forecasts: new Map() }, null, []);
  const nothing = { alerts: [], forecasts: [], visits: [], mails: [], logs: [], logCounts: [] };
  return { ...nothing, member, listed, newest: null, day: null, inventory: null };
}

/** Reads the detail of a client. Returns null if neither config.xml nor the database has the client. */
export async function readClientDetail(
  config: Config,
  storage: DetailSources,
  name: string,
  nowMs: number,
): Promise<ClientDetail | null> {
  const { history, plots, detail, levels } = storage;
  const listed = config.clients.find((client) => client.name === name) ?? null;
  const known = await history.client(name);
  if (listed === null && known === null) return null;
  const open = sortAlerts(await storage.evaluation.openAlerts([name]), nowMs);
  const views = await viewAlerts(config, storage, open, nowMs);
  const nearest = await nearestForecasts(levels, [name], nowMs);
  const grid = reportGrid(nowMs - dayMs, nowMs, config.collector.everyMs, 1);
  return {
    member: memberOf({ config, name, listed, nowMs, forecasts: nearest }, known, open),
    listed,
    alerts: views.map((view) => ({ ...view, note: noteOf(listed?.rules ?? [], view.alert) })),
    newest: await newestReport(storage, name),
    forecasts: forecastFleet(await levels.levels([name], historyDays, new AbortController().signal), farthestDays),
    visits: await detail.visitsOf(name, shownVisits),
    day: await dayFigures(plots, name, grid),
    inventory: await detail.inventoryOf(name),
    mails: mailsOf(config, await detail.mailsOf(name, readMailLines)),
    logs: await detail.logLinesOf(name, shownLogLines),
    logCounts: await detail.logCountsOf(name),
  };
}

interface MemberOptions {
  readonly config: Config;
  readonly name: string;
  readonly listed: Client | null;
  readonly nowMs: number;
  readonly forecasts: NearestForecasts;
}

function memberOf(
  { config, name, listed, nowMs, forecasts }: MemberOptions,
  known: ClientStatus | null,
  open: readonly Alert[],
): FleetMember {
  const address = known?.address ?? name;
  const left = {
    name,
    address,
    state: 'active',
    rules: [],
    labels: {},
    groups: [],
    arrival: { kind: 'ssh', via: 'ssh2' },
  } as const;
  const firing = open.filter(({ state }) => state === 'firing');
  return fleetMember(listed ?? left, known, firing, { nowMs, everyMs: config.collector.everyMs, forecasts });
}

function noteOf(rules: readonly Rule[], { rule }: Alert): string | null {
  return rules.find(({ name }) => name === rule)?.note ?? null;
}

async function newestReport(
  { alertHistory, detail, evaluation }: DetailSources,
  name: string,
): Promise<NewestReport | null> {
  const { report: row } = await alertHistory.newestRows(name);
  if (row === null) return null;
  const whole = await (await evaluation.reportsOf([row.id])).get(row.id);
  return {
    row,
    disks: (await evaluation.disksOf([row.id])).get(row.id) ?? [],
    networks: (await evaluation.networksOf([row.id])).get(row.id) ?? [],
    checks: await withSince(detail, name, (await evaluation.checksOf([row.id])).get(row.id) ?? [], row.observedAtMs),
    whole: whole === undefined ? null : wholeReport(whole),
  };
}

function wholeReport(report: Report): WholeReport {
  const { rowsOf, failedProbes } = readFamilies(report);
  const [memory] = rowsOf('memory');
  const [swap] = rowsOf('swap');
  const processes = (family: string, field: string): readonly ProcessFigure[] =>
    rowsOf(family).map((row) => ({
      process: String(row['process'] ?? ''),
      pid: numberOf(row, 'pid'),
      value: numberOf(row, field),
    }));
  return {
    memoryBytes: numberOf(memory, 'total_bytes'),
    memoryAvailableBytes: numberOf(memory, 'available_bytes'),
    swapBytes: numberOf(swap, 'total_bytes'),
    processesByCpu: processes('process_cpu', 'used_percent_of_one_cpu'),
    processesByMemory: processes('process_memory', 'resident_bytes'),
    failedUnits: rowsOf('failed_unit').flatMap(({ unit }) => (typeof unit === 'string' ? [unit] : [])),
    probeErrors: failedProbes.map(([probe, error]) => ({ probe, error })),
  };
}

async function dayFigures(plots: PlotStore, name: string, grid: Grid): Promise<DayFigures | null> {
  const [own] = await plots.gridFigures(name, 'stats', ['cpu_percent', 'memory_percent', 'load5'], grid);
  if (own === undefined) return null;
  const mean = (column: string): readonly (number | null)[] =>
    own.figures.get(column)?.mean ?? new Array<null>(grid.points).fill(null);
  const { sinceMs, stepMs } = grid;
  return {
    sinceMs,
    stepMs,
    cpuPercent: mean('cpu_percent'),
    memoryPercent: mean('memory_percent'),
    load5: mean('load5'),
  };
}

function mailsOf(config: Config, lines: readonly MailedLine[]): readonly SentMail[] {
  const mails = new Map<number, SentMail & { readonly lines: SentMail['lines'][number][] }>();
  for (const line of lines) {
    const { mailId, recipient, createdAtMs, sentAtMs, error } = line;
    const { alertId, rule, subject, severity, transition } = line;
    const mail = mails.get(mailId) ?? {
      mailId,
      recipient,
      createdAtMs,
      sentAtMs,
      error,
      delivery: deliveryOf(config, line),
      lines: [],
    };
    mail.lines.push({ alertId, rule, subject, severity, transition });
    mails.set(mailId, mail);
  }
  return [...mails.values()].slice(0, shownMails);
}

function deliveryOf(
  config: Config,
  { recipient, sentAtMs, failedAtMs, isDiscarded }: MailedLine,
): SentMail['delivery'] {
  if (sentAtMs !== null) return isWrittenOnly(config, recipient) ? 'written' : 'sent';
  if (isDiscarded) return 'discarded';
  return failedAtMs === null ? 'waiting' : 'refused';
}
