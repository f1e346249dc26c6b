import { alertLabel } from '../../about/alert-label.ts';
import { keyOfFleet, kindOf } from '../../about/kinds.ts';
import { compareText } from '../../text/compare-text.ts';
import { counted } from '../../text/numbers.ts';
import { alertFigure, amount } from './figures.ts';
import { spanInWords, timeInWords } from '../../text/time-words.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import { bareText, joined, type Markup, markup } from './markup.ts';
import type { FleetPage, PageAlert, PageSpan } from './page.ts';

/** The most rows of the chart. The clients with the worst alerts come first; other clients are only counted. */
const maxRows = 150;
const width = 1000;
const rowHeight = 18;
const headHeight = 22;

/**
 * Renders the alerts of the span over time: a row for each client, hatched silences, and grey columns where no
 * collector ran.
 */
export function timeLine(page: FleetPage): Markup {
  const rows = rowsOf(page.history);
  const shown = rows.slice(0, maxRows);
  const gaps = page.gaps.map((gap) => spanInWords({ zone: page.zone, nowMs: page.untilMs }, ...bounds(page, gap)));
  return markup`<section aria-labelledby="time"><h2 id="time">Alerts over time</h2>
${rows.length === 0 && markup`<p>No alert in this span.</p>`}
${gaps.length > 0 && markup`<p>No run of the collector: ${gaps.slice(0, 20).join('; ')}${gaps.length > 20 && `; and ${counted(gaps.length - 20, 'gap')} more`}.</p>`}
${shown.length > 0 && markup`<div class="scroll" tabindex="0" role="group" aria-labelledby="time">${chart(page, shown)}</div>`}
${rows.length > shown.length && markup`<p>And alerts of ${amount(rows.length - shown.length, 'client')} more.</p>`}
</section>`;
}

interface Row {
  readonly client: string;
  readonly alerts: readonly PageAlert[];
}

/** Returns the alerts by client: clients with most critical alerts first, then clients with most alerts. */
function rowsOf(history: readonly PageAlert[]): readonly Row[] {
  const byClient = new Map<string, PageAlert[]>();
  for (const alert of history) byClient.set(alert.client, [...(byClient.get(alert.client) ?? []), alert]);
  const criticals = (alerts: readonly PageAlert[]): number =>
    alerts.filter(({ severity }) => severity === 'critical').length;
  return [...byClient]
    .map(([client, alerts]) => ({ client, alerts }))
    .sort(
      (one, other) =>
        criticals(other.alerts) - criticals(one.alerts) ||
        other.alerts.length - one.alerts.length ||
        compareText(one.client, other.client),
    );
}

function chart(page: FleetPage, rows: readonly Row[]): Markup {
  const height = headHeight + rows.length * rowHeight;
  const place = (atMs: number): number => {
    const share = (atMs - page.sinceMs) / (page.untilMs - page.sinceMs);
    return Math.round(Math.max(0, Math.min(1, share)) * width * 10) / 10;
  };
  const bar = (span: PageSpan): Markup => {
    const [from, to] = bounds(page, span);
    return markup` x="${place(from)}" width="${Math.max(1.5, Math.round((place(to) - place(from)) * 10) / 10)}"`;
  };
  const row = ({ client, alerts }: Row, index: number): Markup => {
    const top = headHeight + index * rowHeight;
    const whole = keyOfFleet('');
    const isOfClient = alerts.some((alert) => kindOf(alert).followsRows);
    const [about] = isOfClient ? [client] : kindOf(whole).named(whole);
    const silences = page.silences.filter((silence) => silence.client === client);
    return markup`<g><text class="name" x="-8" y="${top + 13}">${bareText(about)}</text>${alerts.map(
      (alert) =>
        markup`<rect class="${alert.firingSinceMs === null ? 'pending' : alert.severity}" y="${top + 4}" height="${rowHeight - 8}"${bar({ fromMs: alert.pendingSinceMs, toMs: alert.resolvedAtMs })}><title>${alertWords(alert, page)}</title></rect>`,
    )}${silences.map((silence) => markup`<rect class="silence" y="${top + 1}" height="${rowHeight - 2}"${bar(silence)}><title>silenced</title></rect>`)}</g>`;
  };
  return markup`<svg id="timeline" viewBox="-220 0 ${width + 270} ${height}" role="img" aria-label="Alerts of ${amount(rows.length, 'client')} over time"><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6"/></pattern></defs>
${page.gaps.map((gap) => markup`<rect class="gap" y="${headHeight}" height="${height - headHeight}"${bar(gap)}><title>no run of the collector</title></rect>`)}
${ticks(page).map(({ atMs, label }) => markup`<line class="tick" x1="${place(atMs)}" x2="${place(atMs)}" y1="${headHeight}" y2="${height}"/><text class="tick" x="${place(atMs)}" y="14">${label}</text>`)}
${rows.map(row)}</svg>`;
}

function alertWords(alert: PageAlert, page: FleetPage): Markup {
  const { severity, value, pendingSinceMs, resolvedAtMs } = alert;
  const names = alertLabel(alert).map(bareText);
  const what = value === null || value === '' ? names : [...names, alertFigure(value, bareText)];
  const reader = { zone: page.zone, nowMs: page.untilMs };
  const when =
    resolvedAtMs === null
      ? `since ${timeInWords(reader, pendingSinceMs)}`
      : spanInWords(reader, pendingSinceMs, resolvedAtMs);
  return markup`${joined(what, ' ')}, ${severity}, ${when}`;
}

function bounds({ sinceMs, untilMs }: FleetPage, { fromMs, toMs }: PageSpan): [number, number] {
  return [Math.max(sinceMs, fromMs), Math.min(untilMs, toMs ?? untilMs)];
}

const tickSteps = [
  10 * minuteMs,
  hourMs,
  3 * hourMs,
  6 * hourMs,
  12 * hourMs,
  dayMs,
  2 * dayMs,
  7 * dayMs,
  30 * dayMs,
  180 * dayMs,
];

/** Returns the labelled times of the axis, at whole steps of UTC: about eight at most. */
function ticks({ sinceMs, untilMs, zone }: FleetPage): readonly { atMs: number; label: string }[] {
  const stepMs = tickSteps.find((step) => (untilMs - sinceMs) / step <= 8) ?? 365 * dayMs;
  const first = Math.ceil(sinceMs / stepMs) * stepMs;
  const count = Math.max(0, Math.floor((untilMs - first) / stepMs) + 1);
  return Array.from({ length: count }, (_, index) => first + index * stepMs).map((atMs) => ({
    atMs,
    label: timeInWords({ zone, nowMs: untilMs }, atMs),
  }));
}
