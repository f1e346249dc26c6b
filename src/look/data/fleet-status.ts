import { forwarderIds, forwardingSite, forwardingSites } from '../../config/clients/arrival.ts';
import { type GroupState, type NeedingGroup, needingGroups } from '../../alerter/inhibit/group-states.ts';
import { readEasing } from '../../alerter/inhibit/read-easing.ts';
import { type HeldBack, readHeldBack } from '../../alerter/inhibit/held-back.ts';
import type { Config } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { dayMs } from '../../platform/units.ts';
import { siteId } from '../../state-folder/collector-id.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { SealedSummary } from '../../storage/store/sealed-store.ts';
import type { FleetStore } from '../../storage/store/fleet-store.ts';
import {
  type CanaryState,
  readCanary,
  readUnreadReplies,
  type UnreadReplies,
} from '../../storage/store/reply-store.ts';
import { type Loss, lossOfDay, type Program, type RunFact } from '../../storage/store/run.ts';
import type { ClientStatus, Storage } from '../../storage/store/storage.ts';
import { readShares, type SharedSite } from '../../storage/read-shares.ts';
import { fleetMember, type FleetMember, sortMembers } from './fleet-member.ts';
import { nearestForecasts } from './nearest-forecasts.ts';

interface UnlistedClient {
  readonly client: string;
  readonly lastVisitAtMs: number | null;
  /**
   * The client of config.xml with the same address, possibly the same machine under a new name; null if there is none.
   */
  readonly namesake: string | null;
}

export interface FleetStatus {
  /** Sorted by urgency, then by name. */
  readonly members: readonly FleetMember[];
  /** The clients that are in the database and not in config.xml. */
  readonly unlisted: readonly UnlistedClient[];
  /** The newest run of `collect`, without runs of sites that forward. */
  readonly lastRun: RunFact | null;
  /** The time at which the newest run of `collect` that has ended did so; null if none has. */
  readonly collectedAtMs: number | null;
  /** The newest full run of each site that forwards; null if none has arrived. */
  readonly forwarded: ReadonlyMap<string, RunFact | null>;
  readonly lastPass: RunFact | null;
  readonly alerting: AlertingStatus;
  /** Sealed reports that wait for `ingest`. */
  readonly sealed: readonly SealedSummary[];
  readonly lastIngest: RunFact | null;
  /** The records that the database forgot and that runs of the last day have stored again; null if there are none. */
  readonly loss: Loss | null;
  /** The present round of `<canary>`; null if config.xml has none. */
  readonly canary: CanaryState | null;
  /** Since when and why the mailbox of `<replies>` cannot be read; null if it was read. */
  readonly repliesUnread: UnreadReplies | null;
  /** The slices of fleets that several collectors share, by collector. */
  readonly shares: readonly SharedSite[];
  /** Who serves in the groups that need some of their members, as far as all their members are read. */
  readonly groups: readonly GroupState[];
}

/** The firing alerts, the waiting mails, and the silences and windows in force. */
interface AlertingStatus {
  readonly firing: number;
  readonly critical: number;
  /** The alerts about the fleet as a whole. */
  readonly ofFleet: number;
  readonly undelivered: {
    /** Mails that were tried and not accepted, or refused permanently. */
    readonly mails: number;
    readonly refused: number;
    /** Mails that were not tried yet. */
    readonly queued: number;
    readonly oldestAtMs: number | null;
    /** The error of the newest undelivered mail that has one. */
    readonly lastError: string | null;
  };
  /** Silences and windows in force. */
  readonly held: readonly HeldBack[];
}

export type FleetSources = Pick<
  Storage,
  'evaluation' | 'fleet' | 'history' | 'levels' | 'mails' | 'nowMs' | 'operator' | 'shares'
>;

interface FleetStatusOptions {
  readonly nowMs: number;
  /** The clients whose state and alerts are read; null: the whole fleet, with the alerts about the fleet itself. */
  readonly only: ReadonlySet<string> | null;
  /** True to return only clients whose newest visit failed. */
  readonly failing?: boolean;
  /** True to return only clients that the last run over the whole fleet did not visit, or has not visited yet. */
  readonly notVisited?: boolean;
}

/** Reads the state of the clients from config.xml and the database. `storage` is null before the first run. */
export async function readFleetStatus(
  config: Config,
  storage: FleetSources | null,
  { nowMs, only, failing = false, notVisited = false }: FleetStatusOptions,
): Promise<FleetStatus> {
  const stored = new Map(((await storage?.history.clients()) ?? []).map((status) => [status.client, status]));
  const firing = ((await storage?.evaluation.openAlerts(null)) ?? []).filter(({ state }) => state === 'firing');
  const firingOf = groupBy(firing, ({ client }) => client);
  const everyMs = config.collector.everyMs;
  const except = forwarderIds(config.clients);
  const newest = (program: Program): Promise<RunFact | null> =>
    newestRun({ program, storage, byMs: nowMs + everyMs, except });
  const lastRun = await newest('collect');
  const ended =
    lastRun === null || lastRun.finishedAtMs !== null
      ? lastRun
      : await storage?.history.lastRun('collect', except, nowMs + everyMs);
  const fullRun =
    !notVisited || lastRun === null ? null : ((await storage?.fleet.lastRunOf(lastRun.collectorId)) ?? null);
  const forwarded = await forwardedRuns(config, storage?.fleet ?? null);
  const { sharedSite } = config.collector;
  const sites = await readShares(config, storage, nowMs);
  // Another collector of the site may have visited a client of this one.
  const beganAtMs = sites.find(({ site }) => site === sharedSite)?.beganAtMs ?? null;
  const siteOf = new Map(config.clients.map((client) => [client.name, forwardingSite(client)]));
  const begunFor = (client: string): number | undefined => {
    const site = siteOf.get(client) ?? null;
    return site === null ? (beganAtMs ?? fullRun?.startedAtMs) : forwarded.get(site)?.startedAtMs;
  };
  const isMissed = ({ client, state, known }: FleetMember): boolean =>
    state !== 'retired' && (known?.lastVisitAtMs ?? -Infinity) < (begunFor(client) ?? Infinity);
  const forecasts = await nearestForecasts(storage?.levels ?? null, only === null ? null : [...only], nowMs);
  const present = { nowMs, everyMs, forecasts };
  const members = config.clients
    .filter(({ name }) => only?.has(name) ?? true)
    .map((client) => fleetMember(client, stored.get(client.name) ?? null, firingOf.get(client.name) ?? [], present))
    .filter((member) => (!failing || member.state === 'failing') && (!notVisited || isMissed(member)));
  const isWhole = only === null && !failing && !notVisited;
  const shown = isWhole ? null : new Set(members.map(({ client }) => client));
  const groups = await readGroups(config, storage, { nowMs, only, newest: reportsOf([...stored.values()]) });
  const ofGroups = new Set(groups.map(({ group: { need } }) => need.name));
  const isShown = (alert: Alert): boolean =>
    shown === null || kindOf(alert).isShown(alert, { clients: shown, groups: ofGroups, isWhole: false });
  return {
    members: sortMembers(members, 'urgency'),
    unlisted: unlistedClients(config, stored),
    lastRun,
    collectedAtMs: ended?.finishedAtMs ?? null,
    forwarded,
    lastPass: await newest('alert'),
    alerting: await readAlerting(config, storage, firing.filter(isShown)),
    sealed: (await storage?.fleet.sealedWaiting()) ?? [],
    lastIngest: await newest('ingest'),
    canary: await readCanary(config, storage?.evaluation ?? null),
    repliesUnread: await readUnreadReplies(config, storage?.evaluation ?? null),
    loss: lossOfDay((await storage?.fleet.runs('collect', nowMs - dayMs)) ?? [], nowMs),
    shares: sites,
    groups,
  };
}

/** Returns the times of the newest reports by client. */
export function reportsOf(stored: readonly ClientStatus[]): ReadonlyMap<string, number | null> {
  return new Map(stored.map(({ client, lastReportAtMs }) => [client, lastReportAtMs]));
}

interface ReadGroupsOptions extends Pick<FleetStatusOptions, 'nowMs'>, Partial<Pick<FleetStatusOptions, 'only'>> {
  /** See reportsOf: also of reports that no pass has evaluated yet. */
  readonly newest: ReadonlyMap<string, number | null>;
}

/** Reads who serves now in the groups that need some of their members, of those with all members in `only`. */
export async function readGroups(
  config: Config,
  storage: Pick<FleetSources, 'evaluation' | 'fleet'> | null,
  { nowMs, only = null, newest }: ReadGroupsOptions,
): Promise<readonly GroupState[]> {
  const isMeant = ({ members }: NeedingGroup): boolean => only === null || members.every(({ name }) => only.has(name));
  if (!needingGroups(config).some(isMeant)) return [];
  const { groups } = await readEasing({ config, storage, nowMs, all: true, newest });
  return groups.groups.filter(isMeant).map((group) => groups.at(group, nowMs));
}

interface NewestRun {
  readonly program: Program;
  readonly storage: FleetSources | null;
  readonly byMs: number;
  /** The ids of collectors whose runs do not count. */
  readonly except: ReadonlySet<string>;
}

/**
 * Returns the newest run of a program that began by `byMs`. A wrong clock leaves runs in the future, which would hide
 * for years that nothing runs. The newest future run is returned only if the last week has no other run.
 */
async function newestRun({ program, storage, byMs, except }: NewestRun): Promise<RunFact | null> {
  const last = (await storage?.history.lastRun(program, except)) ?? null;
  if (storage === null || last === null || last.startedAtMs <= byMs) return last;
  const runs = await storage.fleet.runs(program, byMs - 7 * dayMs);
  const own = runs.filter(({ collectorId }) => !except.has(collectorId));
  return own.find(({ startedAtMs, outcome }) => startedAtMs <= byMs && outcome !== 'overlapped') ?? last;
}

/** Returns the newest full run of each site that forwards. */
export async function forwardedRuns(
  { clients }: Pick<Config, 'clients'>,
  fleet: Pick<FleetStore, 'lastRunOf'> | null,
): Promise<FleetStatus['forwarded']> {
  const runs = new Map<string, RunFact | null>();
  for (const site of forwardingSites(clients)) {
    runs.set(site, (await fleet?.lastRunOf(siteId(site))) ?? null);
  }
  return runs;
}

/** Returns the clients that left config.xml. An address that several clients share gives no namesake. */
function unlistedClients({ clients }: Config, stored: ReadonlyMap<string, ClientStatus>): readonly UnlistedClient[] {
  if (clients.filter(({ name }) => stored.has(name)).length === stored.size) return [];
  const listed = new Set(clients.map(({ name }) => name));
  const byAddress = groupBy(clients, ({ address }) => address);
  return [...stored.values()]
    .filter(({ client }) => !listed.has(client))
    .map(({ client, address, lastVisitAtMs }) => {
      const [namesake, ...others] = byAddress.get(address) ?? [];
      return { client, lastVisitAtMs, namesake: others.length > 0 ? null : (namesake?.name ?? null) };
    });
}

async function readAlerting(
  config: Config,
  storage: FleetSources | null,
  firing: readonly Alert[],
): Promise<AlertingStatus> {
  const now = (await storage?.nowMs()) ?? 0;
  const unsent = (await storage?.mails.undelivered()) ?? [];
  // A mail without an error is due, or is being sent just now.
  const undelivered = unsent.filter(({ error, failedAtMs }) => error !== null || failedAtMs !== null);
  return {
    firing: firing.length,
    critical: firing.filter(({ severity }) => severity === 'critical').length,
    ofFleet: firing.filter((alert) => !kindOf(alert).followsRows).length,
    undelivered: {
      mails: undelivered.length,
      refused: undelivered.filter(({ failedAtMs }) => failedAtMs !== null).length,
      queued: unsent.length - undelivered.length,
      oldestAtMs: undelivered[0]?.createdAtMs ?? null,
      lastError: undelivered.findLast(({ error }) => error !== null)?.error ?? null,
    },
    held: storage === null ? [] : await readHeldBack({ config, storage, nowMs: now }),
  };
}
