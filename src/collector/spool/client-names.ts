import path from 'node:path';

import type { Client } from '../../config/config.ts';
import { folderOfClient } from '../../state/client-folder.ts';
import type { SpooledReport } from './sealed-spool.ts';

/** The client of a sealed file, with the names that the file's header may contain. */
export interface Owner {
  readonly client: string;
  readonly names: readonly string[];
}

export type ClientNames = ReturnType<typeof createClientNames>;

/** Finds the clients of the configuration by their names and their former names. */
export function createClientNames(clients: readonly Pick<Client, 'name' | 'was'>[]) {
  const owners = clients.map(({ name, was }): Owner => ({ client: name, names: was === null ? [name] : [name, was] }));
  const current = owners.map((owner) => [owner.client, owner] as const);
  // A former name that is in use again belongs to its new client.
  const byName = new Map([...owners.flatMap((owner) => owner.names.map((name) => [name, owner] as const)), ...current]);
  let byFolder: ReadonlyMap<string, Owner> | null = null;
  const ownerOf = (client: string): Owner => byName.get(client) ?? { client, names: [client] };
  return {
    ownerOf,
    /** Returns the owner by the file's folder, or by the name in the header if the folder's name is a hash. */
    ownerOfFile: ({ client, file }: Pick<SpooledReport, 'client' | 'file'>, headerName: string): Owner => {
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
