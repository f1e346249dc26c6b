/**
 * Reads the fleet from config.xml and the database for display: in a report, on the page, and in `status`. Nothing here
 * writes. `src/look/page` renders the result.
 */
import { greatest, groupBy } from '../../platform/group-by.ts';
import { servingText } from '../../alerter/explain/group-words.ts';
import { easedWords } from '../../alerter/inhibit/easing.ts';
import { openMutes } from '../../alerter/inhibit/mutes.ts';
import { readEasing } from '../../alerter/inhibit/read-easing.ts';
import { globMatcher } from '../../config/values/globs.ts';
import type { Client, Config } from '../../config/config.ts';
import type { FleetOutliers } from '../../alerter/outliers/outliers.ts';
import type { FleetPage, PageSilence, PageSpan } from '../page/page.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { Grid, RunSpan, Watch } from '../../storage/store/look-store.ts';
import type { Silence } from '../../storage/store/operator-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { sortAlerts } from './alert-views.ts';
import { readFleetChecks } from './client-checks.ts';
import { readFleetLogs } from './client-logs.ts';
import { reportsOf } from './fleet-status.ts';
import { fleetMember, sortMembers, type FleetMember } from './fleet-member.ts';
import { readHistories } from './histories.ts';
import { nearestForecasts } from './nearest-forecasts.ts';
import { alertWords, pageClient, pageOutliers } from './page-rows.ts';
import { reportGrid } from './report-grid.ts';

const maxAlerts = 20_000;
/** A collector that misses this many runs leaves a gap. */
const lateRuns = 3;

export interface FleetPageOptions extends Watch {
  readonly config: Config;
  readonly storage: Pick<
    Storage,
    'causes' | 'evaluation' | 'fleet' | 'history' | 'levels' | 'operator' | 'plots' | 'records'
  >;
  /** The clients to show. */
  readonly clients: readonly Client[];
  /** True if the page shows the whole fleet, with the alerts about the fleet itself. */
  readonly isWhole: boolean;
  readonly title: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** True if data newer than `untilMs` are left out; false if `untilMs` is the present. */
  readonly isPast: boolean;
  /** The outliers of the whole fleet. */
  readonly outliers: FleetOutliers;
  /** The most bytes that the histories may take. */
  readonly historyBytes: number;
}

/** Returns a test for the alerts of these clients and of their groups, and of the fleet if it is shown as a whole. */
function isShownBy({ clients, isWhole }: Pick<FleetPageOptions, 'clients' | 'isWhole'>): (alert: Alert) => boolean {
  const shown = new Set(clients.map(({ name }) => name));
  const groups = new Set(clients.flatMap((client) => client.groups));
  return (alert) => kindOf(alert).isShown(alert, { clients: shown, groups, isWhole });
}

/** Reads the data of a report. The same database, configuration and span give the same page. */
export async function readFleetPage(options: FleetPageOptions): Promise<FleetPage> {
  const { config, title, sinceMs, untilMs } = options;
  const { causes, operator, plots, records } = options.storage;
  const shown = new Set(options.clients.map(({ name }) => name));
  const stored = (await records.alertsBetween(sinceMs, untilMs, maxAlerts))
    .filter(isShownBy(options))
    .map((alert) => alertAt(alert, untilMs));
  const silences = await operator.silences(sinceMs);
  const { easedOf, groups } = await readNeeds(options, shown);
  const words = alertWords(config, openMutes({ config, silences }), untilMs, easedOf);
  const alertsOf = groupBy(stored, ({ client }) => client);
  const rulesOf = new Map(config.clients.map(({ name, rules }) => [name, rules]));
  const members = await readMembers(options, stored);
  const { signal, onProgress } = options;
  const gridOf = (count: number, points?: number): Grid =>
    reportGrid(sinceMs, untilMs, config.collector.everyMs, count, points);
  const names = members.map(({ client }) => client);
  const read = { beforeMs: options.isPast ? untilMs : null, pageBytes: options.historyBytes };
  const fleetChecks = await readFleetChecks(records, names, read);
  const fleetLogs = await readFleetLogs(records, names, { sinceMs, untilMs, pageBytes: options.historyBytes });
  const { plots: drawn, omissions } = await readHistories({
    ...{ plots, causes, gridOf },
    historyBytes: Math.max(0, options.historyBytes - fleetChecks.bytes - fleetLogs.bytes),
    clients: names.map((client) => ({
      client,
      rules: rulesOf.get(client) ?? [],
      alerts: alertsOf.get(client) ?? [],
    })),
    signal,
    onProgress: (share) => onProgress(share * 0.8),
  });
  const visits = await plots.visitCounts(
    { clients: names, grid: gridOf(members.length) },
    { signal, onProgress: (share) => onProgress(0.8 + share * 0.2) },
  );
  const lines = members.map((member, index) => {
    const count = visits.get(member.client);
    const availability = count === undefined ? null : count.succeeded / count.visits;
    return pageClient(member, availability, drawn[index] ?? { spark: [], history: null });
  });
  return {
    title,
    zone: config.alerts.zone,
    sinceMs,
    untilMs,
    clients: lines,
    checks: fleetChecks.checks,
    logs: fleetLogs.logs,
    groups,
    alerts: openAt(stored, untilMs).map(words),
    history: stored.map(words),
    outliers: pageOutliers(options.outliers, shown),
    silences: silences
      .filter(({ startsAtMs }) => startsAtMs < untilMs)
      .flatMap((silence) => silencesOf(silence, shown)),
    gaps: gapsBetween(await records.runsBetween('collect', sinceMs, untilMs), options),
    omissions: [...omissions, ...fleetChecks.omissions, ...fleetLogs.omissions],
  };
}

/** Reads who serves in groups that are shown as a whole, and which alerts are eased. Both are known of now alone. */
async function readNeeds(
  { config, storage, isPast, untilMs: nowMs }: FleetPageOptions,
  shown: ReadonlySet<string>,
): Promise<{ readonly easedOf: (alert: Alert) => string | null; readonly groups: readonly string[] }> {
  if (isPast || config.needs.length === 0) return { easedOf: () => null, groups: [] };
  const newest = reportsOf(await storage.history.clients());
  const { groups, standingOf } = await readEasing({ config, storage, nowMs, all: true, newest });
  const whole = groups.groups.filter(({ members }) => members.every(({ name }) => shown.has(name)));
  return {
    easedOf: (alert) => {
      const standing = alert.state === 'firing' ? standingOf(alert) : null;
      return standing?.kind === 'eased' ? easedWords(standing) : null;
    },
    groups: whole.map((group) => servingText(groups.at(group, nowMs))),
  };
}

/** Returns the alerts that are open at a time, sorted. */
function openAt(alerts: readonly Alert[], atMs: number): readonly Alert[] {
  return sortAlerts(
    alerts.filter(({ state }) => state !== 'resolved'),
    atMs,
  );
}

/** Reads the state of the clients to show, the most urgent first. `alerts`: the alerts of the page. */
async function readMembers(options: FleetPageOptions, alerts: readonly Alert[]): Promise<readonly FleetMember[]> {
  const { storage, isPast, untilMs } = options;
  const { everyMs } = options.config.collector;
  const statuses = await storage.history.clients(isPast ? untilMs : undefined);
  const statusOf = new Map(statuses.map((status) => [status.client, status]));
  const firing = alerts.filter(({ state }) => state === 'firing');
  const firingOf = groupBy(firing, ({ client }) => client);
  // Forecasts exist for the present only.
  const forecasts = isPast ? new Map() : await nearestForecasts(storage.levels, null, untilMs);
  const shown = { nowMs: untilMs, everyMs, forecasts };
  const members = options.clients.map((client) =>
    fleetMember(client, statusOf.get(client.name) ?? null, firingOf.get(client.name) ?? [], shown),
  );
  return sortMembers(members, 'urgency');
}

/** Returns an alert with its state at a time. Severity and value are the newest known ones. */
function alertAt(alert: Alert, atMs: number): Alert {
  const { firingSinceMs, resolvedAtMs } = alert;
  const isOver = resolvedAtMs !== null && resolvedAtMs <= atMs;
  const isFiring = firingSinceMs !== null && firingSinceMs <= atMs;
  return {
    ...alert,
    state: isOver ? 'resolved' : isFiring ? 'firing' : 'pending',
    firingSinceMs: isFiring ? firingSinceMs : null,
    resolvedAtMs: isOver ? resolvedAtMs : null,
    closedReason: isOver ? alert.closedReason : null,
  };
}

function silencesOf({ client, startsAtMs, endsAtMs }: Silence, shown: ReadonlySet<string>): readonly PageSilence[] {
  const matches = globMatcher(client);
  return [...shown].filter(matches).map((name) => ({ client: name, fromMs: startsAtMs, toMs: endsAtMs }));
}

/** Returns the spans without a due run of the collector, from the end of the first run on. */
function gapsBetween(
  runs: readonly RunSpan[],
  { sinceMs, untilMs, config }: Pick<FleetPageOptions, 'sinceMs' | 'untilMs' | 'config'>,
): readonly PageSpan[] {
  const allowedMs = lateRuns * config.collector.everyMs;
  const ends = runs.map(({ startedAtMs, finishedAtMs }) => finishedAtMs ?? startedAtMs);
  const starts = [...runs.map(({ startedAtMs }) => startedAtMs), untilMs];
  return starts.slice(1).flatMap((toMs, index) => {
    const endedAtMs = greatest(ends.slice(Math.max(0, index - 4), index + 1));
    return toMs - endedAtMs > allowedMs ? [{ fromMs: Math.max(sinceMs, endedAtMs), toMs }] : [];
  });
}
