/**
 * The data of pages, which src/look reads. A page is rendered from them as a self-contained file with content that is
 * visible without JavaScript. Times are milliseconds since 1970.
 */
import type { About } from '../../config/rules/builtin-rules.ts';
import type { Severity } from '../../config/config.ts';
import type { ColumnLayout } from '../../text/text-columns.ts';

export interface PageSpan {
  readonly fromMs: number;
  /** The end of the span; null while it lasts. */
  readonly toMs: number | null;
}

/** An alert, as the list of open alerts and the time line show it. */
export interface PageAlert {
  readonly id: number;
  readonly about: About;
  /** Empty: the alert is about no client. */
  readonly client: string;
  readonly rule: string;
  readonly subject: string;
  readonly state: 'pending' | 'firing' | 'resolved';
  readonly severity: Severity;
  readonly pendingSinceMs: number;
  readonly firingSinceMs: number | null;
  readonly resolvedAtMs: number | null;
  /** Words for people: `96.2 %`, `at least 95 %`. */
  readonly value: string | null;
  readonly limit: string | null;
  /** Since when a client is well again, and the end of the alert: `answers since 03:35, ...`; null if it is not. */
  readonly returning: string | null;
  /** The note of the rule in config.xml. */
  readonly note: string | null;
  /** Why nobody is notified, or as of a warning: acknowledged, silenced, a window, a group that has enough. */
  readonly mutes: readonly string[];
  /** The command that acknowledges the alert, as words; null if somebody has acknowledged it. */
  readonly command: readonly string[] | null;
}

/**
 * The state of a client. `late`: no report for three times `every`; `new`: never visited; `paused`, `retired`: as in
 * config.xml.
 */
export type ClientState = 'ok' | 'late' | 'failing' | 'new' | 'paused' | 'retired';

/** A figure with the severity of the limit from config.xml that the figure has reached. */
export interface PageFigure {
  readonly value: number | null;
  readonly beyond: Severity | null;
}

/** The newest result of a user-defined check. */
export interface PageCheck {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'critical' | 'unknown';
  /** The first line of the result's text. */
  readonly text: string;
  /** The figures of the check in words: `unsent 210`. */
  readonly figures: readonly string[];
  /** The age of the result at the time of the report; 0: the check ran for this report. */
  readonly ageMs: number;
  /** The time since which the check has its state; null: unknown. */
  readonly sinceMs: number | null;
  /** True if the check may have had its state before `sinceMs`. */
  readonly sinceIsOlder: boolean;
}

/** The checks of a client in a report. */
export interface ClientChecks {
  /** The checks that are not OK, the worst first. */
  readonly bad: readonly PageCheck[];
  /** The number of further checks that are not OK. */
  readonly moreBad: number;
  readonly ok: number;
}

/** A line of a client's logs. */
export interface PageLogLine {
  /** The time at which the line was written; the time of its report if unknown. */
  readonly atMs: number;
  /** `err`; null: unknown. */
  readonly priority: string | null;
  /** The unit or program that wrote the line; null: unknown. */
  readonly by: string | null;
  readonly text: string;
  /** The number of consecutive occurrences of the line. */
  readonly times: number;
}

/** A change of a client's state. */
export interface PageChange {
  /** The time of the look that found it. */
  readonly foundAtMs: number;
  /** `openssl 3.0.11 to 3.0.14` */
  readonly words: string;
}

/** A command to copy. Its words are quoted where a shell needs that; options are the program's own and stay bare. */
export type CommandWords = readonly (string | { readonly option: string })[];

/** The class that gives a cell its colour. */
export type FactLevel = 'critical' | 'warning' | 'failing' | 'fine' | 'quiet';

/** A cell of words; null for unknown. */
export type WordCell = string | null | { readonly text: string; readonly level: FactLevel };

/** A cell of a table of facts: words, or a link to an alert or a client, or a command. */
export type FactCell =
  | WordCell
  | { readonly text: string; readonly alert: number }
  | { readonly client: string }
  | { readonly command: CommandWords };

/** Facts in words, as a table with a heading. `show` and the page of a client render the same tables. */
export interface FactTable<Cell extends FactCell = FactCell> {
  readonly id: string;
  readonly title: string;
  /** A sentence above the table, or in its place if there are no rows; null if there is none. */
  readonly about: string | null;
  /** The titles are in small letters, as in a terminal. */
  readonly columns: readonly ColumnLayout[];
  readonly rows: readonly {
    readonly cells: readonly Cell[];
    /** Sentences about the row. Default: none. */
    readonly notes?: readonly string[];
  }[];
}

/** Members of groups that differ from the others. */
export interface PageOutliers {
  readonly figures: readonly {
    readonly client: string;
    readonly group: string;
    /** `CPU`, or a mount. */
    readonly what: string;
    readonly value: string;
    readonly median: string;
  }[];
  readonly kinds: readonly {
    readonly group: string;
    /** `4 of 80 run kernel 6.1.0-18 instead of 6.1.0-28` */
    readonly sentence: string;
    readonly clients: readonly string[];
  }[];
  /** The number of outliers that were left out. */
  readonly more: number;
}

/** A file system that is foreseen to be full. */
export interface PageForecast {
  /** The mount and its resource: `/data`, `/srv (inodes)`. */
  readonly mount: string;
  readonly inMs: number;
}

/** A part of the last day: its visits, and its time in words. A part without a visit has `visits: 0`. */
export interface PagePiece {
  readonly visits: number;
  readonly succeeded: number;
  readonly when: string;
}

/** A line of the fleet's table. */
export interface PageClient {
  readonly name: string;
  readonly address: string;
  readonly hostname: string | null;
  readonly os: string | null;
  readonly state: ClientState;
  /** The reason why the newest visit failed, or why there was no visit. */
  readonly reason: string | null;
  readonly worst: Severity | null;
  readonly openAlerts: number;
  readonly cpuPercent: PageFigure;
  readonly memoryPercent: PageFigure;
  /** The fullest local mount. */
  readonly diskPercent: PageFigure;
  readonly diskMount: string | null;
  /** The file system that will be full first, and the time until then; null if no such forecast exists. */
  readonly fullIn: PageForecast | null;
  readonly loadPerCpu: number | null;
  readonly reportAgeMs: number | null;
  /** The share of the span's visits that succeeded, 0 to 1; null without visits. */
  readonly availability: number | null;
  /** The visits of the last day in equal pieces; left out of a report. */
  readonly pieces?: readonly PagePiece[];
  /** The labels as `name=value`, in the order of config.xml. Default: none. */
  readonly labels?: readonly string[];
  /** CPU in percent over the span, oldest first; null is unknown. */
  readonly spark: readonly (number | null)[];
  /** The encoded history (see series-layout.ts); null: left out of this file. */
  readonly history: string | null;
}

/** The addresses of a server's pages. */
export interface PageLinks {
  readonly client: (name: string) => string;
  readonly alert: (id: number) => string;
  /** The fleet's page with the clients of a label, `name=value`. */
  readonly label: (label: string) => string;
}

export interface PageSilence extends PageSpan {
  readonly client: string;
}

export interface FleetPage {
  readonly title: string;
  /** IANA zone in which times are written. */
  readonly zone: string | null;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Worst first. */
  readonly clients: readonly PageClient[];
  /** The checks by client; a client without checks is missing. */
  readonly checks: ReadonlyMap<string, ClientChecks>;
  /** The newest lines of logs by client, newest first. A client without lines is missing. */
  readonly logs: ReadonlyMap<string, readonly PageLogLine[]>;
  /** Who serves in groups that need some of their members: `web 7/8, 6 needed`. */
  readonly groups: readonly string[];
  /** Open alerts, worst first, then longest. */
  readonly alerts: readonly PageAlert[];
  /**
   * Every alert that was open at some time of the span, for the time line: alerts of clients, and of the fleet ('').
   */
  readonly history: readonly PageAlert[];
  readonly outliers: PageOutliers;
  readonly silences: readonly PageSilence[];
  /** Spans in which no collector ran. */
  readonly gaps: readonly PageSpan[];
  /** Sentences about parts that were left out to keep the file small. */
  readonly omissions: readonly string[];
}

/** The present state of an open alert, for the button that acknowledges it. */
export interface AlertAnswer {
  readonly severity: Severity;
  readonly isAcknowledged: boolean;
}
