import { momentInWords, type TimeReader } from '../../../text/time-words.ts';
import { alertItem, clientLink } from '../alert-list.ts';
import { amount } from '../figures.ts';
import { clientRow, columns } from '../fleet-table.ts';
import type { StandNode } from '../../../config/clients/stand-tree.ts';
import { joined, type Markup, markup } from '../markup.ts';
import type { PageAlert, PageClient } from '../page.ts';
import { type FleetQuery, hrefOf, links } from './links.ts';
import { standTreeView } from './stand-tree.ts';
import { alerterNotice, type FirstEvening, firstSteps } from './first-steps.ts';
import type { StateCount } from '../state-counts.ts';

/** The rows of a group on a page. */
export interface FleetRows {
  /** The names of the group and of those around it, outermost first; empty: without a group; null: no heading. */
  readonly path: readonly string[] | null;
  /** The matching members by state, and their number. */
  readonly counts: readonly StateCount[];
  readonly total: number;
  readonly isFolded: boolean;
  /** Who serves of a group that needs some of its members: `web 7/8, 6 needed`; null for other groups. */
  readonly serving: { readonly words: string; readonly state: 'enough' | 'short' | 'unclear' } | null;
  readonly clients: readonly PageClient[];
}

export interface FleetView extends TimeReader {
  readonly query: FleetQuery;
  readonly counts: readonly StateCount[];
  readonly total: number;
  /** The clients that the query matches. */
  readonly matching: number;
  /** The number of these that are lines of some page: those of folded groups are not. */
  readonly unfolded: number;
  /** The rows of this page, by group. */
  readonly groups: readonly FleetRows[];
  /** The worst of the open alerts. */
  readonly alerts: readonly PageAlert[];
  /** The number of open alerts about these clients, and about the whole fleet. */
  readonly openAlerts: number;
  readonly allAlerts: number;
  /** The time at which the newest run that has ended did so; null if none has. */
  readonly collectedAtMs: number | null;
  readonly evening: FirstEvening;
  /** Lines about sites that forward, and about sites whose collectors share the clients. */
  readonly sites: readonly string[];
  /** The changes of the last day: their number, that of different ones, and the newest, equal ones together. */
  readonly changed: {
    readonly changes: number;
    readonly kinds: number;
    readonly isMore: boolean;
    readonly clients: number;
    readonly newest: readonly { readonly words: string; readonly clients: readonly string[] }[];
  };
  /** The machines on which others stand. */
  readonly stands: readonly StandNode[];
}

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

type ShownPart = Pick<FleetView, 'query' | 'groups' | 'matching' | 'unfolded'>;

/** Renders the first lines of the fleet's page, with the clients by state. */
export function fleetLead(view: FleetView): Markup {
  const { collectedAtMs, sites } = view;
  const shown = sites.slice(0, maxSites);
  const collected =
    collectedAtMs === null ? 'No run has ended yet.' : `Collected at ${momentInWords(view, collectedAtMs)}.`;
  return markup`<p>${collected}</p>
${alerterNotice(view.evening)}${changedLine(view)}${shown.map((line) => markup`<p>${line}</p>\n`)}${sites.length > shown.length && markup`<p><a href="/runs">All ${amount(sites.length, 'site')}</a></p>\n`}${countList(view)}`;
}

/** The most clients that the line about changes names for each change. */
const maxChanged = 3;

/** Renders the changes of the last day in one line. Returns null if nothing changed. */
function changedLine({ changed: { changes, kinds, isMore, clients, newest } }: FleetView): Markup | null {
  if (changes === 0) return null;
  const named = newest.map(({ words, clients: names }) => {
    const shown = joined(
      names.slice(0, maxChanged).map((name) => clientLink(name, links)),
      ', ',
    );
    return markup`${words} (${shown}${names.length > maxChanged && markup` and ${names.length - maxChanged} more`})`;
  });
  return markup`<p class="changed">${isMore && markup`At least `}${amount(changes, 'change')} on ${amount(clients, 'client')} in the last day: ${joined(named, '; ')}${kinds > newest.length && '; and more'}</p>
`;
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
  const { query, unfolded, groups, evening } = view;
  if (!evening.hasRun) return firstSteps(evening);
  const next = query.from + rowsOf(groups);
  const more =
    next < unfolded &&
    markup`<p><a id="more" href="${hrefOf({ ...query, from: next })}">${amount(unfolded - next, 'client')} more</a></p>`;
  return markup`${openList(view)}
${tableSection(view, more)}
${standTreeView(view.stands)}`;
}

/** The alerts that stand before the table without a click. */
const maxCards = 6;

/** Renders the worst open alerts. Those that somebody has acknowledged do not keep the table from the screen. */
function openList({ alerts, openAlerts, allAlerts, nowMs, zone }: FleetView): Markup {
  const items = (some: readonly PageAlert[]): Markup[] => some.map((alert) => alertItem(alert, { links, nowMs, zone }));
  const shown = alerts.filter(({ state, command }) => state !== 'firing' || command !== null).slice(0, maxCards);
  const folded = alerts.filter((alert) => !shown.includes(alert));
  const known = folded.filter(({ state, command }) => state === 'firing' && command === null).length;
  const isPart = allAlerts > openAlerts;
  const more = openAlerts - alerts.length;
  return markup`<section id="open" aria-labelledby="alerts"><h2 id="alerts">Open alerts</h2>
${openAlerts === 0 && markup`<p class="count">${isPart ? 'None of these clients.' : 'None.'}</p>`}${shown.length > 0 && markup`<ol class="alerts">${items(shown)}</ol>`}
${folded.length > 0 && markup`<details class="folded"><summary>${amount(folded.length)} more${known > 0 && markup`, ${amount(known)} acknowledged`}</summary><ol class="alerts" start="${shown.length + 1}">${items(folded)}</ol></details>`}
${(more > 0 || isPart) && markup`<p>${more > 0 && isPart && markup`And ${amount(more)} more of these clients. `}<a href="/alerts">All ${amount(allAlerts, 'alert')}${isPart && markup` of the fleet`}</a></p>`}</section>`;
}

function rowsOf(groups: readonly FleetRows[]): number {
  return groups.reduce((sum, { clients }) => sum + clients.length, 0);
}

/** The parts of a query that the filter's form hands on. */
const handedOn = ['state', 'group', 'label', 'sort'] as const;

/** Renders the filter, the table of clients, and below the table `more`, the link to further clients. */
function tableSection(view: ShownPart, more: Markup | false): Markup {
  const { query, groups } = view;
  const { folded } = query;
  const hasHeadings = groups.some(({ path }) => path !== null);
  const isAllFolded = folded.includes('*');
  return markup`<section aria-labelledby="fleet"><h2 id="fleet">Clients</h2>
<form class="tools" method="get" action="/" role="search"><label for="q">Filter</label> <input id="q" type="search" name="q" value="${query.words}" maxlength="200">${handedOn.map((name) => query[name] !== '' && markup`<input type="hidden" name="${name}" value="${query[name]}">`)}${folded.map((name) => markup`<input type="hidden" name="fold" value="${name}">`)}<button type="submit">Show</button></form>
<p class="count" id="shown" role="status">${shownWords(view)}</p>
<p class="quiet" id="part">${chosenList(query)}${hasHeadings && markup`<a href="${hrefOf({ ...query, folded: isAllFolded ? [] : ['*'], from: 0 })}">${isAllFolded ? 'Unfold' : 'Fold'} all groups</a>`}</p>
<div class="scroll" tabindex="0" role="group" aria-labelledby="fleet"><table id="clients" class="served"><thead><tr>${columns.map(
    ([heading, key]) => headCell(heading, key, query),
  )}</tr></thead>
<tbody>${groups.map((group) => [group.path !== null && groupHeading(group, query), ...group.clients.map((client, index) => clientRow(client, index, links))])}</tbody></table></div>
${more}</section>`;
}

/** Renders the group and the label of a query, each with a link that shows all again. */
function chosenList(query: FleetQuery): Markup {
  const chosen = (['group', 'label'] as const).filter((name) => query[name] !== '');
  return markup`${chosen.map((name) => markup`${name === 'group' ? 'Group' : 'Label'} <b>${query[name]}</b> (<a href="${hrefOf({ ...query, [name]: '', from: 0 })}">show all</a>) `)}`;
}

/** Renders the heading of a group: its names, which filter, its counts, and the link that folds or unfolds it. */
function groupHeading({ path, counts, total, isFolded, serving }: FleetRows, query: FleetQuery): Markup {
  const names = path ?? [];
  const own = names.at(-1) ?? '';
  const others = query.folded.filter((name) => name !== own && name !== '*');
  const isAll = query.folded.includes('*');
  const toggled = isAll
    ? { ...query, group: own, folded: [], from: 0 }
    : { ...query, folded: isFolded ? others : [...others, own], from: 0 };
  const title =
    names.length === 0
      ? markup`Without a group`
      : joined(
          names.map((name) => markup`<a href="${hrefOf({ ...query, group: name, folded: [], from: 0 })}">${name}</a>`),
          ' / ',
        );
  const shown = counts.filter(({ clients }) => clients > 0);
  const marks = { enough: 'ok', short: 'critical', unclear: 'warning' };
  const facts = [
    ...(serving === null
      ? []
      : [markup`<span class="${marks[serving.state]}"><b class="mark">${serving.words}</b></span>`]),
    markup`${amount(total, 'client')}`,
    ...shown.map(
      ({ state, clients, words }) =>
        markup`<span class="${state}"><b class="mark">${amount(clients)}</b> ${words}</span>`,
    ),
  ];
  const fold =
    isAll && names.length === 0
      ? null
      : markup`<a class="fold" href="${hrefOf(toggled)}">${isFolded ? 'Unfold' : 'Fold'}<span class="unseen"> ${names.length === 0 ? 'the clients without a group' : own}</span></a>`;
  return markup`<tr class="group" id="group/${names.map(encodeURIComponent).join('/')}"><th scope="rowgroup" colspan="${columns.length}"><span class="name">${title}</span> <span class="facts">${joined(facts, ', ')}</span> ${fold}</th></tr>
`;
}

function shownWords({ query, groups, matching, unfolded }: ShownPart): Markup | string {
  if (matching === 0) return 'No client is like that.';
  const order = query.sort === '' ? 'the worst first' : `by ${query.sort}`;
  const rows = rowsOf(groups);
  const hidden = matching - unfolded;
  const folded = hidden > 0 && markup` ${amount(hidden)} more in folded groups.`;
  if (rows === unfolded && query.from === 0) return markup`${amount(unfolded, 'client')}, ${order}.${folded}`;
  return markup`${amount(query.from + 1)} to ${amount(query.from + rows)} of ${amount(unfolded, 'client')}, ${order}.${folded}`;
}

function headCell(heading: string, key: string, query: FleetQuery): Markup {
  const sort = sortings[key];
  if (sort === undefined) return markup`<th scope="col">${heading}</th>`;
  const direction = sort === 'name' ? 'ascending' : 'descending';
  return markup`<th scope="col"${query.sort === sort && sort !== '' && markup` aria-sort="${direction}"`}><a href="${hrefOf({ ...query, sort, from: 0 })}">${heading}</a></th>`;
}
