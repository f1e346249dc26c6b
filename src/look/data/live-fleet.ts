import { openMutes } from '../../alerter/inhibit/mutes.ts';
import type { Config } from '../../config/config.ts';
import type { FleetQuery, FleetView } from '../page/live/fleet-view.ts';
import type { PageAlert } from '../page/page.ts';
import { countedState, isCountedState, type StateCount, stateCounts } from '../page/state-counts.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { Grid, PlotStore } from '../../storage/store/look-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { timeInWords } from '../../text/time-words.ts';
import { sortAlerts } from './alert-views.ts';
import { type FleetMember, sortMembers, type Sorting } from './fleet-member.ts';
import { type FleetStatus, type FleetSources, readFleetStatus } from './fleet-status.ts';
import { alertWords, pageClient, rulesByClient } from './page-rows.ts';
import { reportGrid } from './report-grid.ts';
import { siteLines } from './site-lines.ts';

/** The fleet at one time. Pages of the fleet are made from a snapshot without reading all clients again. */
export interface FleetSnapshot {
  readonly config: Config;
  readonly nowMs: number;
  readonly status: FleetStatus;
  /** Open alerts, worst first. */
  readonly alerts: readonly PageAlert[];
}

/** The most clients of a page. */
const linesOfPage = 200;
const maxAlerts = 12;
/** The step of sparklines: half hours of the last day. */
const stepMs = hourMs / 2;
/** A shorter history has an axis of its own: it begins with the first report. */
export const shortMs: number = 6 * hourMs;
const sparkPoints = 48;
/** With more rows than this, a sparkline shows one report of each half hour instead of their mean. */
const maxRows = 25_000;

export async function readSnapshot(config: Config, storage: FleetSources): Promise<FleetSnapshot> {
  const nowMs = await storage.nowMs();
  const status = await readFleetStatus(config, storage, { nowMs, only: null });
  const words = await wordsAt(config, storage, nowMs);
  return { config, nowMs, status, alerts: sortAlerts(await storage.evaluation.openAlerts(null)).map(words) };
}

/** Returns a function that describes alerts in words, with their state at `nowMs`. */
export async function wordsAt(
  config: Config,
  storage: Pick<Storage, 'operator'>,
  nowMs: number,
): Promise<(alert: Alert) => PageAlert> {
  const silences = await storage.operator.silences(nowMs);
  return alertWords(config, rulesByClient(config), openMutes({ config, silences }), nowMs);
}

const sortings: readonly Sorting[] = ['name', 'report', 'cpu', 'memory', 'disk', 'alerts'];

/** Reads the view of the fleet for a query. */
export async function readFleetView(
  { config, nowMs, status, alerts }: FleetSnapshot,
  plots: PlotStore,
  asked: FleetQuery,
): Promise<FleetView> {
  const { query, counts, matching } = fleetPart(status.members, asked);
  const shown = matching.slice(query.from, query.from + linesOfPage);
  const grid = sparkGrid(nowMs, shown.length, config.collector.everyMs, await plots.firstReportMs(null));
  const lines = await plots.fleetLines(
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
    alerts: alerts.slice(0, maxAlerts),
    openAlerts: alerts.length,
    evening: {
      hasClients: status.members.length > 0,
      hasRun: status.lastRun !== null || status.members.some(({ known }) => known !== null),
      hasPass: status.lastPass !== null,
    },
    collectedAtMs: status.lastRun?.finishedAtMs ?? null,
    sites: siteLines(status, { nowMs, moment: (atMs) => timeInWords({ zone, nowMs }, atMs) }),
  };
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

function matcher({ words, state }: FleetQuery): (member: FleetMember) => boolean {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return (member) => {
    if (state !== '' && countedState(countedFacts(member)) !== state) return false;
    if (wanted.length === 0) return true;
    const { client, address, known, worstAlert } = member;
    const texts = [client, address, known?.hostname, known?.os, member.state, worstAlert, known?.errorMessage];
    const text = texts.join(' ').toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
}

function sparkGrid(nowMs: number, clients: number, everyMs: number, firstMs: number | null): Grid {
  if (firstMs !== null && nowMs - firstMs < shortMs) return reportGrid(firstMs, nowMs, everyMs, clients, sparkPoints);
  const end = Math.ceil(nowMs / stepMs) * stepMs;
  const isLarge = (clients * dayMs) / everyMs > maxRows && everyMs < stepMs;
  return { sinceMs: end - dayMs, stepMs, points: dayMs / stepMs, untilMs: end, sampleMs: isLarge ? everyMs : null };
}
