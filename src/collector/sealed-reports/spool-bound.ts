import path from 'node:path';

import { formatSize } from '../../text/numbers.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { folderOfClient } from '../../state-folder/client-folder.ts';
import { onDisk } from '../inbox/document-files.ts';
import { mostOfSite, type FolderUse, type KnownSites } from './scan-spool.ts';
import { rootOf, type ArrivedReport, type SpooledReport } from './sealed-names.ts';
import type { SealedSpool } from './sealed-spool.ts';

export interface SpoolBoundOptions {
  readonly spool: SealedSpool;
  /** The folder of the spool. */
  readonly dir: string;
  /** The inbox with the folders of sites. Default: none. */
  readonly inbox?: string | null;
  readonly maxBytes: number;
  /** The reports of earlier runs that wait. Default: none, or those of `uses`. */
  readonly leftovers?: readonly SpooledReport[];
  /** The reports that wait in each folder, for a spool that removes none. Default: those of `leftovers`. */
  readonly uses?: ReadonlyMap<string, FolderUse>;
  /** The clients of sites. Default: none. */
  readonly sites?: KnownSites;
  /** True at a site that forwards: its reports wait for the link. Default: false. */
  readonly isSite?: boolean;
}

const noUses: ReadonlyMap<string, FolderUse> = new Map();

/** A spool with a bound. */
export interface BoundSpool extends SealedSpool {
  /** Returns the bytes of the reports that wait. */
  waitingBytes(): number;
}

/** The divisor for the part of the spool that a single client may fill: an eighth, and at least `minShareBytes`. */
const sharers = 8;
const minShareBytes = 16 * 1024 * 1024;
/**
 * The most reports of one client: two weeks of visits every five minutes. A run reads the name of each, so a bound in
 * bytes alone would let a client's small files delay it.
 */
export const maxFilesOfClient = 4096;

/**
 * Bounds the reports that wait in a spool, without its quarantine, which has bounds of its own. Beyond the bound `add`
 * throws FleetError `spool-full`: the report is not acknowledged, and stays on its client.
 */
export function boundSpool(options: SpoolBoundOptions): BoundSpool {
  const { spool, dir, inbox = null, maxBytes, leftovers = [], uses = noUses, sites, isSite = false } = options;
  const awaited = isSite ? 'link' : 'database';
  const shareBytes = Math.min(maxBytes, Math.max(minShareBytes, maxBytes / sharers));
  const sizes = new Map<string, number>();
  let waitingBytes = 0;
  const ofFolder = new Map<string, FolderUse>();
  const ofRoot = new Map<string, number>();
  const count = (folder: string, bytes: number, files: number): void => {
    const use = ofFolder.get(folder) ?? { files: 0, bytes: 0 };
    ofFolder.set(folder, { files: use.files + files, bytes: use.bytes + bytes });
    const root = path.dirname(folder);
    ofRoot.set(root, (ofRoot.get(root) ?? 0) + files);
    waitingBytes += bytes;
  };
  for (const [folder, { files, bytes }] of uses) count(folder, bytes, files);
  for (const { file, bytes } of leftovers) {
    sizes.set(file, bytes);
    count(path.dirname(file), bytes, 1);
  }
  const refuseMany = ({ client, origin = null }: ArrivedReport, root: string, folder: string): void => {
    const ofClient = ofFolder.get(folder)?.files ?? 0;
    const mostOfOrigin = origin === null ? Infinity : mostOfSite(sites?.get(origin)?.clients.size ?? 0);
    const isSiteFull = (ofRoot.get(root) ?? 0) >= mostOfOrigin;
    if (ofClient < maxFilesOfClient && !isSiteFull) return;
    const [of, most, whose] = isSiteFull ? [origin, mostOfOrigin, 'site'] : [client, maxFilesOfClient, 'client'];
    const message = `${of}: ${most} of its sealed reports wait, the most of one ${whose}`;
    throw full({ client, message, awaited, meanwhile: 'its further reports stay where they are', isOfNumber: true });
  };
  return {
    ...spool,
    waitingBytes: () => waitingBytes,
    add: async (report) => {
      const { client } = report;
      const size = onDisk(report.sealed.length);
      if (waitingBytes + size > maxBytes) {
        const waiting = `${formatSize(maxBytes)} of sealed reports wait for the ${awaited}`;
        const message = `${dir}: ${waiting}, the limit of <collector spool>`;
        throw full({ client, message, awaited, meanwhile: 'reports stay on the clients' });
      }
      const root = rootOf({ dir, inbox }, report.origin ?? null);
      const folder = path.join(root, folderOfClient(client));
      refuseMany(report, root, folder);
      if ((ofFolder.get(folder)?.bytes ?? 0) + size > shareBytes) {
        const waiting = `${formatSize(shareBytes)} of its sealed reports wait`;
        const message = `${client}: ${waiting}, the share of one client`;
        throw full({ client, message, awaited, meanwhile: 'its reports stay on the client' });
      }
      count(folder, size, 1);
      try {
        const added = await spool.add(report);
        // A report that is sent again replaces its file.
        const before = sizes.get(added.file);
        if (before !== undefined) count(folder, -before, -1);
        if (uses.size === 0) sizes.set(added.file, size);
        return added;
      } catch (thrown) {
        count(folder, -size, -1);
        throw thrown;
      }
    },
    remove: (report) => {
      const size = sizes.get(report.file) ?? 0;
      spool.remove(report, size);
      count(path.dirname(report.file), -size, sizes.delete(report.file) ? -1 : 0);
    },
  };
}

interface Full {
  readonly client: string;
  readonly message: string;
  /** `link` or `database`: the reports wait for it. */
  readonly awaited: string;
  /** The consequence for further reports, in words. */
  readonly meanwhile: string;
  /** True if there are too many. Default: false, they are too large. */
  readonly isOfNumber?: boolean;
}

function full({ client, message, awaited, meanwhile, isOfNumber = false }: Full): FleetError {
  const more = isOfNumber ? '' : ', or raise <collector spool>';
  const advice = `Bring the ${awaited} back${more}; ${meanwhile} meanwhile.`;
  return new FleetError({ code: 'spool-full', stage: 'spool', message, advice, client });
}
