import type { FleetError } from '../../errors.ts';
import type { PrivateKeys } from '../../seal/open.ts';
import type { ReportStore } from '../../storage/store/storage.ts';
import type { CollectEvent } from '../collect-options.ts';
import type { MissingKey } from '../keys/retired-keys.ts';
import type { ClientNames } from '../spool/client-names.ts';
import type { Quarantine } from '../spool/quarantine.ts';
import type { SealedSpool, SpooledReport } from '../spool/sealed-spool.ts';
import type { IngestTimes } from './ingest-queue.ts';
import type { OpeningMarks } from './opening-marks.ts';

export interface IngestOptions {
  readonly spool: Pick<SealedSpool, 'read' | 'remove'>;
  readonly quarantine: Pick<Quarantine, 'add'>;
  /** The reports that earlier runs left, oldest first. */
  readonly leftovers: readonly SpooledReport[];
  readonly times: IngestTimes;
  /** null: reports are opened elsewhere, and are stored sealed. */
  readonly keys: PrivateKeys | null;
  /** The run that stores. */
  readonly runId: string;
  readonly describeKey: (keyId: string) => MissingKey;
  /** The files that were open when earlier runs died. */
  readonly marks: OpeningMarks;
  readonly names: Pick<ClientNames, 'ownerOfFile'>;
  /** null while the database is away: then everything waits. */
  readonly store: Pick<ReportStore, 'ingest' | 'saveSealed'> | null;
  /**
   * Refuses reports that had been observed longer ago when they were received, so that pruned rows cannot come back.
   * Counted from the receipt, because a clock that leaps ahead would refuse all that waits.
   */
  readonly retentionMs: number;
  readonly now: () => number;
  readonly observe: (event: CollectEvent) => void;
  /** Called for a fault of the database or the disk. */
  readonly onFault: (fault: FleetError) => void;
}

/** The path of every report: sealed file -> opened, checked -> row, or quarantine. */
export interface Ingest {
  /** Queues a sealed file, which is stored with others soon after. */
  take(report: SpooledReport): void;
  /**
   * Stores what is queued and not put off, while there is time, even after a fault of the storage. Returns the fault
   * that stopped it. What could not be stored stays in the spool.
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
