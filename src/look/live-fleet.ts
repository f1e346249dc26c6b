import { openMutes } from '../alerter/inhibit/mutes.ts';
import type { Config } from '../config/config.ts';
import type { FleetCount, FleetQuery, FleetView } from '../page/live/fleet-view.ts';
import type { PageAlert } from '../page/page.ts';
import { dayMs, hourMs } from '../platform/units.ts';
import type { Alert } from '../storage/store/alert.ts';
import type { Grid, LookStore } from '../storage/store/look-store.ts';
import type { Storage } from '../storage/store/storage.ts';
import { timeInWords } from '../text/time-words.ts';
import { sortAlerts } from './alert-views.ts';
import { type FleetMember, sortMembers, type Sorting } from './fleet-member.ts';
import { type FleetStatus, readFleetStatus } from './fleet-status.ts';
import { alertWords, pageClient, rulesByClient } from './page-rows.ts';
import { siteLines } from './site-lines.ts';

/** The fleet at one time. Pages of the fleet are made from a snapshot without reading all clients again. */
export interface FleetSnapshot {
  readonly config: Config;
  readonly nowMs: number;
  readonly status: FleetStatus;
  /** Open alerts, worst first. */
  readonly alerts: readonly PageAlert[];
  /** The requested views by query. All viewers of a run request the same ones. */
  readonly views: Map<string, Promise<FleetView>>;
}

/** The most clients of a page. */
export const linesOfPage = 200;
const mostAlerts = 12;
/** The most views of a snapshot that are kept. */
const mostViews = 16;
/** The step of sparklines: half hours of the last day. */
const stepMs = hourMs / 2;
/** With more rows than this, a sparkline shows one report of each half hour instead of their mean. */
const mostRows = 25_000;

export async function readSnapshot(
  config: Config,
  storage: Pick<Storage, 'alerts' | 'history' | 'levels' | 'shares'>,
): Promise<FleetSnapshot> {
  const { alerts: store } = storage;
  const nowMs = await store.nowMs();
  const status = await readFleetStatus(config, storage, { nowMs, only: null });
  const words = await wordsAt(config, store, nowMs);
  return { config, nowMs, status, alerts: sortAlerts(await store.openAlerts(null)).map(words), views: new Map() };
}

/** Returns a function that describes alerts in words, with their state at `nowMs`. */
export async function wordsAt(
  config: Config,
  store: Pick<Storage['alerts'], 'silences'>,
  nowMs: number,
): Promise<(alert: Alert) => PageAlert> {
  const silences = await store.silences(nowMs);
  return alertWords(config, rulesByClient(config), openMutes({ config, silences }), nowMs);
}

const sortings: readonly Sorting[] = ['name', 'report', 'cpu', 'memory', 'disk', 'alerts'];

/** Returns the view of the fleet for a query. Reads each view of a snapshot once. */
export function fleetViewOf(snapshot: FleetSnapshot, look: LookStore, asked: FleetQuery): Promise<FleetView> {
  const { views } = snapshot;
  const key = JSON.stringify(asked);
  const known = views.get(key);
  if (known !== undefined) return known;
  const read = readFleetView(snapshot, look, asked);
  if (views.size >= mostViews) views.clear();
  views.set(key, read);
  read.catch(() => views.delete(key));
  return read;
}

async function readFleetView(
  { config, nowMs, status, alerts }: FleetSnapshot,
  look: LookStore,
  asked: FleetQuery,
): Promise<FleetView> {
  const { query, counts, matching } = fleetPart(status.members, asked);
  const shown = matching.slice(query.from, query.from + linesOfPage);
  const grid = sparkGrid(nowMs, shown.length, config.collector.everyMs);
  const lines = await look.fleetLines(
    shown.map(({ client }) => client),
    grid,
  );
  const { zone } = config.alerts;
  return {
    zone,
    nowMs,
    query,
    counts,
    total: status.members.length,
    matching: matching.length,
    clients: shown.map((member) => {
      const line = lines.get(member.client) ?? { cpu: [], visits: 0, succeeded: 0 };
      const availability = line.visits === 0 ? null : line.succeeded / line.visits;
      return pageClient(member, availability, { spark: line.cpu, history: null });
    }),
    alerts: alerts.slice(0, mostAlerts),
    openAlerts: alerts.length,
    collectedAtMs: status.lastRun?.finishedAtMs ?? null,
    sites: siteLines(status, { nowMs, moment: (atMs) => timeInWords({ zone, nowMs }, atMs) }),
  };
}

/** The clients that a query matches, in the query's order, and the counts of all clients. */
export interface FleetPart {
  /** The query without unknown columns and states. */
  readonly query: FleetQuery;
  readonly counts: readonly FleetCount[];
  readonly matching: readonly FleetMember[];
}

/** Selects the matching members. `members` is sorted by urgency. */
export function fleetPart(members: readonly FleetMember[], asked: FleetQuery): FleetPart {
  const sort = sortings.find((one) => one === asked.sort);
  const state = kinds.find((kind) => kind.state === asked.state)?.state ?? '';
  const query: FleetQuery = { ...asked, sort: sort ?? '', state };
  const matching = members.filter(matcher(query));
  return {
    query,
    counts: kinds.map(({ is, ...kind }) => ({ ...kind, clients: members.filter(is).length })),
    matching: sort === undefined ? matching : sortMembers(matching, sort),
  };
}

interface Kind extends Omit<FleetCount, 'clients'> {
  readonly is: (member: FleetMember) => boolean;
}

/** The counted states of clients, most urgent first. */
const kinds: readonly Kind[] = [
  { state: 'critical', words: 'critical', is: ({ worstAlert }) => worstAlert === 'critical' },
  { state: 'warning', words: 'warning', is: ({ worstAlert }) => worstAlert === 'warning' },
  { state: 'failing', words: 'failing', is: ({ state }) => state === 'failing' },
  { state: 'late', words: 'late', is: ({ state }) => state === 'late' },
  { state: 'fine', words: 'well', is: ({ state, worstAlert }) => state === 'ok' && worstAlert === null },
  { state: 'new', words: 'not visited yet', is: ({ state }) => state === 'new' },
  { state: 'paused', words: 'paused or retired', is: ({ state }) => state === 'paused' || state === 'retired' },
];

function matcher({ words, state }: FleetQuery): (member: FleetMember) => boolean {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const kind = kinds.find((one) => one.state === state);
  return (member) => {
    if (kind !== undefined && !kind.is(member)) return false;
    if (wanted.length === 0) return true;
    const { client, address, known, worstAlert } = member;
    const texts = [client, address, known?.hostname, known?.os, member.state, worstAlert, known?.errorMessage];
    const text = texts.join(' ').toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
}

function sparkGrid(nowMs: number, clients: number, everyMs: number): Grid {
  const end = Math.ceil(nowMs / stepMs) * stepMs;
  const isLarge = (clients * dayMs) / everyMs > mostRows && everyMs < stepMs;
  return { sinceMs: end - dayMs, stepMs, points: dayMs / stepMs, untilMs: end, sampleMs: isLarge ? everyMs : null };
}
