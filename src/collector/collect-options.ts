import type { Client, Config } from '../config/config.ts';
import type { FleetError } from '../errors.ts';
import type { Report } from '../report/report.ts';
import type { Storage, VisitRecord } from '../storage/store/storage.ts';
import type { Transport } from '../transport/transport.ts';
import type { LockHolder } from '../state/lock.ts';
import type { StatePaths } from '../state/paths.ts';
import type { RunEnd, RunStart } from '../storage/store/run.ts';
import type { Bundles } from './agent/task.ts';
import type { KeyRing } from './keys/key-ring.ts';

export interface CollectOptions {
  readonly config: Config;
  /** The names of the clients to visit; null for the whole fleet. The caller reports unknown names. */
  readonly only: ReadonlySet<string> | null;
  /** True for names given by hand: ignores the back-off after refused logins. */
  readonly ignoreBackoff?: boolean;
  /** Opened after the lock is held; closed by collect. Not called by a dry run. */
  readonly openStorage: (use: StorageUse) => Promise<Storage>;
  readonly transportFor: (client: Client) => Transport;
  /** Returns the bastions of a client that only ssh_config names, in the form of proxyJump. Default: none. */
  readonly jumpsTo?: (client: Client) => readonly string[];
  /** The programs for clients. Default: those of the package. */
  readonly bundles?: Bundles;
  /** Waits a little before it begins, each collector another time. For collectors that cron starts. */
  readonly spreadStart?: boolean;
  /** The number of further tries of a retryable failure at the end of the pass. */
  readonly retries: number;
  /** Overrides the configuration. False stores reports sealed, for `ingest` to open. */
  readonly open?: boolean;
  /** Visits and hands the opened reports to `observe`; stores and acknowledges nothing, takes no lock. */
  readonly dryRun: boolean;
  /** Overrides the configuration's. */
  readonly concurrency?: number;
  /** Ends the visits; what was received is stored all the same. */
  readonly signal: AbortSignal;
  readonly observe: (event: CollectEvent) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Name of the collector's machine. */
  readonly host: string;
}

/** The options of a pass with what `collect` has prepared for it. */
export interface PassOptions extends CollectOptions {
  readonly paths: StatePaths;
  readonly start: RunStart;
  readonly keyRing: KeyRing;
}

/** The limits under which a run uses the storage. */
export interface StorageUse {
  /** Ends all statements under way: the storage is too slow. */
  readonly signal: AbortSignal;
  /** Called before migrations are applied, which may take longer than a run waits else. */
  readonly onMigrating: () => void;
}

/**
 * Why a client is not visited: it refused a login a while ago, the run ended before its turn, or config.xml says that
 * it is retired.
 */
export type SkipReason = 'login_refused' | 'unreached' | 'retired';

/** An event of a pass, for progress bars and logs. */
export type CollectEvent =
  | { readonly kind: 'started'; readonly runId: string; readonly clients: number; readonly skipped: number }
  /** A client that is not visited. `code` and `nextAttemptAtMs` are of one that refused a login, else null. */
  | {
      readonly kind: 'skipped';
      readonly client: string;
      readonly reason: SkipReason;
      readonly code: string | null;
      readonly nextAttemptAtMs: number | null;
    }
  | { readonly kind: 'visiting'; readonly client: string }
  /** A visit's final outcome. `done` counts those, of `clients`. */
  | { readonly kind: 'visited'; readonly visit: VisitRecord; readonly done: number; readonly clients: number }
  /** A visit failed and will be tried again at the end of the pass. */
  | { readonly kind: 'postponed'; readonly visit: VisitRecord }
  /** A report as it was opened; in dry runs only. */
  | { readonly kind: 'report'; readonly client: string; readonly report: Report }
  | { readonly kind: 'quarantined'; readonly client: string; readonly code: string; readonly message: string }
  /** Something that is not one client's fault and did not end the pass: the database is away, the disk is full. */
  | { readonly kind: 'fault'; readonly fault: FleetError }
  /** Something worth a line: keys were made, a client was renamed, an earlier run's reports were found. */
  | { readonly kind: 'note'; readonly message: string };

/** `clients` counts those that were to be visited, `skipped` those held back after a refused login or not reached. */
export interface CollectResult extends Pick<RunEnd, 'finishedAtMs' | 'clients' | 'succeeded' | 'failed' | 'skipped'> {
  readonly runId: string;
  /** `failed`: its keys are not those of the collectors that share the site. */
  readonly outcome: 'finished' | 'failed' | 'overlapped' | 'interrupted';
  /**
   * 0 all well; 1 some client failed, the pass was cut short or the alerter is silent; 3 the database or disk is away.
   */
  readonly exitStatus: 0 | 1 | 3;
  /** The holder of the lock, only when overlapped; null if that could not be read. */
  readonly holder: LockHolder | null;
  readonly startedAtMs: number;
  /** The clients among `skipped` whose turn did not come before the run's deadline. */
  readonly unreached: number;
  readonly reports: {
    readonly stored: number;
    readonly duplicate: number;
    readonly quarantined: number;
    /** Sealed files that wait in encrypted_stats/ for the next run. */
    readonly waiting: number;
  };
  /** The visits that failed, in the order they ended. */
  readonly failures: readonly VisitRecord[];
  /** Faults that are no client's. */
  readonly faults: readonly FleetError[];
}
