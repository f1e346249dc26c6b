import { counted } from '../../text/numbers.ts';
import { spanInWords, zoneInWords } from '../../text/time-words.ts';
import { styleText } from './assets.ts';
import { htmlDocument } from './document.ts';
import { markup } from './markup.ts';
import type { FleetPage, PageClient } from './page.ts';
import { type StateCount, stateCounts, stateList } from './state-counts.ts';

/** A group that has a file of its own. */
export interface IndexPart {
  /** null for the clients without a group. */
  readonly group: string | null;
  /** The name of the file, in the folder of the index. */
  readonly file: string;
  readonly clients: number;
  readonly counts: readonly StateCount[];
  readonly openAlerts: number;
}

interface IndexPage extends Pick<FleetPage, 'title' | 'zone' | 'sinceMs' | 'untilMs'> {
  readonly parts: readonly IndexPart[];
}

/** Counts the clients of a group for the index. */
export function indexPart(
  group: string | null,
  file: string,
  { clients, alerts }: { readonly clients: readonly PageClient[]; readonly alerts: readonly unknown[] },
): IndexPart {
  return { group, file, clients: clients.length, counts: stateCounts(clients), openAlerts: alerts.length };
}

/** Renders a page with a link to the report of each group, worst first. */
export function renderIndexPage({ title, zone, sinceMs, untilMs, parts }: IndexPage): string {
  const reader = { zone, nowMs: untilMs };
  const sorted = [...parts].sort((one, other) => compare(badness(other), badness(one)));
  const total = parts.reduce((sum, { clients }) => sum + clients, 0);
  const all = stateCounts([]).map((count, place) => ({
    ...count,
    clients: parts.reduce((sum, { counts }) => sum + (counts[place]?.clients ?? 0), 0),
  }));
  const body = markup`<header><h1>${title}</h1>
<p>${spanInWords(reader, sinceMs, untilMs)}, ${zoneInWords(reader)}</p>
${stateList(total, all)}</header>
<main><section aria-labelledby="groups"><h2 id="groups">Groups</h2>
<p class="count">${counted(parts.length, 'file')}, the worst first.</p>
<div class="scroll" tabindex="0" role="group" aria-labelledby="groups"><table class="plain"><thead><tr><th scope="col">Group</th><th scope="col">Clients</th><th scope="col">Open alerts</th><th scope="col">State</th></tr></thead>
<tbody>${sorted.map(
    ({ group, file, clients, counts, openAlerts }) =>
      markup`<tr><th scope="row"><a href="${encodeURIComponent(file)}">${group ?? 'without a group'}</a></th><td>${clients}</td><td>${openAlerts}</td><td>${stateList(null, counts)}</td></tr>\n`,
  )}</tbody></table></div></section></main>`;
  return htmlDocument({ title, body: body.html, style: styleText, script: '' });
}

/** Returns the counts of clients that want attention, the most urgent state first. */
function badness({ counts }: IndexPart): readonly number[] {
  return counts.slice(0, 4).map(({ clients }) => clients);
}

function compare(one: readonly number[], other: readonly number[]): number {
  return one.map((value, place) => value - (other[place] ?? 0)).find((difference) => difference !== 0) ?? 0;
}
