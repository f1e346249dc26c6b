import type { FleetError } from '../../errors.ts';
import type { PrivateKeys } from '../../seal/open.ts';
import type { ReportStore } from '../../storage/store/storage.ts';
import type { ClientNames } from '../spool/client-names.ts';
import type { CollectEvent } from '../collect-options.ts';
import type { IngestTimes } from './ingest-queue.ts';
import type { OpeningMarks } from './opening-marks.ts';
import type { Quarantine } from '../spool/quarantine.ts';
import type { SealedSpool, SpooledReport } from '../spool/sealed-spool.ts';

export interface IngestOptions {
  readonly spool: SealedSpool;
  readonly quarantine: Quarantine;
  /** What earlier runs left, oldest first. */
  readonly leftovers: readonly SpooledReport[];
  /** Unless given: as long as it takes. */
  readonly times?: IngestTimes;
  /** null: what is opened elsewhere is stored sealed. */
  readonly keys: PrivateKeys | null;
  /** The run that stores. */
  readonly runId?: string;
  /** What there is to say of a key that is not live here; left out: its id. */
  readonly aboutKey?: (keyId: string) => string;
  /** Which files were open when earlier runs died; left out: nothing is remembered. */
  readonly marks?: OpeningMarks;
  readonly names: ClientNames;
  /** null while the database is away: then everything waits. */
  readonly store: ReportStore | null;
  /**
   * What had been observed longer ago when it was received is not stored, so that what was pruned cannot come twice. Not
   * longer ago than now: a clock that leaps ahead would turn all that waits away for ever.
   */
  readonly retentionMs: number;
  readonly now: () => number;
  readonly observe: (event: CollectEvent) => void;
  /** A fault that is no client's: the database, the disk. */
  readonly onFault: (fault: FleetError) => void;
}

/** The one way by which reports come in: sealed file -> opened, checked -> row, or quarantine. */
export interface Ingest {
  /** Queues a sealed file; it is stored with others soon after. */
  take(report: SpooledReport): void;
  /**
   * Stores what is queued and not put off, whatever the storage did before, while there is time. Returns the fault that
   * stopped it, null when there was none; what could not be stored stays in the spool.
   */
  drain(): Promise<FleetError | null>;
  /** Lets what earlier runs left wait for the next run. */
  putOffLeftovers(): void;
  counts(): IngestCounts;
}

export interface IngestCounts {
  readonly stored: number;
  readonly duplicate: number;
  readonly quarantined: number;
  readonly waiting: number;
}
