import type { PageChange } from '../page/page.ts';
import type { CauseStore, ChangeStore, StoredChange } from '../../storage/store/digest-store.ts';
import type { Grid } from '../../storage/store/look-store.ts';
import { changeWords } from '../../text/change-words.ts';

/** The most changes of a span that are counted, and the most ticks of a plot. */
const maxCounted = 1000;
/** The number of changes that are listed of a client. */
const maxListed = 20;

/** The changes of a client's state within a span that ends now. */
export interface ClientChanges {
  /** The newest changes, newest first. */
  readonly newest: readonly PageChange[];
  /** The number of older ones. */
  readonly older: number;
}

/** Reads the changes of a client since a time. */
export async function readClientChanges(store: ChangeStore, client: string, sinceMs: number): Promise<ClientChanges> {
  const changes = await store.changes([client], sinceMs, maxCounted);
  const newest = changes.slice(-maxListed).reverse().map(pageChange);
  return { newest, older: changes.length - newest.length };
}

/** Returns a stored change in words. */
export function pageChange(change: StoredChange): PageChange {
  return { foundAtMs: change.latestAtMs, words: changeWords(change) };
}

/** Reads the times for the ticks of plots: those at which changes of clients were found within the span of a grid. */
export async function readChangeTimes(
  causes: Pick<CauseStore, 'changeTimes'>,
  clients: readonly string[],
  { sinceMs, untilMs }: Pick<Grid, 'sinceMs' | 'untilMs'>,
): Promise<ReadonlyMap<string, readonly number[]>> {
  // Restless items have ticks too.
  const times = await causes.changeTimes(clients, { afterMs: sinceMs, untilMs }, null);
  return new Map([...times].map(([client, own]) => [client, own.slice(-maxCounted)]));
}
