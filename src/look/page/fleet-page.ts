import { serverZone } from '../../text/server-zone.ts';
import { spanInWords, zoneInWords } from '../../text/time-words.ts';
import { alertList } from './alert-list.ts';
import { scriptText, styleText } from './assets.ts';
import { checkPanel } from './check-table.ts';
import { htmlDocument } from './document.ts';
import { fleetTable } from './fleet-table.ts';
import { logPanel } from './log-table.ts';
import { Markup, markup } from './markup.ts';
import { outlierList } from './outlier-list.ts';
import type { FleetPage } from './page.ts';
import { stateCounts, stateList } from './state-counts.ts';
import { timeLine } from './time-line.ts';

/** Renders the fleet as one self-contained HTML file: alerts, table and time line, and each client's figures. */
export function renderFleetPage(page: FleetPage): string {
  const reader = { zone: page.zone, nowMs: page.untilMs };
  const body = markup`<header><h1>${page.title}</h1>
<p>${spanInWords(reader, page.sinceMs, page.untilMs)}, ${zoneInWords(reader)}</p>
${stateList(page.clients.length, stateCounts(page.clients))}${
    page.groups.length > 0 &&
    markup`<p>Groups: ${page.groups.join('; ')}</p>
`
  }${page.omissions.map((sentence) => markup`<p class="omission">${sentence}</p>`)}</header>
<main data-zone="${page.zone ?? serverZone()}">
${alertList({ ...reader, alerts: page.alerts })}
${fleetTable(page)}
${outlierList(page.outliers)}
${timeLine(page)}
</main>
${[...page.checks].map(([name, checks]) => checkPanel(name, checks))}${[...page.logs].map(([name, lines]) => logPanel(name, lines, reader))}${page.clients.map(({ name, history }) => history !== null && markup`<script type="text/plain" class="history" data-client="${name}">${new Markup(history)}</script>\n`)}`;
  return htmlDocument({ title: page.title, body: body.html, style: styleText, script: scriptText });
}
