import { hostname } from 'node:os';

import { kindOf } from '../../../about/kinds.ts';
import type { Config } from '../../../config/config.ts';
import { readAlertDetail } from '../../data/alert-detail.ts';
import { pastAlerts, sortAlerts } from '../../data/alert-views.ts';
import { readClientHistory } from '../../data/client-history.ts';
import { type ClientChanges, readChangeTimes, readClientChanges } from '../../data/client-changes.ts';
import { readClientDetail } from '../../data/client-detail.ts';
import { clientFacts, endedAlerts } from '../../data/client-facts.ts';
import { pageCheck } from '../../data/client-checks.ts';
import { pageLogLine } from '../../data/client-logs.ts';
import { forwardedRuns } from '../../data/fleet-status.ts';
import { type FleetSnapshot, readFleetView, shortMs, wordsAt } from '../../data/live-fleet.ts';
import { pageClient, pageForecast } from '../../data/page-rows.ts';
import { pageEvents } from '../../data/newest-events.ts';
import { reportGrid } from '../../data/report-grid.ts';
import { siteLines } from '../../data/site-lines.ts';
import { type ClientHistory, encodeHistory } from '../../page/encode-series.ts';
import { alertsView, alertView } from '../../page/live/alert-views.ts';
import { clientView } from '../../page/live/client-view.ts';
import { firstSteps } from '../../page/live/first-steps.ts';
import { fleetLead, fleetView } from '../../page/live/fleet-view.ts';
import type { FleetQuery } from '../../page/live/links.ts';
import { eventsPath, type LiveDocument } from '../../page/live/live-document.ts';
import { eventsView, type EventsView } from '../../page/live/events-view.ts';
import { runsView } from '../../page/live/runs-view.ts';
import type { CommandWords } from '../../page/page.ts';
import { rememberedWeakly } from '../../../platform/remembered.ts';
import { dayMs, hourMs } from '../../../platform/units.ts';
import { readShares } from '../../../storage/read-shares.ts';
import type { Alert } from '../../../storage/store/alert.ts';
import type { Storage } from '../../../storage/store/storage.ts';
import { momentInWords, timeInWords, type TimeReader } from '../../../text/time-words.ts';
import type { Documents } from './documents.ts';
import { type FleetReader, NothingStored } from '../fleet-reader.ts';
import { NotFound } from '../look-answer.ts';

const endedForMs = 7 * dayMs;
const maxEnded = 500;
const maxRuns = 100;

/** The most pages of a snapshot that are kept. */
const maxKept = 16;

/** The pages of a snapshot by query, while the snapshot is used. All viewers of a run request the same ones. */
const pagesOf = rememberedWeakly((_snapshot: FleetSnapshot) => new Map<string, Promise<LiveDocument>>());

/** Returns the page of the fleet, or of the next steps before the first run. Made once for each query of a snapshot. */
export async function fleetPage(
  reader: FleetReader,
  query: FleetQuery,
  { zone, title }: { readonly zone: string | null; readonly title: string },
): Promise<LiveDocument> {
  try {
    return await storedFleetPage(reader, query);
  } catch (thrown) {
    if (!(thrown instanceof NothingStored)) throw thrown;
    const body = firstSteps({ hasClients: reader.hasClients, hasRun: false, hasPass: false });
    return { title: [title], path: '/', body, zone };
  }
}

async function storedFleetPage(reader: FleetReader, query: FleetQuery): Promise<LiveDocument> {
  const snapshot = await reader.snapshot();
  return reader.read(async (storage) => {
    // A recent snapshot does not show that the database has failed since.
    await storage.nowMs();
    const pages = pagesOf(snapshot);
    const key = JSON.stringify(query);
    const known = pages.get(key);
    if (known !== undefined) return known;
    const made = readFleetView(snapshot, storage.plots, query).then((view) => {
      const title = [snapshot.config.serve?.title ?? hostname()];
      return { title, path: '/', lead: fleetLead(view), body: fleetView(view), zone: view.zone };
    });
    if (pages.size >= maxKept) pages.clear();
    pages.set(key, made);
    made.catch(() => pages.delete(key));
    return made;
  });
}

/** Reads a page from the database, with the present in the zone of its readers. */
function readPage(
  reader: FleetReader,
  read: (storage: Storage, config: Config, now: TimeReader) => Promise<Omit<LiveDocument, 'zone'>>,
): Promise<LiveDocument> {
  return reader.read(async (storage, config) => {
    const { zone } = config.alerts;
    return { ...(await read(storage, config, { zone, nowMs: await storage.nowMs() })), zone };
  });
}

/** Returns the page of the open alerts and of those that ended a short time ago. */
export async function alertsPage(reader: FleetReader): Promise<LiveDocument> {
  const { alerts: open } = await reader.snapshot();
  return readPage(reader, async (storage, _config, now) => {
    const ended = (await storage.records.alertsBetween(now.nowMs - endedForMs, now.nowMs, maxEnded))
      .filter(({ resolvedAtMs }) => resolvedAtMs !== null)
      .sort((one, other) => (other.resolvedAtMs ?? 0) - (one.resolvedAtMs ?? 0));
    const head = { id: 'ended', title: 'Ended in the last seven days', about: null } as const;
    const past = pastAlerts(ended, now, { ...head, beside: ['Client', 'Alert'] });
    return { title: ['Alerts'], path: '/alerts', body: alertsView({ ...now, open, ended: past }) };
  });
}

/** Returns the page of an alert, if wanted with the button that acknowledges it. Throws NotFound. */
export async function alertPage(
  reader: FleetReader,
  documents: Documents,
  { id, mayAcknowledge }: { readonly id: number; readonly mayAcknowledge: boolean },
): Promise<LiveDocument> {
  return readPage(reader, async (storage, config, now) => {
    const alert = await storage.records.alert(id);
    if (alert === null) throw new NotFound();
    const words = await wordsAt(config, storage, now.nowMs);
    const lines = await documents.explain(config, storage, alert);
    const { named, followsRows } = kindOf(alert);
    const [about, ...label] = named(alert);
    const title = [followsRows ? about : about.replace('the', 'The'), ...label];
    const detail = await readAlertDetail(storage, config, alert, now);
    const answer = mayAcknowledge ? detail.answer : null;
    const shown = { alert: words(alert), lines, command: explainCommand(alert), answer };
    const body = alertView({ ...now, ...detail, ...shown });
    return { title, path: `/alerts/${id}`, body };
  });
}

function explainCommand(alert: Alert): CommandWords {
  return ['fleet-health', 'explain', kindOf(alert).followsRows ? alert.client : { option: '--fleet' }, alert.rule];
}

/** Returns the page of the newest runs. */
export async function runsPage(reader: FleetReader): Promise<LiveDocument> {
  return readPage(reader, async (storage, config, now) => {
    const runs = (await storage.records.newestRuns(maxRuns)).map((run) => ({ ...run, isFull: run.scope === 'full' }));
    const shares = await readShares(config, storage, now.nowMs);
    const sites = siteLines(
      { shares, forwarded: await forwardedRuns(config, storage.fleet) },
      { nowMs: now.nowMs, moment: (atMs) => timeInWords(now, atMs) },
    );
    return { title: ['Runs'], path: '/runs', body: runsView({ ...now, runs, sites }) };
  });
}

/** Returns the page of the newest event of each service. */
export async function eventsPage(reader: FleetReader, zone: string | null): Promise<LiveDocument> {
  const body = eventsView({ zone, ...(await newestEvents(reader)) });
  return { title: ['Events'], path: eventsPath, body, zone };
}

/** Reads the newest event of each service. Returns none before the first event or run, when there is no database. */
export async function newestEvents(reader: FleetReader): Promise<Pick<EventsView, 'nowMs' | 'events'>> {
  try {
    return await reader.read(async (storage, config) => {
      const nowMs = await storage.nowMs();
      return { nowMs, events: pageEvents(config, await storage.events.newestEvents(), nowMs) };
    });
  } catch (thrown) {
    if (thrown instanceof NothingStored) return { nowMs: Date.now(), events: [] };
    throw thrown;
  }
}

/** A client, and a span that ends now. */
export interface ClientSpan {
  readonly client: string;
  /** The span as requested: `24h`. */
  readonly span: string;
  readonly spanMs: number;
  /** True if nobody asked for this span. */
  readonly isUsual: boolean;
}

/** The span of a page of a client whose history is short, unless another is asked for. */
const firstSpan = { span: '1h', spanMs: hourMs } as const;

/** Returns the page of a client. Throws NotFound. */
export async function clientPage(reader: FleetReader, wanted: ClientSpan): Promise<LiveDocument> {
  const { status } = await reader.snapshot();
  const member = status.members.find(({ client }) => client === wanted.client);
  if (member === undefined) throw new NotFound();
  return reader.read(async (storage, config) => {
    const firstMs = await storage.plots.firstReportMs(wanted.client);
    const isShort = firstMs === null || (await storage.nowMs()) - firstMs < shortMs;
    const asked = wanted.isUsual && isShort ? { ...wanted, ...firstSpan } : wanted;
    const { history, alerts, changes, nowMs } = await clientHistory(storage, config, asked, firstMs);
    const visits = await storage.plots.visitCount(member.client, nowMs - asked.spanMs, nowMs);
    const words = await wordsAt(config, storage, nowMs);
    const client = pageClient(member, visits === null ? null : visits.succeeded / visits.visits, {
      spark: history.series.find(({ group, name }) => group === 'cpu' && name === 'mean')?.values ?? [],
      history: encodeHistory(history),
    });
    const { zone } = config.alerts;
    const open = sortAlerts(
      alerts.filter(({ resolvedAtMs }) => resolvedAtMs === null),
      nowMs,
    ).map(words);
    const detail = await readClientDetail(config, storage, member.client, nowMs);
    if (detail === null) throw new NotFound();
    const checks = detail.newest?.checks.map(pageCheck) ?? [];
    const logs = detail.logs.map(pageLogLine);
    const forecasts = detail.forecasts.map(pageForecast);
    const ended = alerts.filter(({ resolvedAtMs }) => resolvedAtMs !== null).toReversed();
    const now = { zone, nowMs };
    const facts = Object.values(clientFacts(config, detail, (atMs) => momentInWords(now, atMs)));
    const listed = {
      facts: [...facts, endedAlerts(ended, now)],
      changes: changes.newest,
      olderChanges: changes.older,
      span: asked.span,
    };
    const body = clientView({ ...now, client, alerts: open, forecasts, checks, logs, ...listed });
    return { title: [member.client], path: '/c', body, zone };
  });
}

/**
 * Reads the figures of a client, at most 1,000 points, from its first report on if that is known. Throws NotFound.
 */
export async function clientHistory(
  storage: Storage,
  config: Config,
  { client: name, spanMs }: Pick<ClientSpan, 'client' | 'spanMs'>,
  firstMs: number | null = null,
): Promise<{ history: ClientHistory; alerts: readonly Alert[]; changes: ClientChanges; nowMs: number }> {
  const client = config.clients.find((one) => one.name === name);
  if (client === undefined) throw new NotFound();
  const nowMs = await storage.nowMs();
  const sinceMs = nowMs - spanMs;
  const alerts = await storage.records.alertsOfClient(name, sinceMs, nowMs, maxEnded);
  const grid = reportGrid(Math.min(nowMs - 1, Math.max(sinceMs, firstMs ?? 0)), nowMs, config.collector.everyMs, 1);
  const changes = await readClientChanges(storage.changes, name, sinceMs);
  const changesMs = (await readChangeTimes(storage.causes, [name], grid)).get(name) ?? [];
  const drawn = { client: name, grid, rules: client.rules, alerts, changesMs };
  return { history: await readClientHistory(storage.plots, drawn), alerts, changes, nowMs };
}
