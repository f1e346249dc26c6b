import type { Config } from '../../config/config.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { folderOfClient } from '../../state-folder/client-folder.ts';
import { isDocumentName, writeDocumentBytes } from '../inbox/document-files.ts';
import {
  allowances,
  clientsOfSites,
  documentsFolder,
  documentsOf,
  folderOfSite,
  type SiteClients,
} from '../inbox/origins.ts';
import { parseSealedName } from '../sealed-reports/sealed-names.ts';
import { onDisk } from '../inbox/document-files.ts';
import { waitingBytes, type Receiver } from './receiver.ts';

export interface ReceiveSiteFileOptions {
  readonly receiver: Pick<Receiver, 'paths' | 'spool' | 'documentBytes'>;
  readonly config: Pick<Config, 'clients'>;
  /** The sender, authenticated by the MAC of the request. */
  readonly site: string;
  /** The folder and name at the site: a client's and that of a sealed report, or a document's. */
  readonly folder: string;
  readonly name: string;
  readonly body: Buffer;
}

/**
 * Writes a file of a site into its folder of the inbox. Resolves to null once the file would survive a loss of power,
 * else to the reason why the site may not bring a file of this name. Accepts an empty file, a trial of the link, and
 * writes nothing. Throws FleetError `spool-full` or `state-unusable`.
 */
export async function receiveSiteFile(options: ReceiveSiteFileOptions): Promise<string | null> {
  const { receiver, config, site, folder, name, body } = options;
  if (body.length === 0) return null;
  if (folder === documentsFolder && isDocumentName(name)) {
    await keepDocument(options);
    return null;
  }
  const named = parseSealedName(name);
  if (named === null) return `${JSON.stringify(name)} is the name of no report and no document`;
  const origin = folderOfSite(site);
  const own = clientsOfSites(config.clients).get(origin);
  const client = own === undefined ? undefined : namesByFolder(own).get(folder);
  if (client === undefined) return `config.xml does not give ${JSON.stringify(folder)} to it`;
  await receiver.spool.add({ client, origin, sealed: body, ...named });
  return null;
}

const namesByFolder = rememberedWeakly(
  ({ clients }: SiteClients) => new Map([...clients.keys()].map((name) => [folderOfClient(name), name])),
);

async function keepDocument({ receiver, site, name, body }: ReceiveSiteFileOptions): Promise<void> {
  const { paths, documentBytes } = receiver;
  const origin = { kind: 'site', site } as const;
  const measured = documentBytes.get(site) ?? (await waitingBytes(paths, origin));
  // Other documents of the site may have come meanwhile.
  const waiting = documentBytes.get(site) ?? measured;
  if (waiting >= allowances.site.maxBytes) {
    const message = `site ${site}: ${waiting} bytes of its visits and runs wait to be stored: look at the runs of collect`;
    throw new FleetError({ code: 'spool-full', stage: 'spool', message });
  }
  documentBytes.set(site, waiting + onDisk(body.length));
  await writeDocumentBytes(documentsOf(paths, origin), name, body);
}
