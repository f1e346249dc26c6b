import { lstatSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { formatSize } from '../../text/numbers.ts';
import { FleetError } from '../../errors.ts';
import { maxSealedBytes } from '../../seal/sealed-message.ts';
import { folderOfClient } from '../../state/client-folder.ts';
import type { SealedSpool, SpooledReport } from './sealed-spool.ts';

export interface SpoolBoundOptions {
  readonly spool: SealedSpool;
  /** Named in what is said. */
  readonly dir: string;
  readonly maxBytes: number;
  /** What earlier runs left. */
  readonly leftovers: readonly SpooledReport[];
}

/** What a file takes of most file systems. */
const blockBytes = 4096;
/** One client may fill this part of the spool, and so much in any case. */
const sharers = 8;
const leastShareBytes = 16 * 1024 * 1024;
/** Files that are looked at between two pauses for whatever else goes on in this process. */
const filesAtOnce = 1000;

/**
 * The spool with a bound on what may wait in it, quarantine aside, which has bounds of its own: beyond it a report is
 * refused with FleetError `spool-full`, is not acknowledged, and stays with its client.
 */
export async function boundSpool({ spool, dir, maxBytes, leftovers }: SpoolBoundOptions): Promise<SealedSpool> {
  // Nearly always a few files, or none: then their sizes do not matter.
  const shareBytes = Math.min(maxBytes, Math.max(leastShareBytes, maxBytes / sharers));
  const matters = leftovers.length * (maxSealedBytes + blockBytes) > shareBytes;
  const sizes = new Map<string, number>();
  let waitingBytes = matters ? await sizeAll(leftovers, sizes) : 0;
  const ofFolder = new Map<string, number>();
  const count = (file: string, bytes: number): void => {
    const folder = path.dirname(file);
    ofFolder.set(folder, (ofFolder.get(folder) ?? 0) + bytes);
  };
  for (const [file, size] of sizes) count(file, size);
  const ofClient = (client: string): number => ofFolder.get(path.join(dir, folderOfClient(client))) ?? 0;
  return {
    ...spool,
    add: async (report) => {
      const size = onDisk(report.sealed.length);
      if (waitingBytes + size > maxBytes) {
        throw new FleetError({
          code: 'spool-full',
          stage: 'spool',
          message: `${dir}: ${formatSize(maxBytes)} of sealed reports wait for the database, the limit of <collector spool>`,
          advice: 'Bring the database back, or raise <collector spool>; reports stay on the clients meanwhile.',
          client: report.client,
        });
      }
      if (ofClient(report.client) + size > shareBytes) {
        throw new FleetError({
          code: 'spool-full',
          stage: 'spool',
          message: `${report.client}: ${formatSize(shareBytes)} of its sealed reports wait, the share of one client`,
          advice: 'Bring the database back, or raise <collector spool>; its reports stay on the client meanwhile.',
          client: report.client,
        });
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
      spool.remove(report);
      const size = sizes.get(report.file) ?? 0;
      waitingBytes -= size;
      count(report.file, -size);
      sizes.delete(report.file);
    },
  };
}

async function sizeAll(reports: readonly SpooledReport[], sizes: Map<string, number>): Promise<number> {
  let sum = 0;
  for (const [index, { file }] of reports.entries()) {
    if (index % filesAtOnce === filesAtOnce - 1) await setImmediate();
    const size = onDisk(lstatSync(file, { throwIfNoEntry: false })?.size ?? 0);
    sizes.set(file, size);
    sum += size;
  }
  return sum;
}

function onDisk(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}
