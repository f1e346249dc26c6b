/**
 * The report of one agent run about one client: its shape, version 1. Shared with the agent, so nothing here imports
 * code of the project outside this folder.
 * Three levels: the report, one worker report for each probe, one function report for each family. In a row, strings
 * are labels and numbers (or null: unknown) are values; a metric's full name is family and field joined by `_`.
 */
import type { CheckResult, RefusedCheck } from './checks.ts';

export const reportVersion = 1;

/** The `run_id` of a report that no run requested: the nil UUID (RFC 9562, 5.9). */
export const noRunId = '00000000-0000-0000-0000-000000000000';

/**
 * `Daemon report`: made at every visit. `Inventory report`: the parts of a machine, once a day. `State report`:
 * packages, files and the like, when they may have changed.
 */
export type ReportName = (typeof reportNames)[number];
export const reportNames = ['Daemon report', 'Inventory report', 'State report'] as const;

/** A subject of a family: labels are strings, values are finite numbers or null. */
export type Row = Readonly<Record<string, string | number | null>>;

/** The reason why a value is null. `row` is the index in `data`; without it, the reason applies to every row. */
export interface Unknown {
  readonly row?: number;
  readonly field: string;
  /** A short reason for people: `first visit`, `no permission: /sys/...`. */
  readonly reason: string;
}

export interface FunctionReport {
  /** The family, for instance `memory` or `disk`. */
  readonly name: string;
  /** The time in UTC, ISO 8601 with milliseconds; missing if it equals the worker report's. */
  readonly datetime?: string;
  readonly data: readonly Row[];
  readonly unknown?: readonly Unknown[];
  /** The number of further subjects beyond the 200 worst. */
  readonly omitted?: number;
}

export interface WorkerReport {
  /** The probe, for instance `memory` or `disks`. */
  readonly name: string;
  /** The time; missing if it equals the report's. */
  readonly datetime?: string;
  readonly duration_ms: number;
  /** The reason why this probe reports nothing or not everything; null if all went well. */
  readonly error: string | null;
  readonly function_reports: readonly FunctionReport[];
}

export interface Report {
  readonly name: ReportName;
  readonly version: typeof reportVersion;
  /** The client's own wall clock, UTC, ISO 8601 with milliseconds. */
  readonly datetime: string;
  /** The id of the report: a UUID in lower case. */
  readonly report_id: string;
  /** The run whose visit requested the report: a UUID, or `noRunId` if the client's own crontab did. */
  readonly run_id: string;
  readonly client: string;
  readonly agent: {
    readonly version: string;
    readonly cpu_ms: number;
    readonly wall_ms: number;
    readonly rss_bytes: number;
    /** The reports that the spool has lost since the last visit, because it was full or they were damaged. */
    readonly dropped_reports?: number;
  };
  /** The content of /proc/sys/kernel/random/boot_id; null on systems without it. */
  readonly boot_id: string | null;
  /** The client's monotonic clock (since boot, CLOCK_MONOTONIC or /proc/uptime), whole milliseconds. */
  readonly monotonic_ms: number;
  readonly worker_reports: readonly WorkerReport[];
  /** The results of people's own checks, then of the agent's; missing if there are none. */
  readonly checks?: readonly CheckResult[];
  /** The refused checks of this client; missing if there are none. */
  readonly checks_refused?: readonly RefusedCheck[];
  /** The sections of a state report; missing in others. */
  readonly sections?: readonly StateSection[];
}

/** A kind of the state of a machine. src/report/state/ has their bounds. */
export type StateKind = 'package' | 'file' | 'unit' | 'account' | 'listener' | 'mount' | 'system';

/** A section of the state: what people and package managers change. */
export interface StateSection {
  readonly kind: StateKind;
  /** The digest of all lines. */
  readonly digest: string;
  /** The reason why the section was not read; null if it was. */
  readonly error: string | null;
  /** Sorted lines; null if the request knows this digest, or if there was an error. */
  readonly lines: readonly string[] | null;
}

/** The error for an invalid report. `path` is the JSON path of the fault. */
export class ReportFault extends Error {
  override readonly name = 'ReportFault';
  readonly code: 'report-invalid' | 'report-too-large';
  readonly path: string;

  constructor(code: 'report-invalid' | 'report-too-large', path: string, what: string) {
    super(`${path}: ${what}`);
    this.code = code;
    this.path = path;
  }
}

/** The file system types of images, which are always full. */
export const imageTypes: ReadonlySet<string> = new Set(['cramfs', 'erofs', 'iso9660', 'romfs', 'squashfs', 'udf']);
