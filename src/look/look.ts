/**
 * The fleet as config.xml and the database have it, for people to look at: in a report, on the page, and in `status`.
 * Everything here only reads. `src/page` renders it.
 */
import { openMutes } from '../alerter/inhibit/mutes.ts';
import { globMatcher } from '../config/values/globs.ts';
import type { Config } from '../config/config.ts';
import type { FleetPage, PageClient, PageSilence, PageSpan } from '../page/page.ts';
import { groupBy } from '../platform/group-by.ts';
import type { LookStore, RunSpan } from '../storage/store/look-store.ts';
import type { Silence } from '../storage/store/operator-store.ts';
import type { AlertStore } from '../storage/store/storage.ts';
import { sortAlerts } from './alert-views.ts';
import { type FleetMember, sortMembers } from './fleet-member.ts';
import { readHistories } from './histories.ts';
import { alertWords, pageClient, rulesByClient } from './page-rows.ts';
import { reportGrid } from './report-grid.ts';

const mostAlerts = 5000;
const sampled = 'A point is one report of its time, not the mean of all: there are too many rows.';
/** A collector that is this many runs late was silent. */
const lateRuns = 3;

export interface FleetPageOptions {
  readonly config: Config;
  readonly alerts: Pick<AlertStore, 'silences'>;
  readonly look: LookStore;
  /** The clients to show, with their state at `untilMs`. */
  readonly members: readonly FleetMember[];
  /** True if the page is of the whole fleet: alerts about it are shown too. */
  readonly isWhole: boolean;
  readonly title: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The most bytes that the histories may take. */
  readonly historyBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
}

/** Reads what a report shows. The same database, configuration and span give the same page. */
export async function readFleetPage(options: FleetPageOptions): Promise<FleetPage> {
  const { config, alerts: store, look, isWhole, title, sinceMs, untilMs } = options;
  const shown = new Set(options.members.map(({ client }) => client));
  const stored = (await look.alertsBetween(sinceMs, untilMs, mostAlerts)).filter(
    ({ client }) => shown.has(client) || (isWhole && client === ''),
  );
  const silences = await store.silences(sinceMs);
  const rulesOf = rulesByClient(config);
  const words = alertWords(config, rulesOf, openMutes({ config, silences }), untilMs);
  const alertsOf = groupBy(stored, ({ client }) => client);
  const members = sortMembers(options.members, 'urgency');
  const grid = reportGrid(sinceMs, untilMs, config.collector.everyMs, members.length);
  const { plots, omissions } = await readHistories({
    ...options,
    clients: members.map(({ client }) => ({
      client,
      rules: rulesOf.get(client) ?? [],
      alerts: alertsOf.get(client) ?? [],
    })),
    grid,
  });
  const clients: PageClient[] = [];
  for (const [index, member] of members.entries()) {
    const visits = await look.visitCount(member.client, sinceMs, untilMs);
    const availability = visits === null ? null : visits.succeeded / visits.visits;
    clients.push(pageClient(member, availability, plots[index] ?? { spark: [], history: null, cpus: null }));
  }
  return {
    title,
    zone: config.alerts.zone,
    sinceMs,
    untilMs,
    clients,
    alerts: sortAlerts(stored, untilMs)
      .filter(({ resolvedAtMs }) => resolvedAtMs === null || resolvedAtMs > untilMs)
      .map(words),
    history: stored.map(words),
    silences: silences
      .filter(({ startsAtMs }) => startsAtMs < untilMs)
      .flatMap((silence) => silencesOf(silence, shown)),
    gaps: gapsBetween(await look.runsBetween('collect', sinceMs, untilMs), options),
    omissions: [...(grid.sampleMs === null ? [] : [sampled]), ...omissions],
  };
}

function silencesOf({ client, startsAtMs, endsAtMs }: Silence, shown: ReadonlySet<string>): readonly PageSilence[] {
  const matches = globMatcher(client);
  return [...shown].filter(matches).map((name) => ({ client: name, fromMs: startsAtMs, toMs: endsAtMs }));
}

/** Returns the spans after its first run in which no run of the collector began, although some were due. */
function gapsBetween(
  runs: readonly RunSpan[],
  { sinceMs, untilMs, config }: Pick<FleetPageOptions, 'sinceMs' | 'untilMs' | 'config'>,
): readonly PageSpan[] {
  const allowedMs = lateRuns * config.collector.everyMs;
  const ends = runs.map(({ startedAtMs, finishedAtMs }) => finishedAtMs ?? startedAtMs);
  const starts = [...runs.map(({ startedAtMs }) => startedAtMs), untilMs];
  return starts.slice(1).flatMap((toMs, index) => {
    const endedAtMs = Math.max(...ends.slice(Math.max(0, index - 4), index + 1));
    return toMs - endedAtMs > allowedMs ? [{ fromMs: Math.max(sinceMs, endedAtMs), toMs }] : [];
  });
}
