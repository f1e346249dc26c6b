import { counted } from '../text/numbers.ts';
import { spanInWords, zoneInWords } from '../text/time-words.ts';
import { alertList } from './alert-list.ts';
import { scriptText, styleText } from './assets.ts';
import { htmlDocument } from './document.ts';
import { fleetTable } from './fleet-table.ts';
import { Markup, markup } from './markup.ts';
import type { FleetPage, PageClient } from './page.ts';
import { timeLine } from './time-line.ts';

/** The fleet as one HTML file that needs nothing else: alerts, table and time line, and each client's figures. */
export function renderFleetPage(page: FleetPage): string {
  const reader = { zone: page.zone, nowMs: page.untilMs };
  const body = markup`<header><h1>${page.title}</h1>
<p>${spanInWords(reader, page.sinceMs, page.untilMs)}, ${zoneInWords(reader)}</p>
${states(page.clients)}${page.omissions.map((sentence) => markup`<p class="omission">${sentence}</p>`)}</header>
<main data-zone="${page.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone}">
${alertList(page)}
${fleetTable(page)}
${timeLine(page)}
</main>
${page.clients.map(({ name, history }) => history !== null && markup`<script type="text/plain" class="history" data-client="${name}">${new Markup(history)}</script>\n`)}`;
  return htmlDocument({ title: page.title, body: body.html, style: styleText, script: scriptText });
}

/** Counts of clients by state, the states that want attention first. */
function states(clients: readonly PageClient[]): Markup {
  const count = (is: (client: PageClient) => boolean): number => clients.filter(is).length;
  const counts = [
    ['critical', count(({ worst }) => worst === 'critical'), 'critical'],
    ['warning', count(({ worst }) => worst === 'warning'), 'warning'],
    ['failing', count(({ state }) => state === 'failing'), 'failing'],
    ['failing', count(({ state }) => state === 'late'), 'late'],
    ['fine', count(({ state, worst }) => state === 'ok' && worst === null), 'well'],
    ['new', count(({ state }) => state === 'new'), 'not visited yet'],
    ['paused', count(({ state }) => state === 'paused' || state === 'retired'), 'paused or retired'],
  ] as const;
  return markup`<ul class="states"><li>${counted(clients.length, 'client')}</li>${counts.map(
    ([level, number, words]) => number > 0 && markup`<li class="${level}"><b>${number}</b> ${words}</li>`,
  )}</ul>`;
}
