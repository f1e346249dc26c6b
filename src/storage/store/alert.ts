import type { Severity } from '../../config/config.ts';

/** What one row says about one rule's subject. `unknown` moves nothing. */
export type Level = 'none' | Severity | 'unknown';

/** At most one alert with the same key is open. `subject` is a mount, interface, unit ... or ''. */
export interface AlertKey {
  readonly client: string;
  readonly rule: string;
  readonly subject: string;
}

export type AlertState = 'pending' | 'firing' | 'resolved';

/**
 * Why an alert ended: the value came back; its subject is gone; rule or client left config.xml; it is an event that
 * has no way back (rebooted); a collector that is silent gave way to another, or somebody said that it is no more; it was
 * pending and never fired.
 */
export type ClosedReason = 'recovered' | 'gone' | 'unwatched' | 'event' | 'superseded' | 'forgotten' | 'unconfirmed';

/** One row of `alerts`: from the first holding row to the end. */
export interface Alert extends AlertKey {
  /** null until it is stored. */
  readonly id: number | null;
  readonly severity: Severity;
  readonly state: AlertState;
  /** The newest judged value, in the metric's unit; null where the rule judges no number. */
  readonly value: number | null;
  /** The value for people: `96.2 %`, `login refused: root was refused`. */
  readonly valueText: string;
  /** The limit that holds, for people: `at least 95 %`. */
  readonly limitText: string;
  readonly pendingSinceMs: number;
  readonly firingSinceMs: number | null;
  readonly resolvedAtMs: number | null;
  readonly closedReason: ClosedReason | null;
  /** The report id, or `run/client` of the visit, that began it. */
  readonly firstEvidence: string;
  /** The run whose row last changed state or severity: telling waits until that run has ended. null: none. */
  readonly changedByRun: string | null;
  /** Counts changes of state, severity and flapping since it began. */
  readonly sequence: number;
  readonly flapping: boolean;
  /** True once it is closed and nobody has to be told anything of it any more. */
  readonly closedOut: boolean;
  /** It was judged only from rows older than what was known already: it is told once, as past. */
  readonly past: boolean;
  readonly acknowledgedBy: string | null;
  readonly acknowledgedUntilMs: number | null;
  readonly acknowledgedSeverity: Severity | null;
  /** What the person said with it; left out by judging, which never changes it. */
  readonly acknowledgedComment?: string | null;
  readonly progress: Progress;
}

/** What the state machine remembers between rows. */
export interface Progress {
  /** Consecutive rows that hold (while pending) or are critical (while a warning fires), and since when. */
  readonly holding: number;
  readonly holdingSinceMs: number;
  /** Consecutive rows beyond `clear` (while firing). */
  readonly clearing: number;
  /** Consecutive rows whose successful probe did not list the subject. */
  readonly missing: number;
  /** Consecutive rows at a lower level than the severity that fires. */
  readonly easing: number;
  /** Of the newest row that was not unknown. */
  readonly lastAtMs: number;
  /** Of the newest row that added to a count, see alerter/transition/progress.ts. Default: lastAtMs. */
  readonly countedAtMs?: number;
  /** How often the value came back beyond the limit from its way back, while firing; missing: never. */
  readonly returns?: number;
  /** Of `unreachable`: true if a fault of the network may be the cause of the newest visit that failed. */
  readonly isNetwork?: boolean;
  /** The worst row of the alert; missing where no row has begun it, and in rows of versions that did not keep it. */
  readonly worst?: Worst;
}

/** What the worst row of an alert said: of numbers the value furthest beyond the limit, else the newest fault. */
export interface Worst {
  readonly atMs: number;
  readonly severity: Severity;
  readonly value: number | null;
  readonly valueText: string;
  readonly limitText: string;
}

/** What each person knows of an alert. */
export interface LastNotified {
  readonly alertId: number;
  readonly recipient: string;
  /** `past` and closed reasons count as resolved. */
  readonly state: 'firing' | 'resolved' | 'flapping';
  readonly severity: Severity;
  readonly sequence: number;
  readonly notifiedAtMs: number;
}

export type Transition =
  | 'firing'
  | 'escalated'
  | 'eased'
  | 'resolved'
  /** Its subject, rule or client is no longer there: not a recovery. */
  | 'ended'
  /** It began and ended before anybody could be told. */
  | 'past'
  | 'reminder'
  | 'flapping'
  /** Flapping has ended, with the true state. */
  | 'steady';

/**
 * What a notification says, and what its recipient knew of the alert before. One recipient may have several of an
 * alert's sequence: reminders, and mails that take the place of waiting ones.
 */
export interface StoredNotification {
  readonly alertId: number;
  readonly sequence: number;
  readonly transition: Transition;
  readonly before: Pick<LastNotified, 'state' | 'severity' | 'sequence' | 'notifiedAtMs'> | null;
}

/** What judging remembers of a client beside its alerts; JSON in the table `judging`. */
export interface RuleState {
  /** Newest judged row of each kind; older ones never move the present. */
  readonly newestReportMs: number | null;
  readonly newestVisitMs: number | null;
  readonly bootId: string | null;
  /** Rows judged so far. */
  readonly rows: number;
  /**
   * By rule and subject, joined by U+0000: how many rows that said something of it the last changes lie back, at most 12,
   * negative where it got better. Flapping counts them.
   */
  readonly changes: Readonly<Record<string, readonly number[]>>;
  /** The local mounts of the newest judged report that are or were writable. */
  readonly writable?: readonly string[];
  /** How the last visits ended, at most 12, oldest first: '' where one was good, else its error code. */
  readonly visits?: readonly string[];
  /**
   * By rule: the rules that the newest report says nothing of, and since which report. `matches`: false where the report
   * lists nothing that the rule selects, true where what it selects is unknown.
   */
  readonly unknown?: Readonly<Record<string, { readonly sinceMs: number; readonly matches: boolean }>>;
  /** By rule and subject, joined by U+0000: what rows older than the newest judged one have begun; told as past. */
  readonly late?: Readonly<Record<string, Alert>>;
  /** Of the fleet, which is the client '': names of all rules that a pass has judged. */
  readonly rules?: readonly string[];
}
