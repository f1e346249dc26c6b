import type { Config } from '../../config/config.ts';
import type { ClientFacts, ReportStore } from '../../storage/store/storage.ts';
import type { CollectOptions } from '../collect-options.ts';

export interface FollowRenamesOptions {
  readonly config: Pick<Config, 'clients'>;
  readonly observe: CollectOptions['observe'];
}

/** Gives rows of clients that config.xml calls otherwise now their new name. Returns what is known of all clients then. */
export async function followRenames(
  { config, observe }: FollowRenamesOptions,
  store: ReportStore,
): Promise<ReadonlyMap<string, ClientFacts>> {
  const facts = await store.clientFacts();
  const names = new Set(config.clients.map((client) => client.name));
  let renamed = 0;
  for (const { name, was } of config.clients) {
    // A former name that is in use again belongs to its new bearer.
    if (was === null || !facts.has(was) || names.has(was)) continue;
    if (!(await store.renameClient(was, name))) continue;
    observe({ kind: 'note', message: `${was} is now called ${name}` });
    renamed++;
  }
  return renamed === 0 ? facts : await store.clientFacts();
}
