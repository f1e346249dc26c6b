import { momentInWords, type TimeReader } from '../../../text/time-words.ts';
import { alertItem } from '../alert-list.ts';
import { amount } from '../figures.ts';
import { clientRow, columns } from '../fleet-table.ts';
import { type Markup, markup } from '../markup.ts';
import type { PageAlert, PageClient, PageLinks } from '../page.ts';
import { alerterNotice, type FirstEvening, firstSteps } from './first-steps.ts';
import type { StateCount } from '../state-counts.ts';

/** The part of the fleet that a request asks for. */
export interface FleetQuery {
  /** Words that a line must contain; empty: any line. */
  readonly words: string;
  /** The state of the clients, as `StateCount.state`; empty: any. */
  readonly state: string;
  /** The column that sorts the lines; empty: the worst first. */
  readonly sort: string;
  /** The number of lines to skip. */
  readonly from: number;
}

export interface FleetView extends TimeReader {
  readonly query: FleetQuery;
  readonly counts: readonly StateCount[];
  readonly total: number;
  /** The clients that the query matches. */
  readonly matching: number;
  readonly clients: readonly PageClient[];
  /** The worst of the open alerts. */
  readonly alerts: readonly PageAlert[];
  readonly openAlerts: number;
  /** The time at which the newest run of the collector ended; null if no run has ended. */
  readonly collectedAtMs: number | null;
  readonly evening: FirstEvening;
  /** Lines about sites that forward, and about sites whose collectors share the clients. */
  readonly sites: readonly string[];
}

export const links: PageLinks = {
  client: (name) => `/c/${encodeURIComponent(name)}`,
  alert: (id) => `/alerts/${id}`,
};

/** The keys of the table's columns by which a server sorts. */
const sortings: Readonly<Record<string, string>> = {
  name: 'name',
  cpu: 'cpu',
  memory: 'memory',
  disk: 'disk',
  age: 'report',
  rank: '',
};

/** The lines of sites above the table. The page of runs has them all. */
const maxSites = 5;

type ShownPart = Pick<FleetView, 'query' | 'clients' | 'matching'>;

/** Renders the first lines of the fleet's page, with the clients by state. */
export function fleetLead(view: FleetView): Markup {
  const { collectedAtMs, sites } = view;
  const shown = sites.slice(0, maxSites);
  const collected =
    collectedAtMs === null ? 'No run has ended yet.' : `Collected at ${momentInWords(view, collectedAtMs)}.`;
  return markup`<p>${collected}</p>
${alerterNotice(view.evening)}${shown.map((line) => markup`<p>${line}</p>\n`)}${sites.length > shown.length && markup`<p><a href="/runs">All ${amount(sites.length, 'site')}</a></p>\n`}${countList(view)}`;
}

/** Renders the counts of clients by state. Each count is a link to the clients in this state. */
function countList({ total, counts, query }: Pick<FleetView, 'total' | 'counts' | 'query'>): Markup {
  return markup`<ul class="states"><li><a href="/">${amount(total, 'client')}</a></li>${counts.map(
    ({ state, words, clients }) =>
      clients > 0 &&
      markup`<li class="${state}"><a href="${hrefOf({ ...query, state, from: 0 })}"${query.state === state && markup` aria-current="true"`}><b>${amount(clients)}</b> ${words}</a></li>`,
  )}</ul>`;
}

/** Renders the fleet's page: the worst alerts, then the table with as many clients as a page shows. */
export function fleetView(view: FleetView): Markup {
  const { alerts, openAlerts, query, matching, clients, nowMs, zone, evening } = view;
  if (!evening.hasRun) return firstSteps(evening);
  const next = query.from + clients.length;
  const more =
    next < matching &&
    markup`<p><a id="more" href="${hrefOf({ ...query, from: next })}">${amount(matching - next, 'client')} more</a></p>`;
  const list = { links, nowMs, zone };
  return markup`<section id="open" aria-labelledby="alerts"><h2 id="alerts">Open alerts</h2>
${openAlerts === 0 && markup`<p class="count">None.</p>`}${alerts.length > 0 && markup`<ol class="alerts">${alerts.map((alert) => alertItem(alert, list))}</ol>`}
${openAlerts > alerts.length && markup`<p><a href="/alerts">All ${amount(openAlerts, 'alert')}</a></p>`}</section>
${tableSection(view, more)}`;
}

/** Renders the filter, the table of clients, and below the table `more`, the link to further clients. */
function tableSection(view: ShownPart, more: Markup | false): Markup {
  const { query, clients } = view;
  return markup`<section aria-labelledby="fleet"><h2 id="fleet">Fleet</h2>
<form class="tools" method="get" action="/" role="search"><label for="q">Filter</label> <input id="q" type="search" name="q" value="${query.words}" maxlength="200">${query.state !== '' && markup`<input type="hidden" name="state" value="${query.state}">`}${query.sort !== '' && markup`<input type="hidden" name="sort" value="${query.sort}">`}<button type="submit">Show</button></form>
<p class="count" id="shown" role="status">${shownWords(view)}</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="fleet"><table id="clients" class="served"><thead><tr>${columns.map(
    ([heading, key]) => headCell(heading, key, query),
  )}</tr></thead>
<tbody>${clients.map((client, index) => clientRow(client, query.from + index, links))}</tbody></table></div>
${more}</section>`;
}

function shownWords({ query, clients, matching }: ShownPart): Markup | string {
  if (matching === 0) return 'No client is like that.';
  const order = query.sort === '' ? 'the worst first' : `by ${query.sort}`;
  const first = query.from + 1;
  if (first === 1 && clients.length === matching) return markup`${amount(matching, 'client')}, ${order}.`;
  return markup`${amount(first)} to ${amount(query.from + clients.length)} of ${amount(matching, 'client')}, ${order}.`;
}

function headCell(heading: string, key: string, query: FleetQuery): Markup {
  const sort = sortings[key];
  if (sort === undefined) return markup`<th scope="col">${heading}</th>`;
  const direction = sort === 'name' ? 'ascending' : 'descending';
  return markup`<th scope="col"${query.sort === sort && sort !== '' && markup` aria-sort="${direction}"`}><a href="${hrefOf({ ...query, sort, from: 0 })}">${heading}</a></th>`;
}

/** Returns the address of a part of the fleet. */
function hrefOf({ words, state, sort, from }: FleetQuery): string {
  const given = Object.entries({ q: words, state, sort, from: from === 0 ? '' : String(from) });
  const parameters = new URLSearchParams(given.filter(([, value]) => value !== '')).toString();
  return parameters === '' ? '/' : `/?${parameters}`;
}
