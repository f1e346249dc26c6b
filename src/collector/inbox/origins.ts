/** The origins of files in the inbox: who has proved to have brought a file, and what it may contain. */
import path from 'node:path';

import type { Client } from '../../config/config.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { folderOfClient } from '../../state-folder/client-folder.ts';
import { namesIn } from '../../state-folder/folder-entries.ts';
import { siteMark, type StatePaths } from '../../state-folder/paths.ts';
import { blockBytes } from './document-files.ts';

export type Origin = { readonly kind: 'collector' | 'events' } | { readonly kind: 'site'; readonly site: string };

/** The records of a document. */
export type RecordKind = 'runs' | 'visits' | 'events';

/** The documents that an origin may bring. Records of another kind are dropped and counted. */
export interface Allowance {
  readonly records: readonly RecordKind[];
  /**
   * True if the origin is another machine: its records count only about the clients that config.xml gives to it, with
   * one visit of each client in a run.
   */
  readonly isForeign: boolean;
  /** The most runs that count in an interval `every`: that of cron, and some by hand. */
  readonly maxRuns: number;
  /** The most bytes of documents that wait. */
  readonly maxBytes: number;
  /** The most bytes of one document. */
  readonly maxDocumentBytes: number;
  /** The most documents that one run of `collect` stores. */
  readonly maxDocuments: number;
}

const mib = 1024 * 1024;

/**
 * The table of origins. A client brings sealed reports alone, to `encrypted_stats/CLIENT`; the collector makes the
 * record of a visit that a client began. A site brings those of its clients, each in the folder of the client. In both
 * the header of a report has to name the client of its folder.
 */
export const allowances = {
  collector: {
    records: ['runs', 'visits'],
    isForeign: false,
    maxRuns: Infinity,
    maxBytes: 256 * mib,
    maxDocumentBytes: 64 * mib,
    maxDocuments: Infinity,
  },
  site: {
    records: ['runs', 'visits'],
    isForeign: true,
    maxRuns: 4,
    maxBytes: 32 * mib,
    maxDocumentBytes: 2 * mib,
    maxDocuments: 500,
  },
  events: {
    records: ['events'],
    isForeign: false,
    maxRuns: Infinity,
    maxBytes: 64 * mib,
    maxDocumentBytes: 64 * mib,
    maxDocuments: Infinity,
  },
} as const satisfies Readonly<Record<Origin['kind'], Allowance>>;

/**
 * Returns the most bytes of a site's documents that one run of `collect` reads: one document of any size, and dozens of
 * visits of each client. Reading takes time before the run's own visits, even if nothing of the documents counts.
 */
export function maxRunBytes(clients: number): number {
  const { maxBytes, maxDocumentBytes } = allowances.site;
  return Math.min(maxBytes, maxDocumentBytes + clients * 16 * 1024);
}

/** The most documents of a site that wait: all that fit into its bytes, at a block each. */
export const maxSiteDocuments = allowances.site.maxBytes / blockBytes;

/** The folder of documents in an origin's folder of the inbox, and the collector's own folder there. */
export const documentsFolder = 'collector';

/** Returns the name of a site's folder in the inbox. */
export function folderOfSite(site: string): string {
  return `${siteMark}${folderOfClient(site)}`;
}

/** Returns the names of the sites' folders in the inbox. Throws FleetError `state-unusable`. */
export function siteFolders(inbox: string): readonly string[] {
  return namesIn(inbox, (entry) => entry.isDirectory() && entry.name.startsWith(siteMark));
}

/** Returns the names of siteFolders, and of links and files in the place of such a folder. Throws as it does. */
export function siteEntries(inbox: string): readonly string[] {
  return namesIn(inbox, (entry) => entry.name.startsWith(siteMark));
}

/** Returns the folder of an origin's documents. */
export function documentsOf({ inbox }: Pick<StatePaths, 'inbox'>, origin: Origin): string {
  if (origin.kind === 'site') return path.join(inbox, folderOfSite(origin.site), documentsFolder);
  return path.join(inbox, origin.kind === 'events' ? 'events' : documentsFolder);
}

/** The clients of a site, by their names and their former names. */
export interface SiteClients {
  readonly site: string;
  readonly clients: ReadonlyMap<string, Client>;
}

type Assigned = Pick<Client, 'name' | 'was'> & Partial<Pick<Client, 'arrival' | 'state'>>;

/** Returns the clients that config.xml gives to sites, by the sites' folders in the inbox. */
export const clientsOfSites: (clients: readonly Assigned[]) => ReadonlyMap<string, SiteClients> = rememberedWeakly(
  (clients: readonly Assigned[]) => {
    const sites = new Map<string, { readonly site: string; readonly clients: Map<string, Client> }>();
    for (const client of clients) {
      const { arrival, name, was, state } = client;
      if (arrival?.kind !== 'site' || state === 'retired') continue;
      const folder = folderOfSite(arrival.site);
      const own = sites.get(folder) ?? { site: arrival.site, clients: new Map<string, Client>() };
      sites.set(folder, own);
      if (was !== null && !own.clients.has(was)) own.clients.set(was, client as Client);
      own.clients.set(name, client as Client);
    }
    return sites;
  },
);

/** Returns the members of all lists: first the first of each, then the second of each. */
export function inTurns<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const members: T[] = [];
  let open = lists;
  for (let turn = 0; open.length > 0; turn++) {
    open = open.filter(({ length }) => turn < length);
    for (const list of open) for (const one of list.slice(turn, turn + 1)) members.push(one);
  }
  return members;
}
