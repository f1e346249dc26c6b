import path from 'node:path';

import { remembered } from '../../platform/remembered.ts';
import { sharedSync } from '../../state-folder/durable-file.ts';
import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { SealFault } from '../../report/seal/seal-fault.ts';
import { maxSealedBytes } from '../../report/seal/sealed-message.ts';
import { folderOfClient } from '../../state-folder/client-folder.ts';
import {
  HeldFolder,
  isOfFolder,
  isWritable,
  makeHeldFolder,
  NoPlainFile,
  readHeld,
} from '../../state-folder/held-folder.ts';
import { onDisk, removeStored } from '../inbox/document-files.ts';
import type { Keep } from '../inbox/stored-files.ts';
import type { ReceivedReport } from '../agent/agent-stream.ts';
import { clockFactsOf } from './clock-facts.ts';
import { scanSpool, type KnownSites } from './scan-spool.ts';
import { fileName, rootOf, type ArrivedReport, type SpooledReport, type SpoolScan } from './sealed-names.ts';

/**
 * The folder encrypted_stats/: sealed reports between their arrival and their row in the database.
 * The file's name holds all facts for storing besides the sealed bytes, so that one rename makes them durable:
 * `<client>/<report id>.<received at>.<clock offset>.<monotonic zero>.<boot id or ->.fhs`, times in milliseconds. A
 * file named only `<report id>.fhs` is accepted too; its time of change counts as its arrival. The folder of a site in
 * inbox/ has the same form: the site's collector forwards its files.
 */
export interface SealedSpool {
  /**
   * Stores a report. Resolves once it survives a power loss. Throws FleetError `spool-full` or `state-unusable`, and
   * `inbox-strange` if the folder of this client alone cannot be used.
   */
  add(report: ArrivedReport): Promise<SpooledReport>;
  /**
   * Finds the reports of earlier runs, as many as one run takes up. The holder of the lock also removes old, partly
   * written files, and what sites have put there in masses and is no report.
   */
  scan(holdsLock?: boolean, sites?: KnownSites): Promise<SpoolScan>;
  /** Hands over a report that has become a row, or removes one that another collector has. */
  remove(report: SpooledReport, bytes?: number): void;
}

/** Returns a report as a visit has received it, with the client's clocks by its hello frame. */
export function arrivedReport(client: string, received: ReceivedReport): ArrivedReport {
  const { sealed, header, receivedAtMs, hello } = received;
  return { client, reportId: header.reportId, sealed, receivedAtMs, clock: clockFactsOf(hello) };
}

/** Opens the folder of sealed reports, and with `inbox` those of the sites there. `keep` takes what is removed. */
export function openSealedSpool(dir: string, inbox: string | null = null, keep: Keep = removeStored): SealedSpool {
  const madeFolders = new Map<string, Promise<void>>();
  const syncOf = remembered((parent: string) => sharedSync(parent));
  const makeClientFolder = async (folder: string): Promise<void> => {
    makeHeldFolder(path.dirname(folder));
    // A first run makes a folder for each client: these share syncs.
    makeHeldFolder(folder, () => undefined);
    await syncOf(path.dirname(folder))();
    if (path.dirname(folder) !== dir && inbox !== null) await syncOf(inbox)();
  };
  const folderReady = (folder: string): Promise<void> => {
    const ready = madeFolders.get(folder) ?? makeClientFolder(folder);
    madeFolders.set(folder, ready);
    // The next report tries again.
    ready.catch(() => madeFolders.delete(folder));
    return ready;
  };

  return {
    add: async (report) => {
      const { client, receivedAtMs, clock, origin = null } = report;
      const folder = path.join(rootOf({ dir, inbox }, origin), folderOfClient(client));
      const name = fileName(report);
      let held: HeldFolder | null = null;
      try {
        await folderReady(folder);
        held = new HeldFolder(folder);
        await held.writeSynced(name, report.sealed);
      } catch (thrown) {
        throw spoolError(thrown, client, rootOf({ dir, inbox }, origin));
      } finally {
        held?.close();
      }
      const bytes = onDisk(report.sealed.length);
      return { client, file: path.join(folder, name), receivedAtMs, clock, origin, bytes };
    },
    scan: (holdsLock, sites) => scanSpool({ dir, inbox }, holdsLock, sites),
    remove: ({ file }, bytes) => keep(file, bytes === undefined ? {} : { bytes }),
  };
}

/**
 * Reads a sealed report, without the thread pool, which would cost more than the read. Throws SealFault `seal-corrupt`
 * or `report-too-large`, or errors of fs.
 */
export function readSealed(file: string): Buffer {
  try {
    return readHeld(file, maxSealedBytes);
  } catch (thrown) {
    if (!(thrown instanceof NoPlainFile)) throw thrown;
    const { sizeBytes, message } = thrown;
    if (sizeBytes === null) throw new SealFault('seal-corrupt', message, thrown);
    throw new SealFault('report-too-large', `a sealed report of ${sizeBytes} bytes`, thrown);
  }
}

const fullCodes: readonly (string | null)[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG'];

/** Returns the error of a report that cannot be written. `inbox-strange` concerns this client's folder alone. */
function spoolError(thrown: unknown, client: string, root: string): FleetError {
  const code = isOfFolder(thrown) && isWritable(root) ? 'inbox-strange' : 'state-unusable';
  return new FleetError({
    code: fullCodes.includes(errnoOf(thrown)) ? 'spool-full' : code,
    stage: 'spool',
    // A full disk does not depend on one file.
    message: `${root}: ${messageOf(thrown)}`,
    client,
    cause: thrown,
  });
}
