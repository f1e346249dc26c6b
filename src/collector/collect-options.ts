import type { Client, Config } from '../config/config.ts';
import type { FleetError } from '../platform/errors/errors.ts';
import type { Report } from '../report/report.ts';
import type { Storage, VisitRecord } from '../storage/store/storage.ts';
import type { AnyTransport } from '../transport/transport.ts';
import type { LockHolder } from '../state-folder/lock.ts';
import type { StatePaths } from '../state-folder/paths.ts';
import type { Restored, RunEnd, RunStart } from '../storage/store/run.ts';
import type { Bundles } from './agent/task.ts';
import type { KeyRing } from './keys/key-ring.ts';

export interface CollectOptions {
  readonly config: Config;
  /** The names of the clients to visit; null for the whole fleet. The caller reports unknown names. */
  readonly only: ReadonlySet<string> | null;
  /** True for names given by hand: ignores the back-off after refused logins. */
  readonly ignoreBackoff?: boolean;
  /** Opens the storage while the lock is held; collect closes it. Not called by a dry run. */
  readonly openStorage: (use: StorageUse) => Promise<Storage>;
  readonly transportFor: (client: Client) => AnyTransport;
  /** Returns the bastions of a client that only ssh_config names, in the form of proxyJump. Default: none. */
  readonly jumpsTo?: (client: Client) => readonly string[];
  /** The programs for clients. Default: those of the package. */
  readonly bundles?: Bundles;
  /** True to delay the start a little, differently for each collector. For collectors that cron starts. */
  readonly spreadStart?: boolean;
  /** The number of further tries of a retryable failure at the end of the run. */
  readonly retries: number;
  /** Overrides the configuration. False: stores reports sealed, and `ingest` opens them. */
  readonly open?: boolean;
  /** True to visit clients and pass the opened reports to `observe`. Stores and acknowledges nothing, takes no lock. */
  readonly dryRun: boolean;
  /** Overrides the configuration. */
  readonly concurrency?: number;
  /** Ends the visits. Received reports are stored nevertheless. */
  readonly signal: AbortSignal;
  readonly observe: (event: CollectEvent) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Name of the collector's machine. */
  readonly host: string;
}

/** The options of a run, with the objects that `collect` has prepared. */
export interface CollectorRun extends CollectOptions {
  readonly paths: StatePaths;
  readonly start: RunStart;
  readonly keyRing: KeyRing;
}

/** The limits under which a run uses the storage. */
export interface StorageUse {
  /** Aborts all running statements, because the storage is too slow. */
  readonly signal: AbortSignal;
  /** Called before migrations are applied, which may take longer than a run waits otherwise. */
  readonly onMigrating: () => void;
  /** Called with sentences for people about migrations that were applied. */
  readonly onNote: (message: string) => void;
}

/**
 * The reason why a client is not visited: its last login was refused, the run ended before its turn, or config.xml
 * marks it as retired.
 */
export type SkipReason = 'login_refused' | 'unreached' | 'retired';

/** An event of a run, for progress bars and logs. */
export type CollectEvent =
  | { readonly kind: 'started'; readonly runId: string; readonly clients: number; readonly skipped: number }
  /** A client that is not visited. `code` and `nextAttemptAtMs` are set after a refused login, otherwise null. */
  | {
      readonly kind: 'skipped';
      readonly client: string;
      readonly reason: SkipReason;
      readonly code: string | null;
      readonly nextAttemptAtMs: number | null;
    }
  | { readonly kind: 'visiting'; readonly client: string }
  /** A visit's final outcome. `done` counts the finished ones of `clients`. */
  | { readonly kind: 'visited'; readonly visit: VisitRecord; readonly done: number; readonly clients: number }
  /** A visit failed and will be tried again at the end of the run. */
  | { readonly kind: 'postponed'; readonly visit: VisitRecord }
  /** An opened report; in dry runs only. */
  | { readonly kind: 'report'; readonly client: string; readonly report: Report }
  | { readonly kind: 'quarantined'; readonly client: string; readonly code: string; readonly message: string }
  /** A fault of no single client that did not end the run: the database is away, the disk is full. */
  | { readonly kind: 'fault'; readonly fault: FleetError }
  /** A line for people: keys were made, a client was renamed, an earlier run's reports were found. */
  | { readonly kind: 'note'; readonly message: string };

/** `clients` counts the clients to visit. `skipped` counts clients held back after a refused login or not reached. */
export interface CollectResult extends Pick<RunEnd, 'finishedAtMs' | 'clients' | 'succeeded' | 'failed' | 'skipped'> {
  readonly runId: string;
  /** `failed` if the run's keys are not those of the collectors that share the site. */
  readonly outcome: 'finished' | 'failed' | 'overlapped' | 'interrupted';
  /**
   * 0 if all went well; 1 if a client failed, the run was cut short or the alerter is silent; 3 if the database or
   * disk is away.
   */
  readonly exitStatus: 0 | 1 | 3;
  /** The holder of the lock, set only if overlapped; null if it could not be read. */
  readonly holder: LockHolder | null;
  readonly startedAtMs: number;
  /** The clients among `skipped` whose turn did not come before the run's deadline. */
  readonly unreached: number;
  readonly reports: {
    readonly stored: number;
    readonly duplicate: number;
    readonly quarantined: number;
    /** The number of sealed files in encrypted_stats/ that wait for the next run. */
    readonly waiting: number;
  };
  /** Rows that the database had forgotten and the run has stored again; null: it could not be asked. */
  readonly restored: Restored | null;
  /** The failed visits, in the order in which they ended. */
  readonly failures: readonly VisitRecord[];
  /** The faults of no single client. */
  readonly faults: readonly FleetError[];
}
