import type { EvaluationStore } from '../../storage/store/evaluation-store.ts';
import type { FleetStore } from '../../storage/store/fleet-store.ts';
import type { LeaseStore } from '../../storage/store/lease-store.ts';
import type { LevelStore } from '../../storage/store/level-store.ts';
import type { NotificationStore } from '../../storage/store/notification-store.ts';
import type { OperatorStore } from '../../storage/store/operator-store.ts';
import type { RunFact } from '../../storage/store/run.ts';
import type { AlertOptions } from '../alert-options.ts';
import type { PassLease } from './pass-lease.ts';

/** The part of the store that a pass uses until mails are sent. */
export type PassStore = Omit<LeaseStore, 'touchLease'> &
  EvaluationStore &
  FleetStore &
  NotificationStore &
  LevelStore &
  Pick<OperatorStore, 'silences'>;

/** A pass under way. */
export interface Pass extends AlertOptions {
  readonly store: PassStore;
  readonly lease: PassLease;
  /** The database's clock when the pass began. */
  readonly nowMs: number;
  /** The database's clock less this machine's. */
  readonly databaseAheadMs: number;
  readonly runs: readonly RunFact[];
}
