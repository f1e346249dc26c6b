/** src/collector/sealed-reports: `encrypted_stats/`: sealed reports between their arrival and their row. */
import path from 'node:path';

import type { Client } from '../../config/config.ts';
import { folderOfClient } from '../../state-folder/client-folder.ts';
import { clientsOfSites } from '../inbox/origins.ts';
import type { SpooledReport } from './sealed-names.ts';

/** The client of a sealed file, with the names that the file's header may contain. */
export interface Owner {
  readonly client: string;
  readonly names: readonly string[];
}

export type ClientNames = ReturnType<typeof createClientNames>;

/** Finds the clients of the configuration by their names and their former names. */
export function createClientNames(
  clients: readonly (Pick<Client, 'name' | 'was'> & Partial<Pick<Client, 'arrival' | 'state'>>)[],
) {
  const owners = clients.map(({ name, was }): Owner => ({ client: name, names: was === null ? [name] : [name, was] }));
  const current = owners.map((owner) => [owner.client, owner] as const);
  // A former name that is in use again belongs to its new client.
  const byName = new Map([...owners.flatMap((owner) => owner.names.map((name) => [name, owner] as const)), ...current]);
  let byFolder: ReadonlyMap<string, Owner> | null = null;
  const ownerOf = (client: string): Owner => byName.get(client) ?? { client, names: [client] };
  /** Returns the owner among the clients of a site. A report of any other client belongs to nobody, and is refused. */
  const ownerAtSite = (origin: string, name: string, file: string): Owner => {
    const client = clientsOfSites(clients).get(origin)?.clients.get(name);
    const isOfFolder = path.basename(path.dirname(file)) === folderOfClient(name);
    return client === undefined || !isOfFolder ? { client: name, names: [] } : ownerOf(client.name);
  };
  return {
    ownerOf,
    /** Returns the owner by the file's folder, or by the name in the header if the folder's name is a hash. */
    ownerOfFile: (
      { client, file, origin }: Pick<SpooledReport, 'client' | 'file' | 'origin'>,
      headerName: string,
    ): Owner => {
      if (origin !== null) return ownerAtSite(origin, client ?? headerName, file);
      if (client !== null) return ownerOf(client);
      byFolder ??= new Map([...byName].map(([name, owner]) => [folderOfClient(name), owner]));
      const folder = path.basename(path.dirname(file));
      const known = byFolder.get(folder);
      if (known !== undefined) return known;
      // The client left the configuration. A name that does not belong to this folder is refused as foreign.
      return folder === folderOfClient(headerName) ? ownerOf(headerName) : { client: folder, names: [] };
    },
  };
}
