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
  /** null: it fires. */
  readonly resolvedAtMs: number | null;
  readonly closedReason: ClosedReason | null;
}

/** The runs of a program in a span, added up. */
export interface RunTotals {
  readonly program: Program;
  readonly runs: number;
  /** Runs over the whole fleet that visited clients and were not cut short. */
  readonly fullRuns: number;
  readonly overlapped: number;
  /** Runs that were cut short, failed, or have no end. */
  readonly unfinished: number;
  /** Visits of a collector, whole runs or not. */
  readonly succeeded: number;
  readonly failed: number;
  readonly cpuMs: number;
  /** null: not known. */
  readonly maxRssBytes: number | null;
  /** Different configurations. */
  readonly configs: number;
}

/** The typed part of an inventory. */
export interface InventoryFacts {
  readonly os: string | null;
  readonly kernel: string | null;
  readonly cpuModel: string | null;
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  /** Names of disks and of network cards; null: the inventory does not say. */
  readonly disks: readonly string[] | null;
  readonly cards: readonly string[] | null;
}

/** The inventories of a client at the ends of a span. */
export interface InventoryChange {
  readonly client: string;
  readonly before: InventoryFacts;
  readonly after: InventoryFacts;
}

/** Updates and a reboot that a client waits for, by its newest report. */
export interface PendingWork {
  readonly client: string;
  readonly rebootRequired: boolean;
  /** Counts of packages; null: not known. */
  readonly updates: number | null;
  readonly securityUpdates: number | null;
}

/** Reading for digests, in narrow rows. */
export interface DigestStore {
  /** Returns every client that was ever visited. */
  knownClients(): Promise<readonly KnownClient[]>;
  /** Returns alerts that fired at some time of a span, at most `limit`: those that fire, and the newest that ended. */
  alertSpans(sinceMs: number, untilMs: number, limit: number): Promise<readonly AlertSpan[]>;
  /** Returns the totals of each program that ran in a span. */
  runTotals(sinceMs: number, untilMs: number): Promise<readonly RunTotals[]>;
  /** Returns clients whose inventory changed in a span, by name, at most `limit`. A first inventory is no change. */
  inventoryChanges(sinceMs: number, untilMs: number, limit: number): Promise<readonly InventoryChange[]>;
  /** Returns clients whose newest report says that updates or a reboot are due. */
  pendingWork(): Promise<readonly PendingWork[]>;
  /** Returns the bytes of the database's file; null if it is a server. */
  databaseBytes(): Promise<number | null>;
}
