import path from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { formatSize } from '../../text/numbers.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { maxSealedBytes } from '../../report/seal/sealed-message.ts';
import { folderOfClient } from '../../state-folder/client-folder.ts';
import { sizeOf } from '../inbox/document-files.ts';
import { onDisk } from '../inbox/stored-files.ts';
import { rootOf, type ArrivedReport, type SealedSpool, type SpooledReport } from './sealed-spool.ts';

export interface SpoolBoundOptions {
  readonly spool: SealedSpool;
  /** The folder of the spool. */
  readonly dir: string;
  /** The inbox with the folders of sites. Default: none. */
  readonly inbox?: string | null;
  readonly maxBytes: number;
  /** The reports of earlier runs that wait. */
  readonly leftovers: readonly SpooledReport[];
  /** True at a site that forwards: its reports wait for the link. Default: false. */
  readonly isSite?: boolean;
}

/** A spool with a bound. */
export interface BoundSpool extends SealedSpool {
  /** Returns the bytes of the reports that wait. */
  waitingBytes(): number;
}

/** The divisor for the part of the spool that a single client may fill: an eighth, and at least `minShareBytes`. */
const sharers = 8;
const minShareBytes = 16 * 1024 * 1024;
/** The number of files that are examined in one turn of the event loop. */
const filesAtOnce = 1000;

/**
 * Bounds the reports that wait in a spool, without its quarantine, which has bounds of its own. Beyond the bound `add`
 * throws FleetError `spool-full`: the report is not acknowledged, and stays on its client.
 */
export async function boundSpool(options: SpoolBoundOptions): Promise<BoundSpool> {
  const { spool, dir, inbox = null, maxBytes, leftovers, isSite = false } = options;
  const awaited = isSite ? 'link' : 'database';
  const shareBytes = Math.min(maxBytes, Math.max(minShareBytes, maxBytes / sharers));
  const sizes = new Map<string, number>();
  let waitingBytes = await sizeAll(leftovers, sizes);
  const ofFolder = new Map<string, number>();
  const count = (file: string, bytes: number): void => {
    const folder = path.dirname(file);
    ofFolder.set(folder, (ofFolder.get(folder) ?? 0) + bytes);
  };
  for (const [file, size] of sizes) count(file, size);
  const ofClient = ({ client, origin = null }: ArrivedReport): number =>
    ofFolder.get(path.join(rootOf({ dir, inbox }, origin), folderOfClient(client))) ?? 0;
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
      if (ofClient(report) + size > shareBytes) {
        const waiting = `${formatSize(shareBytes)} of its sealed reports wait`;
        const message = `${client}: ${waiting}, the share of one client`;
        throw full({ client, message, awaited, meanwhile: 'its reports stay on the client' });
      }
      waitingBytes += size;
      try {
        const added = await spool.add(report);
        sizes.set(added.file, size);
        count(added.file, size);
        return added;
      } catch (thrown) {
        waitingBytes -= size;
        throw thrown;
      }
    },
    remove: (report) => {
      const size = sizes.get(report.file) ?? 0;
      spool.remove(report, size);
      waitingBytes -= size;
      count(report.file, -size);
      sizes.delete(report.file);
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
}

function full({ client, message, awaited, meanwhile }: Full): FleetError {
  const advice = `Bring the ${awaited} back, or raise <collector spool>; ${meanwhile} meanwhile.`;
  return new FleetError({ code: 'spool-full', stage: 'spool', message, advice, client });
}

async function sizeAll(reports: readonly SpooledReport[], sizes: Map<string, number>): Promise<number> {
  let sum = 0;
  for (const [index, { file }] of reports.entries()) {
    if (index % filesAtOnce === filesAtOnce - 1) await setImmediate();
    // A larger file is no report, and goes to quarantine.
    const size = onDisk(Math.min(maxSealedBytes, sizeOf(file)));
    sizes.set(file, size);
    sum += size;
  }
  return sum;
}
