import type { StateDisk } from '../../state-folder/state-disk.ts';
import type { Program, RunFact } from './run.ts';
import type { SealedSummary } from './sealed-store.ts';
import { number, type RecordOf, recordShape, text, textOrNull, time, timeOrNull } from './record-shape.ts';

export const seenClient = recordShape({
  name: text,
  firstSeenMs: time,
  lastVisitAtMs: timeOrNull,
  /** The time of the client's newest report. For a report that waits sealed, the time of its receipt counts. */
  lastReportAtMs: timeOrNull,
});
export type SeenClient = RecordOf<typeof seenClient>;

/** The space of a file system to which a program writes, as the program stored it. */
export const stateDiskFact = recordShape({
  /** The program's machine. */
  host: text,
  path: text,
  sizeBytes: number,
  availableBytes: number,
  freePercent: number,
  observedAtMs: time,
});
export type StateDiskFact = RecordOf<typeof stateDiskFact>;

/** A visit that failed because of the collector's own machine. */
export const failedVisit = recordShape({ client: text, code: text, message: textOrNull });
export type FailedVisit = RecordOf<typeof failedVisit>;

export interface StateDiskReport {
  readonly host: string;
  readonly collectorId: string;
  readonly atMs: number;
  readonly disks: readonly StateDisk[];
}

/** Facts that the programs stored about themselves, for alerter/absence and the collector's check of the alerter. */
export interface FleetStore {
  /** Returns the newest full run that did not overlap another, however old; `null` if none is stored. */
  lastRunOf(collectorId: string): Promise<RunFact | null>;
  /** Returns the runs since a time, newest first. */
  runs(program: Program, sinceMs: number): Promise<readonly RunFact[]>;
  seenClients(): Promise<readonly SeenClient[]>;
  /** Returns the site of each collector that shares a fleet, by its id, however long ago it ran. */
  sharingSites(): Promise<ReadonlyMap<string, string>>;
  /** Returns the sealed reports that no `ingest` has opened yet. */
  sealedWaiting(): Promise<readonly SealedSummary[]>;
  /** Returns the visits of a run that failed because of the collector's own machine, by client. */
  ownFaults(runId: string): Promise<readonly FailedVisit[]>;
  /** Returns the file systems whose space was stored since a time. */
  stateDisks(sinceMs: number): Promise<readonly StateDiskFact[]>;
}
