import { greatest } from '../../platform/group-by.ts';
import type { GroupState } from '../../alerter/inhibit/group-states.ts';
import { readEasing } from '../../alerter/inhibit/read-easing.ts';
import { lateAfterMs } from '../../config/clients/late-after.ts';
import type { Config, FamilyGroup, Severity } from '../../config/config.ts';
import type { FinishedRun, NewestReport } from '../../storage/store/figure-store.ts';
import type { Labels } from '../../config/values/labels.ts';
import { forwarderIds } from '../../config/clients/arrival.ts';
import { dayMs } from '../../platform/units.ts';
import { readShares, type SharedSite } from '../../storage/read-shares.ts';
import { forecastsLastMs, type StoredForecast } from '../../storage/store/level-store.ts';
import { type CanaryState, readCanary } from '../../storage/store/reply-store.ts';
import { lossOfDay, programs, type Program } from '../../storage/store/run.ts';
import type { Storage } from '../../storage/store/storage.ts';

/** The stores that metrics are read from. */
export type MetricsStorage = Pick<Storage, 'evaluation' | 'figures' | 'fleet' | 'levels' | 'mails' | 'shares'>;

/** A client of config.xml that is not retired. Unknown texts are empty. */
export interface ClientFact {
  readonly client: string;
  readonly address: string;
  readonly labels: Labels;
  readonly group: string;
  readonly hostname: string;
  readonly os: string;
  readonly isActive: boolean;
  readonly isUp: boolean;
  readonly lastReportAtMs: number | null;
  /** The newest report; null if there is none or it is late. */
  readonly report: FreshReport | null;
}

export interface FreshReport extends Pick<NewestReport, 'row'> {
  readonly statId: number;
  readonly observedAtMs: number;
}

interface FiringAlert {
  readonly client: string;
  readonly rule: string;
  readonly subject: string;
  readonly severity: Severity;
  /** The group that has enough members without the client; null if there is none. */
  readonly eased: string | null;
}

/** The facts of all families except the figures of reports. */
export interface FleetFacts {
  readonly clients: readonly ClientFact[];
  readonly firing: readonly FiringAlert[];
  /** Who serves in the groups that need some of their members. */
  readonly groups: readonly GroupState[];
  readonly runs: readonly (FinishedRun & { readonly program: Program })[];
  readonly undelivered: number;
  readonly sealed: number;
  /** Reports that the database had forgotten and that runs of the last day have stored again. */
  readonly restored: number;
  /** The present round of `<canary>`; null if config.xml has none. */
  readonly canary: CanaryState | null;
  /** The slices of fleets that several collectors share, by collector. */
  readonly shares: readonly SharedSite[];
  /** The forecasts of clients whose newest report is not late, the nearest first. */
  readonly forecasts: readonly StoredForecast[];
  /** The names of the dropped families. */
  readonly dropped: readonly string[];
}

export interface FleetFactsOptions {
  readonly config: Config;
  readonly storage: MetricsStorage;
  /** The database's clock. */
  readonly nowMs: number;
  /** The groups of families to read facts for. */
  readonly groups: readonly FamilyGroup[];
  /** Columns of `stats` for figures. */
  readonly columns: readonly string[];
}

export async function readFleetFacts(options: FleetFactsOptions): Promise<FleetFacts> {
  const { storage, groups, nowMs } = options;
  const needs = (...some: readonly FamilyGroup[]): boolean => some.some((group) => groups.includes(group));
  const clients = needs('client', 'check', 'disk', 'network') ? await readClients(options) : [];
  const open = needs('alerts') ? await storage.evaluation.openAlerts(null) : [];
  const easing = needs('alerts') ? await readEasing({ ...options, all: true }) : null;
  const shares = needs('self') ? await readShares(options.config, storage, options.nowMs) : [];
  const runs: (FinishedRun & { readonly program: Program })[] = [];
  for (const program of needs('self') ? programs : []) {
    const cycle = program === 'collect' ? lastCycle(shares) : null;
    const run = cycle ?? (await storage.figures.lastFinished(program, forwarderIds(options.config.clients)));
    if (run !== null) runs.push({ ...run, program });
  }
  const unsent = needs('self') ? await storage.mails.undelivered() : [];
  const sealed = needs('self') ? await storage.fleet.sealedWaiting() : [];
  const loss = needs('self') ? lossOfDay(await storage.fleet.runs('collect', nowMs - dayMs), nowMs) : null;
  const forecasts = needs('disk') ? await storage.levels.forecasts(null) : [];
  const fresh = new Set(clients.filter(({ report }) => report !== null).map(({ client }) => client));
  return {
    clients,
    forecasts: forecasts.filter(({ client, asOfMs }) => fresh.has(client) && options.nowMs - asOfMs <= forecastsLastMs),
    firing: open.flatMap((alert) => {
      const standing = alert.state === 'firing' ? (easing?.standingOf(alert) ?? null) : null;
      const eased = standing?.kind === 'eased' ? standing.state.group.need.name : null;
      return alert.state === 'firing' ? { ...alert, eased } : [];
    }),
    groups: easing === null ? [] : easing.groups.groups.map((group) => easing.groups.at(group, nowMs)),
    runs,
    // A mail without an error is due, or is being sent just now.
    undelivered: unsent.filter(({ error, failedAtMs }) => error !== null || failedAtMs !== null).length,
    sealed: sealed.reduce((sum, { reports }) => sum + reports, 0),
    restored: loss?.reports ?? 0,
    canary: needs('self') ? await readCanary(options.config, storage.evaluation) : null,
    shares,
    dropped: [],
  };
}

/**
 * Returns the newest finished cycles of all sites as one run: their sums and the longest duration; `null` if there is
 * none.
 */
function lastCycle(shares: readonly SharedSite[]): FinishedRun | null {
  const cycles = shares.flatMap(({ finished }) => finished ?? []);
  if (cycles.length === 0) return null;
  const finishedAtMs = greatest(cycles.map((cycle) => cycle.finishedAtMs));
  const sumOf = (result: 'succeeded' | 'failed' | 'skipped'): number =>
    cycles.reduce((sum, cycle) => sum + cycle[result], 0);
  return {
    startedAtMs: finishedAtMs - greatest(cycles.map((cycle) => cycle.finishedAtMs - cycle.startedAtMs)),
    finishedAtMs,
    succeeded: sumOf('succeeded'),
    failed: sumOf('failed'),
    skipped: sumOf('skipped'),
  };
}

async function readClients({ config, storage, nowMs, columns }: FleetFactsOptions): Promise<readonly ClientFact[]> {
  const stored = await storage.figures.newestReports([...new Set([...columns, 'hostname', 'os'])]);
  const byName = new Map(stored.map((report) => [report.client, report]));
  return config.clients
    .filter(({ state }) => state !== 'retired')
    .map(({ name, address, groups, labels, state, arrival }) => {
      const lateMs = lateAfterMs({ arrival }, config.collector.everyMs);
      const isFresh = (atMs: number | null): boolean => atMs !== null && nowMs - atMs <= lateMs;
      const known = byName.get(name);
      const { statId = null, observedAtMs = null, row = {}, lastReportAtMs = null } = known ?? {};
      const isUsed = statId !== null && observedAtMs !== null && isFresh(observedAtMs);
      return {
        client: name,
        address,
        labels,
        group: groups.join('/'),
        hostname: givenText(row['hostname']),
        os: givenText(row['os']),
        isActive: state === 'active',
        isUp: known?.consecutiveFailures === 0 && isFresh(lastReportAtMs),
        lastReportAtMs,
        report: isUsed ? { statId, observedAtMs, row } : null,
      };
    });
}

function givenText(value: string | number | null | undefined): string {
  return typeof value === 'string' ? value : '';
}
