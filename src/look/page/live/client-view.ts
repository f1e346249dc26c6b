import { alertList, commandCode } from '../alert-list.ts';
import { changeTable } from '../change-table.ts';
import { checkTable } from '../check-table.ts';
import { factTable } from '../fact-table.ts';
import { clientRow, columns } from '../fleet-table.ts';
import { logTable } from '../log-table.ts';
import { describeAge } from '../../../text/durations.ts';
import type { TimeReader } from '../../../text/time-words.ts';
import { joined, Markup, markup } from '../markup.ts';
import type { FactTable, PageAlert, PageChange, PageCheck, PageClient, PageForecast, PageLogLine } from '../page.ts';
import { links, seriesHref, spanHref } from './links.ts';

interface ClientView extends TimeReader {
  readonly client: PageClient;
  readonly alerts: readonly PageAlert[];
  /** The forecasts, nearest first. */
  readonly forecasts: readonly PageForecast[];
  /** Worst first. */
  readonly checks: readonly PageCheck[];
  /** Newest first. */
  readonly logs: readonly PageLogLine[];
  /** The newest changes of the span, newest first, and the number of older ones. */
  readonly changes: readonly PageChange[];
  readonly olderChanges: number;
  /** Further facts as tables: those before the plots, and those after them. */
  readonly facts: readonly FactTable[];
  /** The span of the plots, in the form of `--since`. */
  readonly span: string;
}

/** The spans that the page of a client offers. */
export const spans: readonly string[] = ['1h', '6h', '24h', '7d', '30d', '1y'];

/** Renders the page of a client: its line, its open alerts, its checks, its plots, changes, logs, and all of `show`. */
export function clientView(view: ClientView): Markup {
  const { client, alerts, forecasts, checks, logs, span } = view;
  const { history } = client;
  return markup`<section aria-labelledby="now"><h2 id="now">Now</h2>
<div class="scroll" tabindex="0" role="group" aria-labelledby="now"><table id="clients" class="served"><thead><tr>${columns.map(
    ([heading]) => markup`<th scope="col">${heading}</th>`,
  )}</tr></thead>
<tbody>${clientRow(client, 0, links)}</tbody></table></div>${forecasts.length > 0 && markup`<p>Full, if they grow as they do: ${joined(forecasts.map(forecastWords), ', ')}.</p>`}</section>
${alertList({ zone: view.zone, nowMs: view.nowMs, alerts, links })}
${checkTable(checks, view.nowMs)}
<section aria-labelledby="past"><h2 id="past">Past</h2>
<ul class="spans">${spans.map(
    (one) =>
      markup`<li><a href="${spanHref(client.name, one)}"${one === span && markup` aria-current="true"`}>${one}</a></li>`,
  )}</ul>
<div id="plots"><noscript><p>Plots need JavaScript. The figures: <a href="${seriesHref(client.name, span)}">JSON</a></p></noscript></div>
${history !== null && markup`<script type="text/plain" class="history" data-client="${client.name}">${new Markup(history)}</script>`}</section>
${changeTable(view.changes, view.olderChanges, view)}${logTable(logs, view)}
${view.facts.map((one) => factTable(one, links))}
<p class="quiet">The same in a terminal: ${commandCode(['fleet-health', 'show', client.name])}</p>`;
}

/** Formats a forecast: `/data in 3d`. */
function forecastWords({ mount, inMs }: PageForecast): string {
  return `${mount} in ${describeAge(inMs)}`;
}
