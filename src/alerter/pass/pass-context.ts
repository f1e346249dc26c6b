import type { RunFact } from '../../storage/store/run.ts';
import type { Storage } from '../../storage/store/storage.ts';
import type { AlertOptions } from '../alert-options.ts';
import type { SentMails } from '../deliver/sent-mails.ts';
import type { PassLease } from './pass-lease.ts';
import type { Stages } from './stages.ts';

/** A pass under way. */
export interface PassContext extends AlertOptions {
  /** In a dry run, changes stay in memory. */
  readonly storage: Storage;
  readonly lease: PassLease;
  /** The database's clock when the pass began. */
  readonly nowMs: number;
  /** The database's clock less this machine's. */
  readonly databaseAheadMs: number;
  readonly runs: readonly RunFact[];
  readonly stages: Stages;
  /** The mails that this machine has sent. */
  readonly sent: SentMails;
}
