import type { Config } from '../../config/config.ts';
import { statePaths, type StatePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import { measureFiles } from '../inbox/document-files.ts';
import { clientsOfSites, documentsOf, maxSiteDocuments, type Origin } from '../inbox/origins.ts';
import { loadKeyRing, loadSealingRing, type KeyRing } from '../keys/key-ring.ts';
import { measureSpool } from '../sealed-reports/scan-spool.ts';
import { openSealedSpool, type SealedSpool } from '../sealed-reports/sealed-spool.ts';
import { boundSpool } from '../sealed-reports/spool-bound.ts';

/** The part of the state folder for files that others bring. The next `collect` opens and stores them. */
export interface Receiver {
  readonly paths: StatePaths;
  readonly keyRing: KeyRing;
  /** The spool, whose bound includes the waiting reports. */
  readonly spool: SealedSpool;
  /**
   * True if so many visits wait in the inbox that more would only fill the disk, because no run has stored them for
   * long.
   */
  readonly isInboxFull: boolean;
  /** The bytes of documents that wait, by the names of sites. Read at their first use; the caller adds new bytes. */
  readonly documentBytes: Map<string, number>;
}

/**
 * The most documents. The visits of 10,000 clients in a day, every five minutes, are 2.9 million; the newest reports
 * hold the same information.
 */
const maxDocuments = 250_000;

/**
 * Opens the folders to receive files beside a run. Needs no lock, because files that a run has read do not change.
 * Throws FleetError `state-unusable` or `keys-invalid`.
 */
export async function openReceiver(config: Config, nowMs: number): Promise<Receiver> {
  const paths = statePaths(config.stateDir);
  claimStateFolder(paths, ['keys', 'publicKeys', 'encryptedStats', 'inbox']);
  const keyRing = ringOf(config, paths, nowMs);
  const { encryptedStats: dir, inbox } = paths;
  const sites = clientsOfSites(config.clients);
  const uses = await measureSpool({ dir, inbox }, sites);
  const { spoolBytes: maxBytes } = config.collector;
  const spool = boundSpool({ spool: openSealedSpool(dir, inbox), dir, inbox, maxBytes, uses, sites });
  const waiting = await measureFiles(documentsOf(paths, { kind: 'collector' }), maxDocuments, false);
  const isInboxFull = waiting.files >= maxDocuments;
  return { paths, keyRing, spool, isInboxFull, documentBytes: new Map() };
}

/** Returns the bytes of the documents of an origin that wait, in the blocks of most file systems. */
export async function waitingBytes(paths: StatePaths, origin: Origin): Promise<number> {
  return (await measureFiles(documentsOf(paths, origin), maxSiteDocuments)).bytes;
}

/** Returns the keys that clients seal to. Makes the first pair if there is none, as `collect` does. */
export function ringOf({ collector: { open } }: Config, paths: StatePaths, nowMs: number): KeyRing {
  return open ? loadKeyRing(paths, nowMs) : loadSealingRing(paths, nowMs);
}
