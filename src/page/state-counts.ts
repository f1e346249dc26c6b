import { amount } from './figures.ts';
import { type Markup, markup } from './markup.ts';
import type { PageClient } from './page.ts';

/** The number of clients in a state. */
export interface StateCount {
  /** The class that gives the colour. */
  readonly level: string;
  readonly words: string;
  readonly clients: number;
}

const states: readonly (readonly [level: string, words: string, is: (client: PageClient) => boolean])[] = [
  ['critical', 'critical', ({ worst }) => worst === 'critical'],
  ['warning', 'warning', ({ worst }) => worst === 'warning'],
  ['failing', 'failing', ({ state }) => state === 'failing'],
  ['failing', 'late', ({ state }) => state === 'late'],
  ['fine', 'well', ({ state }) => state === 'ok'],
  ['new', 'not visited yet', ({ state }) => state === 'new'],
  ['paused', 'paused or retired', ({ state }) => state === 'paused' || state === 'retired'],
];

/** Counts each client once, in the first of its states: the states that want attention come first. */
export function stateCounts(clients: readonly PageClient[]): readonly StateCount[] {
  const counts = states.map(() => 0);
  for (const client of clients) {
    const place = states.findIndex(([, , is]) => is(client));
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return states.map(([level, words], place) => ({ level, words, clients: counts[place] ?? 0 }));
}

/** Renders the counts as a list, after the total unless it is null. */
export function stateList(total: number | null, counts: readonly StateCount[]): Markup {
  return markup`<ul class="states">${total !== null && markup`<li>${amount(total, 'client')}</li>`}${counts.map(
    ({ level, words, clients }) => clients > 0 && markup`<li class="${level}"><b>${amount(clients)}</b> ${words}</li>`,
  )}</ul>`;
}
