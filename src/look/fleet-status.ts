import { ruleLimits } from '../alerter/evaluate/rule-limits.ts';
import { type HeldBack, readHeldBack } from '../alerter/inhibit/held-back.ts';
import type { Client, Config, Rule, Severity } from '../config/config.ts';
import { groupBy } from '../platform/group-by.ts';
import type { Alert } from '../storage/store/alert.ts';
import type { SealedSummary } from '../storage/store/sealed-store.ts';
import type { RunFact } from '../storage/store/run.ts';
import type { AlertStore, ClientStatus, History } from '../storage/store/storage.ts';

/** `late`: no report in three times `every`; `new`: never visited; `paused`, `retired`: so it stands in config.xml. */
export type ClientState = 'ok' | 'late' | 'failing' | 'new' | 'paused' | 'retired';

/** A line of `status`: a client of config.xml and what the database knows of it. */
export interface FleetMember {
  readonly client: string;
  readonly address: string;
  readonly state: ClientState;
  readonly known: ClientStatus | null;
  /** The age of the newest observation; null without a report. */
  readonly reportAgeMs: number | null;
  readonly openAlerts: number;
  /** The worst severity of the alerts that fire. */
  readonly worstAlert: Severity | null;
  /** Limits of config.xml that the newest values have reached. */
  readonly beyond: { readonly cpu: Severity | null; readonly memory: Severity | null; readonly disk: Severity | null };
}

export interface UnlistedClient {
  readonly client: string;
  readonly lastVisitAtMs: number | null;
  /** The client of config.xml with its address, which may be the same machine under a new name. */
  readonly namesake: string | null;
}

export interface FleetStatus {
  /** Sorted by urgency, then by name. */
  readonly members: readonly FleetMember[];
  /** Clients that the database knows and config.xml does not. */
  readonly unlisted: readonly UnlistedClient[];
  readonly lastRun: RunFact | null;
  readonly lastPass: RunFact | null;
  readonly alerting: AlertingStatus;
  /** Reports that wait sealed for `ingest`. */
  readonly sealed: readonly SealedSummary[];
  readonly lastIngest: RunFact | null;
}

/** The alerts that fire, the mails that wait, and the silences and windows in force. */
export interface AlertingStatus {
  readonly firing: number;
  readonly critical: number;
  /** The alerts about the fleet as a whole. */
  readonly ofFleet: number;
  readonly undelivered: {
    /** Tried and not taken, or refused for good. */
    readonly mails: number;
    readonly refused: number;
    /** Not tried yet. */
    readonly queued: number;
    readonly oldestAtMs: number | null;
    /** The error of the newest undelivered mail that has one. */
    readonly lastError: string | null;
  };
  /** Silences and windows in force. */
  readonly held: readonly HeldBack[];
}

/** The part of the database that is read; `alerts` is null before the first run. */
export interface FleetSources {
  readonly history: History;
  readonly alerts: AlertStore | null;
}

export interface FleetStatusOptions {
  readonly nowMs: number;
  /**
   * The clients whose state and alerts are read; null: those of the whole fleet, and the alerts about the fleet itself.
   */
  readonly only: ReadonlySet<string> | null;
}

/** Reads the state of the clients from config.xml and the database. */
export async function readFleetStatus(
  config: Config,
  { history, alerts }: FleetSources,
  { nowMs, only }: FleetStatusOptions,
): Promise<FleetStatus> {
  const stored = new Map((await history.clients()).map((status) => [status.client, status]));
  const open = (await alerts?.openAlerts(null)) ?? [];
  const isAsked = (client: string): boolean => only?.has(client) ?? true;
  const firing = open.filter(({ state, client }) => state === 'firing' && isAsked(client));
  const firingOf = groupBy(firing, (alert) => alert.client);
  const members = config.clients
    .filter(({ name }) => isAsked(name))
    .map((client) => {
      const known = stored.get(client.name) ?? null;
      const observedAtMs = known?.observedAtMs ?? null;
      return {
        client: client.name,
        address: client.address,
        state: stateOf(client, known, nowMs, config.collector.everyMs),
        known,
        reportAgeMs: observedAtMs === null ? null : Math.max(0, nowMs - observedAtMs),
        openAlerts: firingOf.get(client.name)?.length ?? 0,
        worstAlert: worstOf(firingOf.get(client.name) ?? []),
        beyond: {
          cpu: beyondLimit(client.rules, 'cpu', known?.cpuPercent ?? null),
          memory: beyondLimit(client.rules, 'memory', known?.memoryPercent ?? null),
          disk: beyondLimit(client.rules, 'disk', known?.diskPercent ?? null),
        },
      };
    });
  return {
    members: sortMembers(members, 'urgency'),
    unlisted: unlistedClients(config, [...stored.values()]),
    lastRun: await history.lastRun('collect'),
    lastPass: await history.lastRun('alert'),
    alerting: await readAlerting(config, alerts, firing),
    sealed: (await alerts?.sealedWaiting()) ?? [],
    lastIngest: await history.lastRun('ingest'),
  };
}

/** Returns the clients that left config.xml. An address that several clients share gives no hint at a new name. */
function unlistedClients({ clients }: Config, stored: readonly ClientStatus[]): readonly UnlistedClient[] {
  const listed = new Set(clients.map(({ name }) => name));
  const byAddress = groupBy(clients, ({ address }) => address);
  return stored
    .filter(({ client }) => !listed.has(client))
    .map(({ client, address, lastVisitAtMs }) => {
      const [namesake, ...others] = byAddress.get(address) ?? [];
      return { client, lastVisitAtMs, namesake: others.length > 0 ? null : (namesake?.name ?? null) };
    });
}

async function readAlerting(
  config: Config,
  alerts: AlertStore | null,
  firing: readonly Alert[],
): Promise<AlertingStatus> {
  const now = (await alerts?.nowMs()) ?? 0;
  const unsent = (await alerts?.undelivered()) ?? [];
  // A mail without a fault is due, or being sent just now.
  const undelivered = unsent.filter(({ error, failedAtMs }) => error !== null || failedAtMs !== null);
  return {
    firing: firing.length,
    critical: firing.filter(({ severity }) => severity === 'critical').length,
    ofFleet: firing.filter(({ client }) => client === '').length,
    undelivered: {
      mails: undelivered.length,
      refused: undelivered.filter(({ failedAtMs }) => failedAtMs !== null).length,
      queued: unsent.length - undelivered.length,
      oldestAtMs: undelivered[0]?.createdAtMs ?? null,
      lastError: undelivered.findLast(({ error }) => error !== null)?.error ?? null,
    },
    held: alerts === null ? [] : await readHeldBack({ config, store: alerts, nowMs: now }),
  };
}

function worstOf(firing: readonly Alert[]): Severity | null {
  if (firing.length === 0) return null;
  return firing.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning';
}

function stateOf(client: Client, known: ClientStatus | null, nowMs: number, everyMs: number): ClientState {
  if (client.state !== 'active') return client.state;
  if (known === null || known.lastVisitAtMs === null) return 'new';
  if (known.consecutiveFailures > 0) return 'failing';
  return known.lastReportAtMs === null || nowMs - known.lastReportAtMs > 3 * everyMs ? 'late' : 'ok';
}

/**
 * Returns the severity of the limit that a value has reached now, however long ago, or null. Looks at the first rule of
 * the type without selectors, as the value is the whole client's.
 */
export function beyondLimit(rules: readonly Rule[], type: string, value: number | null): Severity | null {
  if (value === null) return null;
  const rule = rules.find((candidate) => candidate.type === type && Object.keys(candidate.selectors).length === 0);
  if (rule === undefined || rule.freeBytes !== null) return null;
  const level = ruleLimits(rule).levelOf(value);
  return level === 'none' ? null : level;
}

const byName = new Intl.Collator('en', { numeric: true }).compare;

/** The values of `--sort`. Values are sorted greatest first, unknown ones last. */
export type Sorting = 'urgency' | 'name' | 'report' | 'cpu' | 'memory' | 'disk' | 'alerts';

const valueOf: Readonly<Record<Exclude<Sorting, 'name'>, (member: FleetMember) => number | null>> = {
  urgency,
  report: ({ reportAgeMs }) => reportAgeMs,
  cpu: ({ known }) => known?.cpuPercent ?? null,
  memory: ({ known }) => known?.memoryPercent ?? null,
  disk: ({ known }) => known?.diskPercent ?? null,
  alerts: ({ openAlerts }) => openAlerts,
};

/** Sorts by one value, then by name. */
export function sortMembers(members: readonly FleetMember[], by: Sorting): readonly FleetMember[] {
  const value = by === 'name' ? () => 0 : valueOf[by];
  const rank = (member: FleetMember): number => value(member) ?? -Infinity;
  return [...members].sort((one, other) => {
    const [left, right] = [rank(one), rank(other)];
    return left === right ? byName(one.client, other.client) : right - left;
  });
}

function urgency(member: FleetMember): number {
  if (member.state === 'retired') return 0;
  if (member.state === 'paused') return 1;
  if (member.state === 'failing') return 6;
  if (member.state === 'late') return 5;
  if (member.state === 'new') return 4;
  return member.openAlerts > 0 || Object.values(member.beyond).some((severity) => severity !== null) ? 3 : 2;
}
