import type { Config } from '../../config/config.ts';
import { statePaths, type StatePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import { loadKeyRing, loadSealingRing, type KeyRing } from '../keys/key-ring.ts';
import { journalSizes } from '../pass/journal-files.ts';
import { openSealedSpool, type SealedSpool } from '../spool/sealed-spool.ts';
import { boundSpool } from '../spool/spool-bound.ts';

/** The part of the state folder for pushed reports. The next `collect` opens and stores them. */
export interface Receiver {
  readonly paths: StatePaths;
  readonly keyRing: KeyRing;
  /** The spool, whose bound includes the waiting reports. */
  readonly spool: SealedSpool;
  /**
   * True if so many visits wait in the journal that more would only fill the disk, because no run has stored them for
   * long.
   */
  readonly isJournalFull: boolean;
  /** The bytes that wait in the journal of each site, by `siteId`. The caller adds new bytes. */
  readonly journalBytes: Map<string, number>;
}

/**
 * The most journals. The visits of 10,000 clients in a day, every five minutes, are 2.9 million; the newest reports
 * hold the same information.
 */
const mostJournals = 250_000;

/**
 * Opens the folders to receive reports beside a run. Needs no lock, because files that a run has read do not change.
 * Throws FleetError `state-unusable` or `keys-invalid`.
 */
export async function openReceiver(config: Config, nowMs: number): Promise<Receiver> {
  const paths = statePaths(config.stateDir);
  claimStateFolder(paths, ['keys', 'publicKeys', 'encryptedStats', 'journal']);
  const keyRing = ringOf(config, paths, nowMs);
  const unbounded = openSealedSpool(paths.encryptedStats);
  const { reports: leftovers } = await unbounded.scan(false);
  const maxBytes = config.collector.spoolBytes;
  const spool = await boundSpool({ spool: unbounded, dir: paths.encryptedStats, maxBytes, leftovers });
  const { ofSites, others } = journalSizes(paths.journal);
  return { paths, keyRing, spool, isJournalFull: others >= mostJournals, journalBytes: ofSites };
}

/** Returns the keys that clients seal to. Makes the first pair if there is none, as `collect` does. */
export function ringOf({ collector: { open } }: Config, paths: StatePaths, nowMs: number): KeyRing {
  return open ? loadKeyRing(paths, nowMs) : loadSealingRing(paths, nowMs);
}
