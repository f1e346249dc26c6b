import type { PageChange } from '../page/page.ts';
import type { ChangeStore, StoredChange } from '../storage/store/digest-store.ts';
import { changeWords } from '../text/change-words.ts';

/** The most changes of a span that are drawn. */
const maxDrawn = 1000;
/** The number of changes that are listed of a client. */
const maxListed = 20;

/** The changes of a client's state within a span that ends now. */
export interface ClientChanges {
  readonly timesMs: readonly number[];
  /** The newest changes, newest first. */
  readonly newest: readonly PageChange[];
  /** The number of older ones. */
  readonly older: number;
}

/** Reads the changes of a client since a time. */
export async function readClientChanges(store: ChangeStore, client: string, sinceMs: number): Promise<ClientChanges> {
  const changes = await store.changes([client], sinceMs, maxDrawn);
  const newest = changes.slice(-maxListed).reverse().map(pageChange);
  return { timesMs: changes.map(({ latestAtMs }) => latestAtMs), newest, older: changes.length - newest.length };
}

function pageChange(change: StoredChange): PageChange {
  return { foundAtMs: change.latestAtMs, words: changeWords(change) };
}
