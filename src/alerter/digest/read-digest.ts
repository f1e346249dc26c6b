import type { AboutKey } from '../../about/about.ts';
import type { Client, Config, DigestConfig } from '../../config/config.ts';
import { globMatcher } from '../../config/values/globs.ts';
import { areLasting } from '../outliers/lasting.ts';
import { fleetOutliers, type FleetOutliers } from '../outliers/outliers.ts';
import type { GroupState } from '../inhibit/group-states.ts';
import { readEasing } from '../inhibit/read-easing.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type {
  AlertSpan,
  InventoryChange,
  KnownClient,
  PendingWork,
  RunTotals,
  StoredChange,
} from '../../storage/store/digest-store.ts';
import type { StoredForecast } from '../../storage/store/level-store.ts';
import type { MailSummary } from '../../storage/store/outbox-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import type { DigestSpan } from './due-digests.ts';

/** The most alerts of a span that are counted one by one. */
const maxSpans = 50_000;
/** The most inventories that are compared in full. */
const maxInventories = 2_000;
/** The most changes of states that are folded. */
const maxChanges = 50_000;

/** A forecast that no pass has renewed within this time is ignored. */
const staleForecastMs = 2 * dayMs;

/** The facts that a digest sums up. */
export interface DigestFacts extends DigestSpan {
  readonly digest: DigestConfig;
  /** The clients of the digest that are visited. */
  readonly clients: readonly Client[];
  /** Alerts that fire. */
  readonly open: readonly Alert[];
  /** The critical ones that are told as warnings, because their groups have enough without them. */
  readonly eased: ReadonlySet<Alert>;
  /** Who serves in the groups that need some of their members, and of which one does not serve for certain. */
  readonly groups: readonly GroupState[];
  /** Alerts that fired at some time of the span. */
  readonly spans: readonly AlertSpan[];
  /** True if there were more alerts. */
  readonly moreSpans: boolean;
  /** Runs over the whole fleet; empty for a digest of groups. */
  readonly runs: readonly RunTotals[];
  /** Clients whose first visit was in the span, and those that left config.xml in it. */
  readonly joined: readonly string[];
  readonly left: readonly string[];
  readonly inventories: readonly InventoryChange[];
  /** The newest changes of states, oldest first. */
  readonly changes: readonly StoredChange[];
  /** True if there were more changes. */
  readonly moreChanges: boolean;
  readonly pending: readonly PendingWork[];
  /** Mails that were tried and not accepted. Empty for a digest of groups. */
  readonly undelivered: readonly MailSummary[];
  readonly databaseBytes: number | null;
  /** File systems that are foreseen to be full. */
  readonly forecasts: readonly StoredForecast[];
  readonly outliers: Pick<FleetOutliers, 'figures' | 'kinds'>;
  /** True unless all figures of `outliers` were outliers before the span too. Kinds change with inventories. */
  readonly newOutliers: boolean;
}

/** A fact of a client; of a group, if it is the alert of one; or of the fleet. */
type OwnedFact = Partial<AboutKey> & Pick<AboutKey, 'client'>;

export type DigestStorage = Pick<
  Storage,
  'evaluation' | 'mails' | 'digest' | 'exports' | 'figures' | 'fleet' | 'levels' | 'changes'
>;

/** Reads the facts of a digest. Returns null if no client was known yet when the digest was due. */
export async function readDigest(
  config: Config,
  { evaluation, mails, digest: store, exports, figures, fleet, levels, changes: changeStore }: DigestStorage,
  digest: DigestConfig,
  span: DigestSpan,
): Promise<DigestFacts | null> {
  const { sinceMs, untilMs, madeMs = untilMs } = span;
  const clients = clientsOf(config, digest);
  const names = new Set(clients.map(({ name }) => name));
  const isWhole = digest.groups.length === 0;
  const ofOurs = new Set(clients.flatMap(({ groups }) => groups));
  const shown = { clients: names, groups: ofOurs, isWhole };
  const isOurs = ({ about = 'client', client, rule = '', subject = '' }: OwnedFact): boolean =>
    kindOf({ about }).isShown({ client, rule, subject }, shown);
  const seen = await store.knownClients();
  const dueMs = span.lateSinceMs ?? untilMs;
  if (clients.length > 0 && !seen.some(({ firstSeenMs }) => firstSeenMs < dueMs)) return null;
  const spans = await store.alertSpans(sinceMs, untilMs, maxSpans);
  const changes = await changeStore.changes(isWhole ? null : [...names], sinceMs, maxChanges);
  const outliers = await outliersOf(config, figures, names, madeMs);
  const lasting = { exports, beforeMs: sinceMs, everyMs: config.collector.everyMs };
  const undelivered = isWhole ? await mails.undelivered() : [];
  const open = (await evaluation.openAlerts(null)).filter((alert) => alert.state === 'firing' && isOurs(alert));
  const easing = await readEasing({ config, storage: { evaluation, fleet }, nowMs: madeMs, all: true });
  const groups = easing.groups.groups.map((group) => easing.groups.at(group, madeMs));
  return {
    ...span,
    digest,
    clients,
    open,
    eased: new Set(open.filter((alert) => easing.standingOf(alert)?.kind === 'eased')),
    groups: groups.filter(
      ({ group: { need, members }, serving }) => serving < members.length && (isWhole || ofOurs.has(need.name)),
    ),
    spans: spans.filter(isOurs),
    moreSpans: spans.length === maxSpans,
    runs: isWhole ? await store.runTotals(sinceMs, untilMs) : [],
    ...arrivals(config, seen, { isWhole, names, sinceMs, untilMs }),
    inventories: (await store.inventoryChanges(sinceMs, untilMs, maxInventories)).filter(isOurs),
    changes: changes.filter((change) => isOurs(change) && change.latestAtMs < untilMs),
    moreChanges: changes.length === maxChanges,
    pending: (await store.pendingWork()).filter(isOurs),
    undelivered: undelivered.filter(({ error }) => error !== null),
    databaseBytes: isWhole ? await store.databaseBytes() : null,
    outliers,
    newOutliers: !(await areLasting(outliers.figures, lasting)),
    forecasts: (await levels.forecasts([...names])).filter(({ asOfMs }) => Math.abs(madeMs - asOfMs) < staleForecastMs),
  };
}

/** Returns the outliers among some clients, which are compared with all of their groups. */
async function outliersOf(
  config: Config,
  figures: DigestStorage['figures'],
  names: ReadonlySet<string>,
  nowMs: number,
): Promise<DigestFacts['outliers']> {
  const all = await fleetOutliers({ config, figures, groups: null, nowMs });
  return {
    figures: all.figures.filter(({ client }) => names.has(client)),
    kinds: all.kinds.filter(({ clients }) => clients.some((client) => names.has(client))),
  };
}

/** Returns the clients of a digest that are visited. */
export function clientsOf({ clients }: Pick<Config, 'clients'>, { groups }: DigestConfig): readonly Client[] {
  const active = clients.filter(({ state }) => state === 'active');
  if (groups.length === 0) return active;
  const matches = globMatcher(groups.join(','));
  return active.filter((client) => client.groups.some(matches));
}

interface ArrivalOptions {
  readonly isWhole: boolean;
  readonly names: ReadonlySet<string>;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/**
 * Returns the clients that joined, and those that left: not in config.xml, and without a visit for some time that ended
 * in the span.
 */
function arrivals(
  config: Config,
  seen: readonly KnownClient[],
  { isWhole, names, sinceMs, untilMs }: ArrivalOptions,
): Pick<DigestFacts, 'joined' | 'left'> {
  const isWithin = (atMs: number | null): boolean => atMs !== null && atMs >= sinceMs && atMs < untilMs;
  const restingMs = Math.max(hourMs, 3 * config.collector.everyMs);
  const known = new Set(config.clients.map(({ name }) => name));
  const isNew = seen.some(({ firstSeenMs }) => firstSeenMs < sinceMs);
  return {
    joined: seen.flatMap(({ name, firstSeenMs }) => (isNew && names.has(name) && isWithin(firstSeenMs) ? [name] : [])),
    left: seen.flatMap(({ name, lastVisitAtMs }) =>
      isWhole && !known.has(name) && lastVisitAtMs !== null && isWithin(lastVisitAtMs + restingMs) ? [name] : [],
    ),
  };
}
