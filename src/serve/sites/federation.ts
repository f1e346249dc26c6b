import { setMaxListeners } from 'node:events';

import type { SiteConfig } from '../../config/serve-config.ts';
import { FleetError, usageError } from '../../errors.ts';
import { harmlessJson } from '../../log.ts';
import type { FleetMember, Sorting } from '../../look/fleet-member.ts';
import { fleetPart } from '../../look/live-fleet.ts';
import { pageClient } from '../../look/page-rows.ts';
import { liveHtml } from '../../page/live/live-document.ts';
import { type PageSite, sitesLead, sitesView, type SitesView } from '../../page/live/sites-view.ts';
import { secondMs } from '../../platform/units.ts';
import { type Answer, words } from '../answer.ts';
import { liveRoutes } from '../app.ts';
import { fleetPartAsked, fleetQuery } from '../asked.ts';
import type { FinishedRun } from '../live-events.ts';
import { html, message } from '../look-pages.ts';
import type { Route } from '../routes.ts';
import { createHost, type HostOptions } from '../serve.ts';
import { type AnswerOfSite, type Merged, mergeSites } from './merge-sites.ts';
import { type HeardSite, Sites, TooManySearches } from './sites.ts';

export interface FederationOptions extends HostOptions {
  readonly sites: readonly SiteConfig[];
  readonly zone: string | null;
  readonly documents: {
    readonly memberJson: (member: FleetMember) => object;
    readonly error: (thrown: unknown) => object;
  };
}

/** The interval of events that notify viewers of new answers. */
const eventsMs = 10 * secondMs;
/** The time for which a page is reused. */
const pageMs = 2 * secondMs;
const mostPages = 16;

/** Serves the sites as one fleet until the signal is aborted or the idle time has passed. */
export async function runFederation(options: FederationOptions): Promise<void> {
  const { observe, zone } = options;
  const ended = new AbortController();
  setMaxListeners(0, ended.signal);
  const listeners = new Set<(run: FinishedRun) => void>();
  let isNew = false;
  // Each viewer requests the page after an event, so the answers of all sites share one event.
  const timer = setInterval(() => {
    if (!isNew) return;
    isNew = false;
    for (const listener of listeners) listener({ program: 'sites', finishedAtMs: Date.now() });
  }, eventsMs);
  const sites = new Sites({
    sites: options.sites,
    onAway: (site, reason) => observe({ kind: 'site-away', site, reason }),
    onBack: (site, awayMs) => observe({ kind: 'site-back', site, awayMs }),
    onHeard: () => (isNew = true),
    signal: ended.signal,
  });
  const listen = (listener: (run: FinishedRun) => void): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  const following = sites.follow();
  const pages = keptPages((asked) => pageAnswer(sites, asked, zone));
  const routes: readonly Route[] = [
    {
      path: '/ping',
      purpose: null,
      isPacked: false,
      answer: () => words(200, 'OK\n', { 'Cache-Control': 'no-store' }),
    },
    ...liveRoutes({ listen, signal: ended.signal }),
    { path: '/', purpose: 'look', isPacked: true, answer: ({ query }) => pages(query) },
    {
      path: '/api/v1/status',
      purpose: 'status',
      isPacked: true,
      answer: ({ query }) => documentAnswer(sites, query, options.documents),
    },
  ];
  const missing = (): Answer => message(404, 'Not there', 'There is no such page.', shownAs(zone));
  const stop = (): Promise<void> => {
    ended.abort();
    clearInterval(timer);
    return following;
  };
  const onFault = (thrown: unknown): void => observe({ kind: 'fault', thrown });
  await createHost(options).serve({ routes, missing, onFault }, { open: () => Promise.resolve([]), stop });
  observe({ kind: 'stopped' });
}

function shownAs(zone: string | null) {
  return { zone: () => zone, hasEvents: false, isFederation: true };
}

interface Found {
  readonly merged: Merged;
  /**
   * The names of the sites that did not answer the search. Without a search: the sites that are away or have never
   * answered.
   */
  readonly missing: readonly string[];
  readonly isSearch: boolean;
}

/** Merges the last answers of the sites. For a search, merges new answers. */
async function find(sites: Sites, asked: URLSearchParams): Promise<Found> {
  const { query } = fleetPart([], fleetQuery(asked));
  const { words: text, state, sort } = query;
  const given = Object.entries({ q: text.trim(), state, sort }).filter(([, value]) => value !== '');
  const sorting = sort === '' ? 'urgency' : (sort as Sorting);
  const last: readonly AnswerOfSite[] = sites.heard.map(({ config, answer }) => ({ site: config.name, answer }));
  if (given.length === 0) {
    const missing = sites.heard.flatMap(({ config, answer, away }) =>
      answer === null || away !== null ? config.name : [],
    );
    return { merged: mergeSites(last, sorting), missing, isSearch: false };
  }
  const { merged, missing } = await sites.search(new URLSearchParams(given), sorting);
  // These figures cover all clients. They come from the last answers, so a site that does not answer now still counts.
  const { total, counts, firing } = mergeSites(last, sorting);
  return { merged: { ...merged, total, counts, firing }, missing, isSearch: true };
}

/** Returns a function that makes each page once for simultaneous requests. */
function keptPages(make: (asked: URLSearchParams) => Promise<Answer>): (asked: URLSearchParams) => Promise<Answer> {
  const kept = new Map<string, { readonly atMs: number; readonly page: Promise<Answer> }>();
  return (asked) => {
    const key = JSON.stringify(fleetQuery(asked));
    const now = performance.now();
    const known = kept.get(key);
    if (known !== undefined && now - known.atMs < pageMs) return known.page;
    if (kept.size >= mostPages) kept.clear();
    const page = make(asked);
    kept.set(key, { atMs: now, page });
    return page;
  };
}

async function pageAnswer(sites: Sites, asked: URLSearchParams, zone: string | null): Promise<Answer> {
  try {
    const { merged, missing, isSearch } = await find(sites, asked);
    const view = viewOf(sites.heard, merged, { ...fleetPart([], fleetQuery(asked)), zone });
    const notice = isSearch && missing.length > 0 ? `Without what ${missing.join(', ')} would have found.` : null;
    const document = {
      title: ['Sites'],
      path: '/',
      lead: sitesLead(view),
      body: sitesView(view),
      zone,
      isFederation: true,
    };
    return html(liveHtml(document, notice, false), 200);
  } catch (thrown) {
    if (!(thrown instanceof TooManySearches)) throw thrown;
    return message(503, 'Too many searches', 'Others are searching; search again in a moment.', shownAs(zone));
  }
}

function viewOf(
  heard: readonly HeardSite[],
  { total, matching, counts, members }: Merged,
  { query, counts: kinds, zone }: Pick<SitesView, 'query' | 'counts' | 'zone'>,
): SitesView {
  const nowMs = Date.now();
  const urls = new Map(heard.map(({ config }) => [config.name, config.url]));
  return {
    ...{ zone, nowMs, total, matching },
    query: { ...query, from: 0 },
    counts: kinds.map((kind) => ({ ...kind, clients: counts[kind.state] ?? 0 })),
    clients: members.map(({ site, member }) => ({
      ...pageClient(member, null, { spark: [], history: null }),
      site: { name: site, href: `${urls.get(site) ?? ''}c/${encodeURIComponent(member.client)}` },
    })),
    sites: heard.map((site) => pageSite(site, nowMs)),
  };
}

function pageSite({ config, answer, answeredAtMs, away }: HeardSite, nowMs: number): PageSite {
  const answerAgeMs = answeredAtMs === null ? null : Math.max(0, nowMs - answeredAtMs);
  const collectedAgoMs = answer?.collectedAgoMs ?? null;
  return {
    name: config.name,
    href: config.url,
    away,
    answerAgeMs,
    collectedAgoMs: collectedAgoMs === null ? null : collectedAgoMs + (answerAgeMs ?? 0),
    clients: answer?.total ?? null,
    counts: answer?.counts ?? {},
  };
}

/** Returns the merged document. docs/json.md describes the fields. */
async function documentAnswer(
  sites: Sites,
  asked: URLSearchParams,
  { memberJson, error }: FederationOptions['documents'],
): Promise<Answer> {
  const json = (status: 200 | 400 | 503, document: object): Answer => ({
    status,
    body: harmlessJson(document),
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
  });
  try {
    const limit = fleetPartAsked(asked)?.limit ?? Infinity;
    const { merged, missing } = await find(sites, asked);
    const { total, matching, counts, firing, members } = merged;
    return json(200, {
      command: 'status',
      at: new Date().toISOString(),
      ...{ alerts: { firing }, total, matching, counts, missing },
      sites: sites.heard.map(siteJson),
      clients: members.slice(0, limit).map(({ site, member }) => ({ site, ...memberJson(member) })),
    });
  } catch (thrown) {
    if (thrown instanceof FleetError && thrown.code === 'usage') return json(400, error(thrown));
    if (!(thrown instanceof TooManySearches)) throw thrown;
    return json(503, error(usageError('too many searches at a time', 'Ask again in a moment.')));
  }
}

function siteJson({ config, answer, answeredAtMs, away }: HeardSite): object {
  return {
    name: config.name,
    url: config.url,
    answered_at: answeredAtMs === null ? null : new Date(answeredAtMs).toISOString(),
    away_since: away === null ? null : new Date(away.sinceMs).toISOString(),
    reason: away?.reason ?? null,
    total: answer?.total ?? null,
    counts: answer?.counts ?? null,
  };
}
