import { servingText } from '../../alerter/explain/group-words.ts';
import { openMutes } from '../../alerter/inhibit/mutes.ts';
import type { Config } from '../../config/config.ts';
import { hasLabels, parseLabelSelector } from '../../config/values/labels.ts';
import { type StandNode, standTree } from '../../config/clients/stand-tree.ts';
import type { FleetRows, FleetView } from '../page/live/fleet-view.ts';
import type { FleetQuery } from '../page/live/links.ts';
import type { PageAlert, PageClient } from '../page/page.ts';
import { countedState, isCountedState, type StateCount, stateCounts } from '../page/state-counts.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { Grid, PlotStore } from '../../storage/store/look-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import type { StoredChange } from '../../storage/store/digest-store.ts';
import { changeWords } from '../../text/change-words.ts';
import { shortened } from '../../text/shortened.ts';
import { momentInWords, timeInWords } from '../../text/time-words.ts';
import { groupBy } from '../../platform/group-by.ts';
import { readEased, sortAlerts } from './alert-views.ts';
import { type FleetMember, sortMembers, type Sorting } from './fleet-member.ts';
import { type FleetStatus, type FleetSources, readFleetStatus } from './fleet-status.ts';
import { alertWords, pageClient } from './page-rows.ts';
import { reportGrid } from './report-grid.ts';
import { siteLines } from './site-lines.ts';

/** The fleet at one time. Pages of the fleet are made from a snapshot without reading all clients again. */
export interface FleetSnapshot {
  readonly config: Config;
  readonly nowMs: number;
  readonly status: FleetStatus;
  /** Open alerts, worst first. */
  readonly alerts: readonly PageAlert[];
  /** The changes of the last day, the newest first, and their number; no more than `maxChanges`. */
  readonly changes: readonly StoredChange[];
}

/** The most clients of a page. */
const linesOfPage = 200;
const maxAlerts = 12;
/** The most changes of the last day that are counted. */
const maxChanges = 1000;
/** The pieces of the bar of a client's last day. */
const pieces = 30;
/** The step of sparklines: half hours of the last day. */
const stepMs = hourMs / 2;
/** A shorter history has an axis of its own: it begins with the first report. */
export const shortMs: number = 6 * hourMs;
const sparkPoints = 48;
/** With more clients than this, a point of a short history is one report of its step. */
const maxWhole = 50;
/** With more rows than this, a sparkline shows one report of each half hour instead of their mean. */
const maxRows = 25_000;

export async function readSnapshot(
  config: Config,
  storage: FleetSources & Pick<Storage, 'changes'>,
): Promise<FleetSnapshot> {
  const nowMs = await storage.nowMs();
  const status = await readFleetStatus(config, storage, { nowMs, only: null });
  const words = await wordsAt(config, storage, nowMs);
  const changes = (await storage.changes.changes(null, nowMs - dayMs, maxChanges)).toReversed();
  return {
    config,
    nowMs,
    status,
    changes,
    alerts: sortAlerts(await storage.evaluation.openAlerts(null), nowMs).map(words),
  };
}

/** Returns a function that describes alerts in words, with their state at `nowMs`. */
export async function wordsAt(
  config: Config,
  storage: Pick<Storage, 'evaluation' | 'fleet' | 'operator'>,
  nowMs: number,
): Promise<(alert: Alert) => PageAlert> {
  const silences = await storage.operator.silences(nowMs);
  const easedOf = await readEased(config, storage, nowMs);
  return alertWords(config, openMutes({ config, silences }), nowMs, easedOf);
}

const sortings: readonly Sorting[] = ['name', 'report', 'cpu', 'memory', 'disk', 'alerts'];

/** Reads the view of the fleet for a query. */
export async function readFleetView(
  { config, nowMs, status, alerts, changes }: FleetSnapshot,
  plots: PlotStore,
  asked: FleetQuery,
): Promise<FleetView> {
  const { query, counts, matching } = fleetPart(status.members, asked);
  const { groups, unfolded } = groupedRows(matching, query);
  const shown = groups.flatMap(({ rows }) => rows);
  const grid = sparkGrid(nowMs, shown.length, config.collector.everyMs, await plots.firstReportMs(null));
  const pieceMs = dayMs / pieces;
  const day = { sinceMs: Math.floor((nowMs - dayMs) / 1000) * 1000, pieceMs, pieces };
  const lines = await plots.fleetLines(
    shown.map(({ client }) => client),
    grid,
    day,
  );
  const { zone } = config.alerts;
  const part = partOf({ alerts, trees: standTree(config) }, matching, query);
  const reader = { zone, nowMs };
  const times = Array.from({ length: pieces + 1 }, (_, piece) => momentInWords(reader, day.sinceMs + piece * pieceMs));
  const lineOf = (member: FleetMember): PageClient => {
    const line = lines.get(member.client) ?? { cpu: [], pieces: [], visits: 0, succeeded: 0 };
    const availability = line.visits === 0 ? null : line.succeeded / line.visits;
    const bar = line.pieces.map((piece, index) => ({
      ...(piece ?? { visits: 0, succeeded: 0 }),
      when: `${times[index] ?? ''} to ${times[index + 1] ?? ''}`,
    }));
    // A label of the whole fleet tells no client from another.
    const labels = Object.entries(member.labels).filter(([name, value]) => config.labels[name] !== value);
    return {
      ...pageClient(member, availability, { spark: line.cpu, history: null }, bar),
      labels: labels.map(([name, value]) => `${name}=${value}`),
    };
  };
  return {
    ...{ zone, nowMs, query, counts, unfolded },
    total: status.members.length,
    matching: matching.length,
    groups: groups.map(({ rows, ...group }) => ({
      ...group,
      serving: servingOf(status.groups, group.path),
      clients: rows.map(lineOf),
    })),
    alerts: part.alerts.slice(0, maxAlerts),
    openAlerts: part.alerts.length,
    allAlerts: alerts.length,
    evening: {
      hasClients: status.members.length > 0,
      hasRun: status.lastRun !== null || status.members.some(({ known }) => known !== null),
      hasPass: status.lastPass !== null,
    },
    collectedAtMs: status.collectedAtMs,
    sites: siteLines(status, { nowMs, moment: (atMs) => timeInWords(reader, atMs) }),
    changed: changedOf(changes),
    stands: part.trees,
  };
}

/** True if a query is about all clients, in whatever order. */
function isWhole({ words, state, group, label }: FleetQuery): boolean {
  return [words, state, group, label].every((one) => one === '');
}

/** The parts of a page that concern clients: the alerts about them and their groups, and the machines they stand on. */
interface FleetParts {
  readonly alerts: readonly PageAlert[];
  readonly trees: readonly StandNode[];
}

/** Returns what concerns the clients of a query: all of it for a query about all clients. */
function partOf({ alerts, trees }: FleetParts, matching: readonly FleetMember[], query: FleetQuery): FleetParts {
  if (isWhole(query)) return { alerts, trees };
  const clients = new Set(matching.map(({ client }) => client));
  const groups = new Set(matching.flatMap((member) => member.groups));
  const stands = ({ name, below }: StandNode): boolean => clients.has(name) || below.some(stands);
  return {
    alerts: alerts.filter((alert) => kindOf(alert).isShown(alert, { clients, groups, isWhole: false })),
    trees: trees.filter(stands),
  };
}

/** The changes that the line about the last day names. */
const namedChanges = 3;

function changedOf(changes: readonly StoredChange[]): FleetView['changed'] {
  const byWords = groupBy(changes, (change) => shortened(changeWords(change), 80));
  return {
    changes: changes.length,
    kinds: byWords.size,
    isMore: changes.length >= maxChanges,
    clients: new Set(changes.map(({ client }) => client)).size,
    newest: [...byWords].slice(0, namedChanges).map(([words, same]) => ({
      words,
      clients: [...new Set(same.map(({ client }) => client))],
    })),
  };
}

/** A group of a page: all of its matching members are counted, and those of the page are rows. */
interface GroupedRows extends Omit<FleetRows, 'clients' | 'serving'> {
  readonly rows: readonly FleetMember[];
}

/**
 * Returns the part of a page: members by their innermost group, the group of the worst member first, without the
 * members of folded groups. A list that is sorted, or that has no groups, is one group without a heading.
 */
function groupedRows(
  matching: readonly FleetMember[],
  { sort, from, folded }: FleetQuery,
): { readonly groups: readonly GroupedRows[]; readonly unfolded: number } {
  const hasGroups = sort === '' && matching.some(({ groups }) => groups.length > 0);
  if (!hasGroups) {
    const rows = matching.slice(from, from + linesOfPage);
    return { groups: [{ path: null, counts: [], total: 0, isFolded: false, rows }], unfolded: matching.length };
  }
  const to = from + linesOfPage;
  let at = 0;
  const groups: GroupedRows[] = [];
  const keyOf = ({ groups: [first = '', ...inner] }: FleetMember): string =>
    inner.length === 0 ? first : [first, ...inner].join('\0');
  for (const members of groupBy(matching, keyOf).values()) {
    const path = members[0]?.groups ?? [];
    const isFolded = folded.includes('*') || folded.includes(path.at(-1) ?? '');
    const [begin, size] = [at, isFolded ? 0 : members.length];
    at += size;
    const isHere = isFolded ? begin >= from && begin < to : begin < to && at > from;
    if (!isHere) continue;
    const rows = isFolded ? [] : members.slice(Math.max(0, from - begin), to - begin);
    groups.push({ path, counts: stateCounts(members.map(countedFacts)), total: members.length, isFolded, rows });
  }
  return { groups, unfolded: at };
}

/** Returns who serves of the group in need around a path of groups; null if none is in need. */
function servingOf(states: FleetStatus['groups'], path: readonly string[] | null): FleetRows['serving'] {
  const found = states.find(({ group }) => path?.includes(group.need.name) === true);
  return found === undefined ? null : { words: servingText(found), state: found.state };
}

/** The clients that a query matches, in the query's order, and the counts of all clients. */
interface FleetPart {
  /** The query without unknown columns and states. */
  readonly query: FleetQuery;
  readonly counts: readonly StateCount[];
  readonly matching: readonly FleetMember[];
}

/** Selects the matching members. `members` is sorted by urgency. */
export function fleetPart(members: readonly FleetMember[], asked: FleetQuery): FleetPart {
  const sort = sortings.find((one) => one === asked.sort);
  const query: FleetQuery = { ...asked, sort: sort ?? '', state: isCountedState(asked.state) ? asked.state : '' };
  const matching = members.filter(matcher(query));
  return {
    query,
    counts: stateCounts(members.map(countedFacts)),
    matching: sort === undefined ? matching : sortMembers(matching, sort),
  };
}

/** Returns the facts by which a member is counted. */
function countedFacts({ state, worstAlert }: FleetMember): Parameters<typeof countedState>[0] {
  return { state, worst: worstAlert };
}

function matcher({ words, state, group, label }: FleetQuery): (member: FleetMember) => boolean {
  const labels = label === '' ? [] : parseLabelSelector(label);
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return (member) => {
    if (group !== '' && !member.groups.includes(group)) return false;
    if (labels !== null && !hasLabels(member.labels, labels)) return false;
    if (state !== '' && countedState(countedFacts(member)) !== state) return false;
    if (wanted.length === 0) return true;
    const { client, address, known, worstAlert, groups } = member;
    const texts = [
      client,
      address,
      known?.hostname,
      known?.os,
      member.state,
      worstAlert,
      known?.errorMessage,
      ...groups,
    ];
    const text = texts.join(' ').toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
}

function sparkGrid(nowMs: number, clients: number, everyMs: number, firstMs: number | null): Grid {
  if (firstMs !== null && nowMs - firstMs < shortMs) {
    const grid = reportGrid(firstMs, nowMs, everyMs, clients, sparkPoints);
    return { ...grid, sampleMs: clients > maxWhole && grid.stepMs > everyMs ? everyMs : null };
  }
  const end = Math.ceil(nowMs / stepMs) * stepMs;
  const isLarge = (clients * dayMs) / everyMs > maxRows && everyMs < stepMs;
  return { sinceMs: end - dayMs, stepMs, points: dayMs / stepMs, untilMs: end, sampleMs: isLarge ? everyMs : null };
}
