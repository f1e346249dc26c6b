import path from 'node:path';

import type { Client } from '../../config/config.ts';
import { folderOfClient } from '../../state/client-folder.ts';

/** Whose a sealed file is, and which names its header may carry. */
export interface Owner {
  readonly client: string;
  readonly names: readonly string[];
}

export interface ClientNames {
  ownerOf(client: string): Owner;
  /** Of a sealed file in a folder whose name is a hash, by what the file's header says. */
  ownerOfFolder(file: string, headerName: string): Owner;
}

/** Knows the clients of the configuration by their names and their former ones. */
export function createClientNames(clients: readonly Pick<Client, 'name' | 'was'>[]): ClientNames {
  const byName = new Map<string, Owner>();
  for (const { name, was } of clients) byName.set(name, { client: name, names: was === null ? [name] : [name, was] });
  for (const { name, was } of clients) {
    const owner = byName.get(name);
    // A name that is in use again is its new bearer's.
    if (was !== null && owner !== undefined && !byName.has(was)) byName.set(was, owner);
  }
  let byFolder: ReadonlyMap<string, Owner> | null = null;
  return {
    ownerOf: (client) => byName.get(client) ?? { client, names: [client] },
    ownerOfFolder: (file, headerName) => {
      byFolder ??= new Map([...byName].map(([name, owner]) => [folderOfClient(name), owner]));
      const folder = path.basename(path.dirname(file));
      const known = byFolder.get(folder);
      if (known !== undefined) return known;
      // Of a client that left the configuration; a name that is not this folder's is refused as foreign.
      return folder === folderOfClient(headerName)
        ? { client: headerName, names: [headerName] }
        : { client: folder, names: [] };
    },
  };
}
