/** src/look/page/live: the pages of the server. */
import type { TimeReader } from '../../../text/time-words.ts';
import { alertItem, alertList, commandCode } from '../alert-list.ts';
import { changeTable } from '../change-table.ts';
import { factTable } from '../fact-table.ts';
import { Markup, markup } from '../markup.ts';
import type { AlertAnswer, CommandWords, FactTable, PageAlert, PageChange } from '../page.ts';
import { links } from './links.ts';
import { ackForm } from './reply-view.ts';

interface AlertsView extends TimeReader {
  readonly open: readonly PageAlert[];
  /** Alerts that have ended. */
  readonly ended: FactTable;
}

/** Renders the page of all alerts: the open alerts, then those that ended a short time ago. */
export function alertsView({ open, ended, ...reader }: AlertsView): Markup {
  return markup`${alertList({ ...reader, alerts: open, links })}
${factTable(ended, links)}`;
}

interface AlertView extends TimeReader {
  readonly alert: PageAlert;
  /** The limits of the rule in a sentence; null if the rule left config.xml. */
  readonly limits: string | null;
  /** The sentence about what clients beside an unreachable one saw of it; null if there is none. */
  readonly seen: string | null;
  /** The encoded figures around the alert; null if there are none. */
  readonly history: string | null;
  /** The sentence about what changed before the alert; null if nothing is named. */
  readonly cause: string | null;
  /** The state for the button that acknowledges; null: no button. */
  readonly answer: AlertAnswer | null;
  /** The changes of the day before it, newest first. */
  readonly changes: readonly PageChange[];
  readonly commands: readonly { readonly words: string; readonly command: CommandWords }[];
  /** The alerts of the same rule and subject in the last year. */
  readonly earlier: FactTable;
  /** The lines of `explain`. */
  readonly lines: readonly string[];
  /** The command that prints these lines, as words. */
  readonly command: CommandWords;
}

/**
 * Renders the page of an alert, for a telephone at night: what it is, its value over time, what changed before it, who
 * was notified and why, the commands that acknowledge it, and its last year.
 */
export function alertView({ alert, limits, history, cause, changes, commands, earlier, ...view }: AlertView): Markup {
  const { answer, seen, lines, command, ...reader } = view;
  return markup`<section aria-labelledby="alert"><h2 id="alert">Alert ${alert.id}</h2>
<ol class="alerts whole">${alertItem({ ...alert, command: null }, { ...reader, links })}</ol>${seen !== null && markup`<p>${seen}</p>`}${limits !== null && markup`<p class="quiet">${limits}</p>`}</section>${answer !== null && answerSection(answer)}
${
  history !== null &&
  markup`<section aria-labelledby="value"><h2 id="value">Its value</h2>
<div id="plots"><noscript><p>The plot needs JavaScript.</p></noscript></div>
<p class="quiet">Dashed: the limits. Grey: it was beyond the limit and did not fire yet. Coloured: it fired.</p>
<script type="text/plain" class="history">${new Markup(history)}</script></section>`
}
${
  cause !== null || changes.length > 0
    ? changeTable(changes, 0, reader, { title: 'What changed before it', about: cause ?? 'In the day before it.' })
    : markup`<section aria-labelledby="changes"><h2 id="changes">What changed before it</h2><p class="count">Nothing that is known.</p></section>`
}
<section aria-labelledby="why"><h2 id="why">Who was notified, and why</h2>
<div class="explain">${lines.map((line) => (line === '' ? markup`<br>` : markup`<p${line.startsWith(' ') && markup` class="inner"`}>${line}</p>`))}</div>
<p class="quiet">The same in a terminal: ${commandCode(command)}</p></section>
${
  commands.length > 0 &&
  markup`<section aria-labelledby="acknowledge"><h2 id="acknowledge">${answer === null ? 'Acknowledge' : 'In a terminal'}</h2>
<ul class="commands">${commands.map((one) => markup`<li>${one.words}: ${commandCode(one.command)}</li>`)}</ul></section>`
}
${factTable(earlier, links)}`;
}

/** The most characters of a comment. A form with as many fits into its limit, in any language. */
const maxCommentChars = 100;

/** Renders the button that acknowledges an alert, or the one that takes that back, in a section of its own. */
function answerSection({ severity, isAcknowledged }: AlertAnswer): Markup {
  const comment = markup`<label for="comment">Comment</label> <input id="comment" name="comment" maxlength="${maxCommentChars}" autocomplete="off"><input type="hidden" name="severity" value="${severity}">`;
  return markup`
<section aria-labelledby="answer"><h2 id="answer">${isAcknowledged ? 'Acknowledged' : 'Acknowledge'}</h2>
${isAcknowledged ? markup`<form class="answer" method="post"><button type="submit" name="line" value="unack">Take it back</button></form>` : ackForm(comment)}</section>`;
}
