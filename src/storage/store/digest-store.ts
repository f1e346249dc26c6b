import type { Severity } from '../../config/config.ts';
import type { AlertKey, ClosedReason } from './alert.ts';
import type { SeenClient } from './fleet-store.ts';
import type { Program } from './run.ts';

export type KnownClient = Omit<SeenClient, 'lastReportAtMs'>;

/** The times of an alert that has fired. */
export interface AlertSpan extends AlertKey {
  readonly severity: Severity;
  readonly pendingSinceMs: number;
  readonly firingSinceMs: number;
  /** null while the alert fires. */
  readonly resolvedAtMs: number | null;
  readonly closedReason: ClosedReason | null;
}

/** The runs of a program in a span, added up. */
export interface RunTotals {
  readonly program: Program;
  readonly runs: number;
  /** The full runs that visited clients and were not cut short. */
  readonly fullRuns: number;
  readonly overlapped: number;
  /** The runs that were cut short, failed, or have no end. */
  readonly unfinished: number;
  /** The visits of a collector, in whole runs or not. */
  readonly succeeded: number;
  readonly failed: number;
  readonly cpuMs: number;
  /** null if not known. */
  readonly maxRssBytes: number | null;
  /** The number of different configurations. */
  readonly configs: number;
}

/** The typed part of an inventory. */
export interface InventoryFacts {
  readonly os: string | null;
  readonly kernel: string | null;
  readonly cpuModel: string | null;
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  /** The names of disks and network cards; null if the inventory does not contain them. */
  readonly disks: readonly string[] | null;
  readonly cards: readonly string[] | null;
}

/** The inventories of a client at the beginning and the end of a span. */
export interface InventoryChange {
  readonly client: string;
  readonly before: InventoryFacts;
  readonly after: InventoryFacts;
}

/** Updates and a reboot that a client waits for, by its newest report. */
export interface PendingWork {
  readonly client: string;
  readonly rebootRequired: boolean;
  /** The counts of packages; null if not known. */
  readonly updates: number | null;
  readonly securityUpdates: number | null;
}

/** The queries for digests, which read narrow rows. */
export interface DigestStore {
  /** Returns every client that was ever visited. */
  knownClients(): Promise<readonly KnownClient[]>;
  /**
   * Returns alerts that fired at some time of a span, at most `limit`: those that still fire, and the newest that
   * ended.
   */
  alertSpans(sinceMs: number, untilMs: number, limit: number): Promise<readonly AlertSpan[]>;
  /** Returns the totals of each program that ran in a span. */
  runTotals(sinceMs: number, untilMs: number): Promise<readonly RunTotals[]>;
  /** Returns clients whose inventory changed in a span, by name, at most `limit`. A first inventory is no change. */
  inventoryChanges(sinceMs: number, untilMs: number, limit: number): Promise<readonly InventoryChange[]>;
  /** Returns clients whose newest report lists due updates or a due reboot. */
  pendingWork(): Promise<readonly PendingWork[]>;
  /** Returns the bytes of the database's file; null if it is a server. */
  databaseBytes(): Promise<number | null>;
}
