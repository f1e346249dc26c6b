import type { ClientFacts, Storage } from '../../storage/store/storage.ts';
import type { CollectOptions } from '../collect-options.ts';

/** Renames the rows of clients that have a new name in config.xml. Returns the facts of all clients afterwards. */
export async function followRenames(
  { config, observe }: Pick<CollectOptions, 'config' | 'observe'>,
  { reports, retention }: Pick<Storage, 'reports' | 'retention'>,
): Promise<ReadonlyMap<string, ClientFacts>> {
  const facts = await reports.clientFacts();
  const names = new Set(config.clients.map((client) => client.name));
  let renamed = 0;
  for (const { name, was } of config.clients) {
    // A former name that is in use again belongs to its new client.
    if (was === null || !facts.has(was) || names.has(was)) continue;
    if (!(await retention.renameClient(was, name))) continue;
    observe({ kind: 'note', message: `${was} is now called ${name}` });
    renamed++;
  }
  return renamed === 0 ? facts : await reports.clientFacts();
}
