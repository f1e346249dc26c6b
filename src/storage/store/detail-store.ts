import type { Severity } from '../../config/config.ts';
import type { LogCount } from '../../report/log-lines.ts';
import type { Transition } from './alert.ts';
import type { VisitRecord } from './run.ts';

/** A visit as it is stored. */
export interface StoredVisit extends Pick<
  VisitRecord,
  'runId' | 'startedAtMs' | 'durationMs' | 'ok' | 'stage' | 'code' | 'message' | 'connectMs'
> {
  /** The host of the collector that made the visit; `null` if its run is not stored. */
  readonly host: string | null;
}

export interface MemoryModule {
  readonly slot: string | null;
  readonly type: string | null;
  readonly form: string | null;
  readonly manufacturer: string | null;
  readonly part: string | null;
  readonly serial: string | null;
  readonly sizeBytes: number | null;
  readonly megahertz: number | null;
}

export interface DiskDevice {
  readonly device: string | null;
  readonly vendor: string | null;
  readonly model: string | null;
  readonly serial: string | null;
  readonly firmware: string | null;
  readonly kind: string | null;
  readonly interface: string | null;
  readonly sizeBytes: number | null;
}

export interface NetworkCard {
  readonly interface: string | null;
  readonly address: string | null;
  readonly mac: string | null;
  readonly type: string | null;
  readonly mtu: number | null;
}

/** The parts of which a machine may have several; null if its inventory does not contain them. */
export interface InventoryParts {
  readonly memoryModules: readonly MemoryModule[] | null;
  readonly diskDevices: readonly DiskDevice[] | null;
  readonly networkCards: readonly NetworkCard[] | null;
}

/** The parts of a machine in its newest inventory report. */
export interface Inventory extends InventoryParts {
  readonly observedAtMs: number;
  readonly manufacturer: string | null;
  readonly model: string | null;
  readonly serial: string | null;
  readonly hostname: string | null;
  readonly os: string | null;
  readonly osVersion: string | null;
  readonly kernel: string | null;
  readonly architecture: string | null;
  readonly virtualisation: string | null;
  readonly cpuModel: string | null;
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
}

/** A line of a mail about an alert of a client. */
export interface MailedLine {
  readonly mailId: number;
  readonly recipient: string;
  readonly createdAtMs: number;
  /** The time of sending. null if the mail is not sent yet, given up or discarded. */
  readonly sentAtMs: number | null;
  readonly failedAtMs: number | null;
  /** True if a person gave the mail up. */
  readonly isDiscarded: boolean;
  /** The last reply of the mail server; null if there was no fault. */
  readonly error: string | null;
  readonly alertId: number;
  readonly rule: string;
  readonly subject: string;
  readonly severity: Severity;
  readonly transition: Transition;
}

/** The rows of a check with one state in a span. */
export interface CheckStateSpan {
  readonly checkName: string;
  readonly state: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** A line of a client's logs. */
export interface StoredLogLine {
  readonly observedAtMs: number;
  /** null if the log has no time for the line. */
  readonly loggedAtMs: number | null;
  /** 0 (emerg) to 7 (debug); null: unknown. */
  readonly priority: number | null;
  readonly unit: string | null;
  readonly text: string;
  /** The number of consecutive times that the line occurred. */
  readonly times: number;
}

/** The queries for all stored rows of one client, besides `RecordStore`. Change nothing. */
export interface DetailStore {
  /** Returns a client's visits, newest first. */
  visitsOf(client: string, limit: number): Promise<readonly StoredVisit[]>;
  /** Returns a client's newest inventory; null if there is none. */
  inventoryOf(client: string): Promise<Inventory | null>;
  /** Returns the lines of mails about a client's alerts, newest mail first, without mails that were replaced. */
  mailsOf(client: string, limit: number): Promise<readonly MailedLine[]>;
  /** Returns the states that a client's checks had since a time, each with its first and its last row. */
  checkStatesOf(client: string, sinceMs: number): Promise<readonly CheckStateSpan[]>;
  /** Returns the time of a check's first row after a time; null if there is none. */
  checkRowAfter(client: string, checkName: string, afterMs: number): Promise<number | null>;
  /** Returns the newest lines of a client's logs, newest first. */
  logLinesOf(client: string, limit: number): Promise<readonly StoredLogLine[]>;
  /** Returns the numbers of new log lines in a client's newest report: errors first, then those of each rule. */
  logCountsOf(client: string): Promise<readonly LogCount[]>;
}
