/** src/look/page: HTML and plots, rendered from its input. */
import { kindOf } from '../../about/kinds.ts';
import { durationInWords } from '../../text/durations.ts';
import { alertFigure, amount } from './figures.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { limitWords } from '../../text/limit-words.ts';
import { spanInWords, timeInWords, type TimeReader } from '../../text/time-words.ts';
import { joined, type Markup, markup } from './markup.ts';
import type { CommandWords, FleetPage, PageAlert, PageLinks } from './page.ts';

/** The most open alerts that the list shows. The others are only counted. */
const maxListed = 500;
/** The alerts that are visible without a click: few before the table of the fleet, more on a page of their own. */
const maxOpen = { inReport: 12, ofServer: 24 } as const;

interface AlertListPage extends TimeReader, Pick<FleetPage, 'alerts'> {
  /** Left out if clients are lines of this page and alerts have no page. */
  readonly links?: PageLinks;
}

/** Renders the open alerts, worst first: subject, time, value and limit, note, and the command that acknowledges. */
export function alertList(page: AlertListPage): Markup {
  const { alerts } = page;
  const firing = alerts.filter(({ state }) => state === 'firing').length;
  const rest = alerts.length - maxListed;
  const items = alerts.slice(0, maxListed).map((alert) => alertItem(alert, page));
  const open = page.links === undefined ? maxOpen.inReport : maxOpen.ofServer;
  const folded = items.slice(open);
  return markup`<section aria-labelledby="alerts"><h2 id="alerts">Open alerts</h2>
<p class="count">${alerts.length === 0 ? 'None.' : markup`${amount(firing)} firing, ${amount(alerts.length - firing)} pending.`}</p>
${alerts.length > 0 && markup`<ol class="alerts">${items.slice(0, open)}</ol>`}
${folded.length > 0 && markup`<details><summary>${amount(folded.length)} more</summary><ol class="alerts" start="${open + 1}">${folded}</ol></details>`}
${rest > 0 && markup`<p>And ${amount(rest, 'more alert')}.</p>`}
</section>`;
}

/** Renders an item of the list of alerts. */
export function alertItem(alert: PageAlert, { links, ...reader }: Omit<AlertListPage, 'alerts'>): Markup {
  const { client, state, severity, value, limit, returning, note, mutes, command } = alert;
  const sinceMs = alert.pendingSinceMs;
  const mark = state === 'firing' ? severity : state === 'pending' ? 'pending' : 'ended';
  const { named, followsRows } = kindOf(alert);
  const [about, ...label] = named(alert);
  const what = joined(label, ' ');
  const when =
    mark !== 'ended' || alert.resolvedAtMs === null
      ? `${state === 'pending' ? 'pending' : 'firing'} since ${timeInWords(reader, sinceMs)}, ` +
        `for ${durationInWords(reader.nowMs - sinceMs)}`
      : spanInWords(reader, sinceMs, alert.resolvedAtMs);
  return markup`<li class="${mark === 'ended' ? 'pending' : mark}"><p class="what"><span class="mark">${mark}</span> ${followsRows ? clientLink(client, links) : markup`<b>${about}</b>`} ${links === undefined ? markup`<b>${what}</b>` : markup`<a href="${links.alert(alert.id)}" translate="no"><b>${what}</b></a>`}</p>
${
  (value !== null || limit !== null) &&
  markup`<p>${value !== null && markup`<b>${alertFigure(value)}</b>`}${limit !== null && markup` <span class="limit">(${alertFigure(limitWords(limit))})</span>`}</p>
`
}${
    returning !== null &&
    markup`<p>${returning}</p>
`
  }<p>${when}</p>
${mutes.map((mute) => markup`<p class="quiet">${mute}</p>`)}${note !== null && markup`<p class="note">${note}</p>`}${command !== null && markup`<p>${commandCode(command)}</p>`}</li>
`;
}

/** Renders a command, ready to copy. A browser that translates the page leaves it, and names, as they are. */
export function commandCode(words: CommandWords): Markup {
  const shown = words.map((word) =>
    typeof word === 'string' ? shownShellWord(word) : markup`<span class="option">${word.option}</span>`,
  );
  return markup`<code translate="no">${joined(shown, ' ')}</code>`;
}

/** Renders a link to a client's page, or to its line in the table if there are no links. */
export function clientLink(client: string, links?: PageLinks): Markup {
  const target = links === undefined ? `#${encodeURIComponent(client)}` : links.client(client);
  return markup`<a href="${target}"${links !== undefined && markup` translate="no"`}>${client}</a>`;
}
