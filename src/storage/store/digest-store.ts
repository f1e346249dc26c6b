import { aboutShape, type ClosedReason } from './alert.ts';
import type { SeenClient } from './fleet-store.ts';
import {
  type Column,
  number,
  numberOrNull,
  type RecordOf,
  recordShape,
  severity,
  text,
  textOrNull,
  time,
  timeOrNull,
} from './record-shape.ts';
import type { Program } from './run.ts';

export type KnownClient = Omit<SeenClient, 'lastReportAtMs'>;

const spanShape = recordShape({
  about: text,
  client: text,
  rule: text,
  subject: text,
  severity,
  pendingSinceMs: time,
  firingSinceMs: time,
  /** null while the alert fires. */
  resolvedAtMs: timeOrNull,
  closedReason: textOrNull as Column<ClosedReason | null>,
});
/** The times of an alert that has fired. */
export const alertSpan = aboutShape(spanShape);
export type AlertSpan = RecordOf<typeof alertSpan>;

/** The runs of a program in a span, added up. */
export const runTotals = recordShape({
  program: text as Column<Program>,
  runs: number,
  /** The full runs that visited clients and were not cut short. */
  fullRuns: number,
  overlapped: number,
  /** The runs that were cut short, failed, or have no end. */
  unfinished: number,
  /** The visits of a collector, in whole runs or not. */
  succeeded: number,
  failed: number,
  cpuMs: number,
  /** null if not known. */
  maxRssBytes: numberOrNull,
  /** The number of different configurations. */
  configs: number,
});
export type RunTotals = RecordOf<typeof runTotals>;

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

/** A digest that a recipient was mailed. MailedDigest has the meaning of its times. */
export const madeDigest = recordShape({
  recipient: text,
  digest: text,
  digestFromMs: time,
  digestSeenToMs: time,
  digestSeenAgainMs: time,
  digestToMs: time,
  createdAtMs: time,
});
export type MadeDigest = RecordOf<typeof madeDigest>;

/** The times of a run. */
export const runTime = recordShape({
  program: text as Column<Program>,
  startedAtMs: time,
  /** null if the run has no end. */
  finishedAtMs: timeOrNull,
});
export type RunTime = RecordOf<typeof runTime>;

/** The queries for digests, which read narrow rows. */
export interface DigestStore {
  /** Returns the digests that end after a time, in the order in which they were made. */
  madeDigests(sinceMs: number): Promise<readonly MadeDigest[]>;
  /** Returns the runs that started within a span, oldest first. */
  runTimes(sinceMs: number, untilMs: number): Promise<readonly RunTime[]>;
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

/** A change of the state of a client. */
export const storedChange = recordShape({
  client: text,
  kind: text,
  item: text,
  /** The value before; null for what is new. */
  oldValue: textOrNull,
  /** The value after; null for what is gone. */
  newValue: textOrNull,
  /** The look before the change, and the look that found it; for a file its own time, if it is between them. */
  earliestAtMs: time,
  latestAtMs: time,
});
export type StoredChange = RecordOf<typeof storedChange>;

/** When the state of a client changed: between two looks, or at a file's own time. */
export const changeTime = recordShape({ client: text, earliestAtMs: time, latestAtMs: time });
export type ChangeTime = RecordOf<typeof changeTime>;

/** A package of a client. */
export const storedPackage = recordShape({
  client: text,
  version: text,
  architecture: text,
  sinceMs: time,
});
export type StoredPackage = RecordOf<typeof storedPackage>;

/** The queries for changes of the state of clients. Change nothing. */
export interface ChangeStore {
  /** Returns the newest changes since a time, oldest first; at most `limit`. null: of all clients. */
  changes(clients: readonly string[] | null, sinceMs: number, limit: number): Promise<readonly StoredChange[]>;
  /** Returns when packages, units or files of these clients changed, found since a time; each time once. */
  whenChanged(clients: readonly string[], sinceMs: number): Promise<readonly ChangeTime[]>;
  /** Returns the clients that have a package, by name. */
  havingPackage(name: string): Promise<readonly StoredPackage[]>;
  /** Returns the clients whose packages are known. */
  withPackages(): Promise<readonly string[]>;
}

/** A change of the same item of another client. */
export const otherChange = recordShape({
  client: text,
  itemId: number,
  /** The number of the value after the change; null for what is gone. */
  afterId: numberOrNull,
  earliestAtMs: time,
});
export type OtherChange = RecordOf<typeof otherChange>;

/** A change of one client, with the numbers by which other clients are compared. */
export type ClientChange = StoredChange & OtherChange;

/** The newest look at a section of a client's state. */
export const knownSection = recordShape({
  client: text,
  kind: text,
  /** The time of the newest look that read the section; null if none did. */
  observedAtMs: timeOrNull,
  /** The reason why the newest look read nothing; null if it did. */
  error: textOrNull,
});
export type KnownSection = RecordOf<typeof knownSection>;

/** A span of time, without its beginning. */
export interface ChangeSpan {
  readonly afterMs: number;
  readonly untilMs: number;
}

/** When a report was made, and for how long its client had been up; null if unknown. */
export interface UptimeRow {
  readonly atMs: number;
  readonly uptimeMs: number | null;
}

/** The queries from which the causes of alerts are found. Change nothing. */
export interface CauseStore {
  /** Returns the changes of a client that were found within a span, newest first; at most `limit`. */
  changesOf(client: string, span: ChangeSpan, limit: number): Promise<readonly ClientChange[]>;
  /** Returns the changes of these items of these clients that were found within a span. */
  changesOfItems(
    itemIds: readonly number[],
    clients: readonly string[],
    span: ChangeSpan,
  ): Promise<readonly OtherChange[]>;
  /** Returns which of these clients have which of these values. */
  holders(valueIds: readonly number[], clients: readonly string[]): Promise<ReadonlyMap<number, ReadonlySet<string>>>;
  /** Returns which of these clients have any value of these items. */
  itemHolders(
    itemIds: readonly number[],
    clients: readonly string[],
  ): Promise<ReadonlyMap<number, ReadonlySet<string>>>;
  sections(clients: readonly string[]): Promise<readonly KnownSection[]>;
  /**
   * Returns the times at which changes of these clients were found within a span, by client, ascending. Leaves out
   * items that changed on `restlessDays` days or more; null leaves none out.
   */
  changeTimes(
    clients: readonly string[],
    span: ChangeSpan,
    restlessDays: number | null,
  ): Promise<ReadonlyMap<string, readonly number[]>>;
  /** Returns the times at which changes of these items of a client were found within a span. */
  itemTimes(
    client: string,
    itemIds: readonly number[],
    span: ChangeSpan,
  ): Promise<ReadonlyMap<number, readonly number[]>>;
  /** Returns the time of the first look at a client's state; null if there was none. */
  firstLook(client: string): Promise<number | null>;
  /** Returns the newest reports of a client up to a time, newest first: when each was made, and the uptime in it. */
  rowsUntil(client: string, untilMs: number, limit: number): Promise<readonly UptimeRow[]>;
}
