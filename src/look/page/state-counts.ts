import { amount } from './figures.ts';
import { type Markup, markup } from './markup.ts';
import type { PageClient } from './page.ts';

/** The facts of a client that decide its state. */
type CountedClient = Pick<PageClient, 'state' | 'worst'>;

/** A state by which clients are counted. */
interface CountedState {
  /** The class that gives the colour, and the value of a query for these clients. */
  readonly state: string;
  readonly words: string;
  readonly is: (client: CountedClient) => boolean;
}

/** The counted states, the most urgent first. */
const countedStates: readonly CountedState[] = [
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

/** Returns the state under which a client is counted: the first of its states. Those that want attention come first. */
export function countedState(client: CountedClient): string {
  return countedStates.find(({ is }) => is(client))?.state ?? '';
}

/** True if clients are counted by a state of this name. */
export function isCountedState(name: string): boolean {
  return countedStates.some(({ state }) => state === name);
}

/** Counts each client once. Every page and report counts by this function. */
export function stateCounts(clients: readonly CountedClient[]): readonly StateCount[] {
  const counts = new Map<string, number>();
  for (const state of clients.map(countedState)) counts.set(state, (counts.get(state) ?? 0) + 1);
  return countedStates.map(({ state, words }) => ({ state, words, clients: counts.get(state) ?? 0 }));
}

/** Renders the counts as a list, after the total unless it is null. */
export function stateList(total: number | null, counts: readonly StateCount[]): Markup {
  return markup`<ul class="states">${total !== null && markup`<li>${amount(total, 'client')}</li>`}${counts.map(
    ({ state, words, clients }) => clients > 0 && markup`<li class="${state}"><b>${amount(clients)}</b> ${words}</li>`,
  )}</ul>`;
}
