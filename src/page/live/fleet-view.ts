import { momentInWords } from '../../text/time-words.ts';
import { alertItem } from '../alert-list.ts';
import { amount } from '../figures.ts';
import { clientRow, columns } from '../fleet-table.ts';
import { type Markup, markup } from '../markup.ts';
import type { PageAlert, PageClient, PageLinks } from '../page.ts';

/** The part of the fleet that is asked for. */
export interface FleetQuery {
  /** Words that a line must have; empty: any. */
  readonly words: string;
  /** The kind of clients, as `FleetCount.state`; empty: any. */
  readonly state: string;
  /** A column; empty: the worst first. */
  readonly sort: string;
  /** Lines that are passed over. */
  readonly from: number;
}

export interface FleetCount {
  /** The value of `state` that shows these clients. */
  readonly state: string;
  readonly words: string;
  readonly clients: number;
}

export interface FleetView {
  readonly zone: string | null;
  readonly nowMs: number;
  readonly query: FleetQuery;
  readonly counts: readonly FleetCount[];
  readonly total: number;
  /** The clients that the query matches. */
  readonly matching: number;
  readonly clients: readonly PageClient[];
  /** The worst of the open alerts. */
  readonly alerts: readonly PageAlert[];
  readonly openAlerts: number;
  /** The time at which the newest run of the collector ended; null: none has. */
  readonly collectedAtMs: number | null;
  /** Lines about sites that forward, or whose collectors share them. */
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
const mostSites = 5;

type ShownPart = Pick<FleetView, 'query' | 'clients' | 'matching'>;

/** The first lines of the fleet's page: the clients by state, each a link to just these. */
export function fleetLead(view: FleetView): Markup {
  const { nowMs, zone, collectedAtMs, sites } = view;
  const shown = sites.slice(0, mostSites);
  const collected =
    collectedAtMs === null ? 'No run has ended yet.' : `Collected at ${momentInWords({ zone, nowMs }, collectedAtMs)}.`;
  return markup`<p>${collected}</p>
${shown.map((line) => markup`<p>${line}</p>\n`)}${sites.length > shown.length && markup`<p><a href="/runs">All ${amount(sites.length, 'site')}</a></p>\n`}${countList(view)}`;
}

/** The clients by state, each a link to just these. */
export function countList({ total, counts, query }: Pick<FleetView, 'total' | 'counts' | 'query'>): Markup {
  return markup`<ul class="states"><li><a href="/">${amount(total, 'client')}</a></li>${counts.map(
    ({ state, words, clients }) =>
      clients > 0 &&
      markup`<li class="${state}"><a href="${hrefOf({ ...query, state, from: 0 })}"${query.state === state && markup` aria-current="true"`}><b>${amount(clients)}</b> ${words}</a></li>`,
  )}</ul>`;
}

/** The fleet's page: the worst alerts, then the table with as many clients as are shown at a time. */
export function fleetView(view: FleetView): Markup {
  const { alerts, openAlerts, query, matching, clients, nowMs, zone } = view;
  const next = query.from + clients.length;
  const more =
    next < matching &&
    markup`<p><a id="more" href="${hrefOf({ ...query, from: next })}">${amount(matching - next, 'client')} more</a></p>`;
  const list = { links, untilMs: nowMs, zone };
  return markup`<section id="open" aria-labelledby="alerts"><h2 id="alerts">Open alerts</h2>
${openAlerts === 0 && markup`<p class="count">None.</p>`}${alerts.length > 0 && markup`<ol class="alerts">${alerts.map((alert) => alertItem(alert, list))}</ol>`}
${openAlerts > alerts.length && markup`<p><a href="/alerts">All ${amount(openAlerts, 'alert')}</a></p>`}</section>
${tableSection(view, more)}`;
}

/** The filter and the table of clients, and below it how to see more of them. */
export function tableSection(view: ShownPart, more: Markup | false): Markup {
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

/** The address of a part of the fleet. */
function hrefOf({ words, state, sort, from }: FleetQuery): string {
  const given = Object.entries({ q: words, state, sort, from: from === 0 ? '' : String(from) });
  const parameters = new URLSearchParams(given.filter(([, value]) => value !== '')).toString();
  return parameters === '' ? '/' : `/?${parameters}`;
}
