import { amount } from './figures.ts';
import { type Markup, markup } from './markup.ts';
import type { PageClient } from './page.ts';

/** A state by which clients are counted. */
interface CountedState {
  /** The class that gives the colour, and the value of a query for these clients. */
  readonly state: string;
  readonly words: string;
  readonly is: (client: Pick<PageClient, 'state' | 'worst'>) => boolean;
}

/** The counted states, the most urgent first. */
export const countedStates: readonly CountedState[] = [
  { state: 'critical', words: 'critical', is: ({ worst }) => worst === 'critical' },
  { state: 'warning', words: 'warning', is: ({ worst }) => worst === 'warning' },
  { state: 'failing', words: 'failing', is: ({ state }) => state === 'failing' },
  { state: 'late', words: 'late', is: ({ state }) => state === 'late' },
  { state: 'fine', words: 'well', is: ({ state, worst }) => state === 'ok' && worst === null },
  { state: 'new', words: 'not visited yet', is: ({ state }) => state === 'new' },
  { state: 'paused', words: 'paused or retired', is: ({ state }) => state === 'paused' || state === 'retired' },
];

/** The number of clients in a state. */
export interface StateCount extends Omit<CountedState, 'is'> {
  readonly clients: number;
}

/** Counts each client once, in the first of its states: the states that want attention come first. */
export function stateCounts(clients: readonly PageClient[]): readonly StateCount[] {
  const counts = countedStates.map(() => 0);
  for (const client of clients) {
    const place = countedStates.findIndex(({ is }) => is(client));
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return countedStates.map(({ state, words }, place) => ({ state, words, clients: counts[place] ?? 0 }));
}

/** Renders the counts as a list, after the total unless it is null. */
export function stateList(total: number | null, counts: readonly StateCount[]): Markup {
  return markup`<ul class="states">${total !== null && markup`<li>${amount(total, 'client')}</li>`}${counts.map(
    ({ state, words, clients }) => clients > 0 && markup`<li class="${state}"><b>${amount(clients)}</b> ${words}</li>`,
  )}</ul>`;
}
