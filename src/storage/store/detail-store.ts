import type { LogCount } from '../../report/log-lines.ts';
import type { Transition } from './alert.ts';
import {
  type Column,
  flag,
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

/** A visit as it is stored. */
export const storedVisit = recordShape({
  runId: text,
  startedAtMs: time,
  durationMs: number,
  ok: flag,
  stage: textOrNull,
  code: textOrNull,
  message: textOrNull,
  connectMs: numberOrNull,
  /** The host of the collector that made the visit; `null` if its run is not stored. */
  host: textOrNull,
});
export type StoredVisit = RecordOf<typeof storedVisit>;

export const memoryModule = recordShape({
  slot: textOrNull,
  type: textOrNull,
  form: textOrNull,
  manufacturer: textOrNull,
  part: textOrNull,
  serial: textOrNull,
  sizeBytes: numberOrNull,
  megahertz: numberOrNull,
});
export type MemoryModule = RecordOf<typeof memoryModule>;

export const diskDevice = recordShape({
  device: textOrNull,
  vendor: textOrNull,
  model: textOrNull,
  serial: textOrNull,
  firmware: textOrNull,
  kind: textOrNull,
  interface: textOrNull,
  sizeBytes: numberOrNull,
});
export type DiskDevice = RecordOf<typeof diskDevice>;

export const networkCard = recordShape({
  interface: textOrNull,
  address: textOrNull,
  mac: textOrNull,
  type: textOrNull,
  mtu: numberOrNull,
});
export type NetworkCard = RecordOf<typeof networkCard>;

/** The parts of which a machine may have several; null if its inventory does not contain them. */
export interface InventoryParts {
  readonly memoryModules: readonly MemoryModule[] | null;
  readonly diskDevices: readonly DiskDevice[] | null;
  readonly networkCards: readonly NetworkCard[] | null;
}

/** The parts of a machine in its newest inventory report. */
export const machine = recordShape({
  observedAtMs: time,
  manufacturer: textOrNull,
  model: textOrNull,
  serial: textOrNull,
  hostname: textOrNull,
  os: textOrNull,
  osVersion: textOrNull,
  kernel: textOrNull,
  architecture: textOrNull,
  virtualisation: textOrNull,
  cpuModel: textOrNull,
  cpus: numberOrNull,
  memoryBytes: numberOrNull,
});
export type Inventory = RecordOf<typeof machine> & InventoryParts;

/** A line of a mail about an alert of a client. */
export const mailedLine = recordShape({
  mailId: number,
  recipient: text,
  createdAtMs: time,
  /** The time of sending. null if the mail is not sent yet, given up or discarded. */
  sentAtMs: timeOrNull,
  failedAtMs: timeOrNull,
  /** True if a person gave the mail up. */
  isDiscarded: flag,
  /** The last reply of the mail server; null if there was no fault. */
  error: textOrNull,
  alertId: number,
  rule: text,
  subject: text,
  severity,
  transition: text as Column<Transition>,
});
export type MailedLine = RecordOf<typeof mailedLine>;

/** The rows of a check with one state in a span. */
export const checkStateSpan = recordShape({
  checkName: text,
  state: number,
  firstAtMs: time,
  lastAtMs: time,
});
export type CheckStateSpan = RecordOf<typeof checkStateSpan>;

/** A line of a client's logs. */
export const storedLogLine = recordShape({
  observedAtMs: time,
  /** null if the log has no time for the line. */
  loggedAtMs: timeOrNull,
  /** 0 (emerg) to 7 (debug); null: unknown. */
  priority: numberOrNull,
  unit: textOrNull,
  text: text,
  /** The number of consecutive times that the line occurred. */
  times: number,
});
export type StoredLogLine = RecordOf<typeof storedLogLine>;

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
