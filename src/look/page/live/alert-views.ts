/** src/look/page/live: the pages of the server. */
import { alertLabel } from '../../../text/alert-label.ts';
import { spanInWords, type TimeReader } from '../../../text/time-words.ts';
import { alertItem, alertList, clientLink, commandCode } from '../alert-list.ts';
import { alertFigure } from '../figures.ts';
import { joined, type Markup, markup } from '../markup.ts';
import type { PageAlert } from '../page.ts';
import { links } from './fleet-view.ts';

interface AlertsView extends TimeReader {
  readonly open: readonly PageAlert[];
  /** Alerts that have ended, newest first. */
  readonly ended: readonly PageAlert[];
}

/** Renders the page of all alerts: the open alerts, then those that ended a short time ago. */
export function alertsView({ open, ended, ...reader }: AlertsView): Markup {
  return markup`${alertList({ ...reader, alerts: open, links })}
<section aria-labelledby="ended"><h2 id="ended">Ended in the last seven days</h2>
${ended.length === 0 && markup`<p class="count">None.</p>`}${
    ended.length > 0 &&
    markup`<div class="scroll" tabindex="0" role="region" aria-labelledby="ended"><table class="plain"><thead><tr><th scope="col">Client</th><th scope="col">Alert</th><th scope="col">Severity</th><th scope="col">When</th><th scope="col">Last value</th></tr></thead>
<tbody>${ended.map((alert) => endedRow(alert, reader))}</tbody></table></div>`
  }</section>`;
}

function endedRow(alert: PageAlert, reader: TimeReader): Markup {
  const { id, client, severity, pendingSinceMs, firingSinceMs, resolvedAtMs, value } = alert;
  const when = spanInWords(reader, pendingSinceMs, resolvedAtMs ?? reader.nowMs);
  return markup`<tr><th scope="row">${client === '' ? 'the fleet' : clientLink(client, links)}</th><td><a href="${links.alert(id)}">${joined(alertLabel(alert), ' ')}</a></td><td>${firingSinceMs === null ? 'pending' : severity}</td><td>${when}</td><td>${value === null ? '–' : alertFigure(value)}</td></tr>
`;
}

interface ExplainView extends TimeReader {
  readonly alert: PageAlert;
  /** The lines of `explain`. */
  readonly lines: readonly string[];
  /** The command that prints these lines, as words. */
  readonly command: readonly string[];
}

/** Renders the page of an alert: the alert, and why somebody was or was not notified. */
export function explainView({ alert, lines, command, ...reader }: ExplainView): Markup {
  return markup`<section aria-labelledby="alert"><h2 id="alert">Alert ${alert.id}</h2>
<ol class="alerts">${alertItem(alert, { ...reader, links })}</ol></section>
<section aria-labelledby="why"><h2 id="why">Who was notified, and why</h2>
<div class="explain">${lines.map((line) => (line === '' ? markup`<br>` : markup`<p${line.startsWith(' ') && markup` class="inner"`}>${line}</p>`))}</div>
<p class="quiet">The same in a terminal: ${commandCode(command)}</p></section>`;
}
