/** src/collector/ingest: sealed file -> rows. */
import type { FleetError } from '../../platform/errors/errors.ts';
import type { PrivateKeys } from '../../report/seal/open.ts';
import type { ReportStore } from '../../storage/store/storage.ts';
import type { CollectEvent } from '../collect-options.ts';
import type { MissingKey } from '../keys/retired-keys.ts';
import type { ClientNames } from '../sealed-reports/client-names.ts';
import type { Quarantine } from '../sealed-reports/quarantine.ts';
import type { SpooledReport, SpoolScan } from '../sealed-reports/sealed-names.ts';
import type { SealedSpool } from '../sealed-reports/sealed-spool.ts';
import type { IngestTimes } from './ingest-queue.ts';
import type { OpeningMarks } from './opening-marks.ts';

export interface IngestOptions {
  readonly spool: Pick<SealedSpool, 'remove'>;
  readonly quarantine: Pick<Quarantine, 'add'>;
  /** The reports of earlier runs that wait, oldest first. */
  readonly leftovers: readonly SpooledReport[];
  /** The origins that this run has named already: further faults below their folders are not named. Default: none. */
  readonly passedOver?: SpoolScan['passedOver'];
  readonly times: IngestTimes;
  /** The private keys; null if another machine opens the reports and this one stores them sealed. */
  readonly keys: PrivateKeys | null;
  /** The id of the run that stores. */
  readonly runId: string;
  readonly describeKey: (keyId: string) => MissingKey;
  /** The files that were open when earlier runs died. */
  readonly marks: OpeningMarks;
  readonly names: Pick<ClientNames, 'ownerOfFile'>;
  /** The store; null while the database is away: then everything waits. */
  readonly store: Pick<ReportStore, 'ingest' | 'saveSealed'> | null;
  /**
   * The age at receipt beyond which reports are refused, so that pruned rows cannot come back. Counted from the
   * receipt, because a clock that leaps ahead would refuse all waiting reports.
   */
  readonly retentionMs: number;
  readonly now: () => number;
  readonly observe: (event: CollectEvent) => void;
  /** Called for a fault of the database or the disk. */
  readonly onFault: (fault: FleetError) => void;
}

/** The processing of every report: sealed file -> opened, checked -> row, or quarantine. */
export interface Ingest {
  /** Queues a sealed file, which is soon stored together with others. */
  take(report: SpooledReport): void;
  /**
   * Stores queued reports that are not put off, while there is time, even after a fault of the storage. Returns the
   * fault that stopped it. Reports that could not be stored stay in the spool.
   */
  drain(): Promise<FleetError | null>;
  /** Leaves the leftovers of earlier runs to the next run. */
  putOffLeftovers(): void;
  counts(): IngestCounts;
}

export interface IngestCounts {
  readonly stored: number;
  readonly duplicate: number;
  readonly quarantined: number;
  readonly waiting: number;
}
