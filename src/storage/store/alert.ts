import type { AboutKey } from '../../about/about.ts';
import { aboutOf } from '../../about/kinds.ts';
import type { Severity } from '../../config/config.ts';
import { isObject } from '../../platform/parse-json.ts';
import type { CanaryState, UnreadReplies } from './reply-store.ts';
import {
  type Column,
  flag,
  json,
  number,
  numberOrNull,
  type RecordOf,
  type RecordShape,
  recordShape,
  severity,
  text,
  textOrNull,
  time,
  timeOrNull,
} from './record-shape.ts';

/** The level of one row for one rule's subject. `unknown` changes nothing. */
export type Level = 'none' | Severity | 'unknown';

export type AlertState = 'pending' | 'firing' | 'resolved';

/**
 * The reason why an alert ended: the value came back; its subject no longer exists; rule or client left config.xml; its
 * event has no recovery (rebooted); another collector superseded the silent one, or the collector was forgotten; it was
 * pending and never fired.
 */
export type ClosedReason = 'recovered' | 'gone' | 'unwatched' | 'event' | 'superseded' | 'forgotten' | 'unconfirmed';

/**
 * Returns the shape of rows that say what an alert is about. Rows of programs that do not know the column, or know
 * further kinds, get one of the kinds that are known here.
 */
export function aboutShape<Row extends Parameters<typeof aboutOf>[0]>(
  shape: RecordShape<Row>,
): RecordShape<Omit<Row, 'about'> & Pick<AboutKey, 'about'>> {
  return {
    columns: shape.columns,
    read: (row) => {
      const record = shape.read(row);
      return { ...record, about: aboutOf(record) };
    },
  };
}

const alertShape = recordShape({
  id: number,
  about: text,
  client: text,
  rule: text,
  subject: text,
  severity,
  state: text as Column<AlertState>,
  /** The newest evaluated value, in the metric's unit; null if the rule evaluates no number. */
  value: numberOrNull,
  /** The value for people: `96.2 %`, `login refused: root was refused`. */
  valueText: text,
  /** The limit that the value violates, for people: `at least 95 %`. */
  limitText: text,
  pendingSinceMs: time,
  firingSinceMs: timeOrNull,
  resolvedAtMs: timeOrNull,
  closedReason: textOrNull as Column<ClosedReason | null>,
  /** The report id, or `run/client` of the visit, that began the alert. */
  firstEvidence: text,
  /**
   * The run whose row last changed state or severity: the notification waits until that run has ended. null if there is
   * none.
   */
  changedByRun: textOrNull,
  /** Counts changes of state, severity and flapping since the beginning. */
  sequence: number,
  flapping: flag,
  /** True once the alert is closed and every recipient who was notified of it knows its end. */
  closedOut: flag,
  /** True if only rows older than the newest processed one were evaluated: the alert is notified once, as past. */
  past: flag,
  acknowledgedBy: textOrNull,
  acknowledgedUntilMs: timeOrNull,
  acknowledgedSeverity: textOrNull as Column<Severity | null>,
  /** The person's comment. An evaluation never changes it. */
  acknowledgedComment: textOrNull,
  /** The time of the acknowledgement, by the database's clock. */
  acknowledgedAtMs: timeOrNull,
  /** The changes before the alert; null until they are looked for. */
  cause: causeOf,
  progress: progressOf,
});

/** A row of `alerts`: from the first row that holds to the end. */
export const storedAlert = aboutShape(alertShape);
type StoredAlert = RecordOf<typeof storedAlert>;

/** Reads a stored cause. Returns null for anything else, so that it is looked for again. */
function causeOf(value: unknown): Cause | null {
  const read = json(value);
  return isObject(read) && Array.isArray(read['changes']) && read['changes'].every(isObject)
    ? (read as unknown as Cause)
    : null;
}

/** The counts of an alert whose stored ones cannot be read: the next rows count anew. */
const nothingCounted: Progress = { holding: 0, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs: 0 };

export function progressOf(value: unknown): Progress {
  const read = json(value);
  if (!isObject(read) || Object.keys(nothingCounted).some((name) => typeof read[name] !== 'number')) {
    return nothingCounted;
  }
  const { worst, ...others } = read;
  return { ...others, ...(isObject(worst) ? { worst } : {}) } as unknown as Progress;
}

/** The fields that an evaluation omits. */
type OmittedField = 'acknowledgedComment' | 'acknowledgedAtMs' | 'cause';

/** An alert. Its id is null until it is stored. */
export interface Alert extends Omit<StoredAlert, 'id' | OmittedField>, Partial<Pick<StoredAlert, OmittedField>> {
  readonly id: number | null;
}

/** The changes before an alert that are hardly there by chance. */
export interface Cause {
  /** The time at which the cause was looked for. */
  readonly atMs: number;
  /** The sets of changes, at most three, the least likely by chance first; empty if none is named. */
  readonly changes: readonly NamedChanges[];
  /** A trait of all failing members of the group and of no others: `rack=r3`; null if there is none. */
  readonly allOf: string | null;
  /** The time between the change of config.xml and the alert; null if none is near. */
  readonly configBeforeMs: number | null;
}

/** Changes that came together, by one of them. */
export interface NamedChanges {
  readonly kind: string;
  readonly item: string;
  readonly before: string | null;
  readonly after: string | null;
  /** Two further changes, of the rarest kinds first. Default: none. */
  readonly further?: readonly Pick<NamedChanges, 'kind' | 'item' | 'before' | 'after'>[];
  /** The number of further changes, including `further`. */
  readonly more: number;
  /** The time between a boot in an absence and the alert, if the uptime says it. */
  readonly bootBeforeMs?: number;
  /** True if the client was away before the alert, and changed meanwhile. Default: false. */
  readonly away?: true;
  /** The kind of all further changes; null if they differ, or if there are none. */
  readonly moreKind: string | null;
  /** The look before the changes, and the look that found them. */
  readonly earliestAtMs: number;
  readonly latestAtMs: number;
  /** The time between the changes and the alert: the median of the members that fail. */
  readonly beforeMs: number;
  /** The group whose members are compared; null if there is none with five members. */
  readonly group: string | null;
  /** The members that fail and those that do not: how many have the changes, and how many there are. */
  readonly failing: readonly [number, number];
  readonly others: readonly [number, number];
  /** The probability that such changes are there by chance, over all that were tested. */
  readonly chance: number;
}

/** The memory of the state machine between rows. */
export interface Progress {
  /** Consecutive rows that hold (while pending) or are critical (while a warning fires), and the time of the first. */
  readonly holding: number;
  readonly holdingSinceMs: number;
  /** Consecutive rows beyond `clear` (while firing). */
  readonly clearing: number;
  /** Consecutive rows whose successful probe did not list the subject. */
  readonly missing: number;
  /** Consecutive rows at a lower level than the severity that fires. */
  readonly easing: number;
  /** The time of the newest row that was not unknown. */
  readonly lastAtMs: number;
  /** The time of the newest row that added to a count, see alerter/transition/progress.ts. Default: lastAtMs. */
  readonly countedAtMs?: number;
  /** The number of times that the value passed the limit again while recovering, while firing. Default: 0. */
  readonly returns?: number;
  /** For `unreachable`: true if a fault of the network may be the cause of the newest visit that failed. */
  readonly isNetwork?: boolean;
  /** The error code of that visit. Missing in rows of versions that did not store it. */
  readonly code?: string;
  /** The error code of the first failed visit of the alert. Missing in rows of versions that did not store it. */
  readonly begunBy?: string;
  /** The run of the newest visit, if `isNetwork` is known. Missing in rows of versions that did not store it. */
  readonly lastRun?: string;
  /** The time of the row that changed the severity of the firing alert last. Missing if none did. */
  readonly severitySinceMs?: number;
  /** The worst row of the alert. Missing if no row began the alert, and in rows of versions that did not store it. */
  readonly worst?: Worst;
}

/** The worst row of an alert: the value furthest beyond the limit, or the newest fault if there are no numbers. */
export interface Worst extends Pick<Alert, 'severity' | 'value' | 'valueText' | 'limitText'> {
  readonly atMs: number;
}

/** The state of an alert that a recipient was last notified of. */
export const storedLastNotified = recordShape({
  alertId: number,
  recipient: text,
  /** `past` and closed reasons count as resolved. `unsteady`: notified as firing while the alert flapped. */
  state: text as Column<'firing' | 'resolved' | 'flapping' | 'unsteady'>,
  severity,
  sequence: number,
  notifiedAtMs: time,
});
export type LastNotified = RecordOf<typeof storedLastNotified>;

export const transitions = [
  'firing',
  'escalated',
  'eased',
  'resolved',
  /** The subject, rule or client no longer exists. This is not a recovery. */
  'ended',
  /** The alert began and ended before anybody could be notified. */
  'past',
  'reminder',
  /** A person has acknowledged the alert. Only recipients that keep incidents of their own are notified. */
  'acknowledged',
  'flapping',
  /** Flapping has ended; the notification has the true state. */
  'steady',
] as const;
export type Transition = (typeof transitions)[number];

/** The transitions that follow no change of the alert. They may be repeated within a sequence. */
export const unchangedTransitions: readonly Transition[] = ['reminder', 'acknowledged'];

/**
 * A notification, with the previously notified state of the alert for its recipient. One recipient may have several
 * notifications of an alert's sequence: reminders, and mails that replace waiting ones.
 */
export interface StoredNotification {
  readonly alertId: number;
  readonly sequence: number;
  readonly transition: Transition;
  readonly before: Pick<LastNotified, 'state' | 'severity' | 'sequence' | 'notifiedAtMs'> | null;
}

/** Reads a stored memory. Returns null for anything else: the client's next rows are the first ones then. */
export function ruleStateOf(value: unknown): RuleState | null {
  const read = json(value);
  return isObject(read) && typeof read['rows'] === 'number' && isObject(read['changes'])
    ? (read as unknown as RuleState)
    : null;
}

/** The alerter's memory of a client besides its alerts; JSON in the table `rule_state`. */
export interface RuleState {
  /** The newest processed row of each kind. Older rows never change the present state. */
  readonly newestReportMs: number | null;
  readonly newestVisitMs: number | null;
  readonly bootId: string | null;
  /** The times of the reports that were the first of a boot, within an hour of the newest one; at most 60. */
  readonly boots?: readonly number[];
  /**
   * The report before each gap in which the client was late, and the report after it, of the last day; at most 12. 0
   * stands for no report before.
   */
  readonly gaps?: readonly (readonly [number, number])[];
  /** The number of rows processed so far. */
  readonly rows: number;
  /**
   * The age of the last changes in known rows, by rule and subject, joined by U+0000. At most 12; negative for an
   * improvement. Used to detect flapping.
   */
  readonly changes: Readonly<Record<string, readonly number[]>>;
  /** The ages of the bad rows of subjects that do not fire, by rule and subject as in `changes`; at most 12. */
  readonly bad?: Readonly<Record<string, readonly number[]>>;
  /** The time of the newest report of processes that the kernel killed for want of memory. */
  readonly killedAtMs?: number;
  /** The local mounts of the newest processed report that are or were writable. */
  readonly writable?: readonly string[];
  /** The error codes of the last visits, at most 12, oldest first: '' for a good visit. */
  readonly visits?: readonly string[];
  /**
   * The rules on which the newest report has no information, by name, with the first such report. `matches` is false if
   * the report lists nothing that the rule selects, true if the state of the selected items is unknown.
   */
  readonly unknown?: Readonly<Record<string, { readonly sinceMs: number; readonly matches: boolean }>>;
  /**
   * Alerts that rows older than the newest processed one began, by rule and subject, joined by U+0000. They are
   * notified as past.
   */
  readonly late?: Readonly<Record<string, Alert>>;
  /** For the fleet, which is the client '': the names of all rules that a pass has evaluated. */
  readonly rules?: readonly string[];
  /**
   * For the fleet: a digest of the members and the need of each group that needs some of them, by name, and the time of
   * the pass that found it first; null if that was the first pass.
   */
  readonly groups?: Readonly<Record<string, { readonly digest: string; readonly sinceMs: number | null }>>;
  /** For the fleet: the time of the last forecasts, by the database's clock, and config.xml's digest at that time. */
  readonly foreseen?: { readonly atMs: number; readonly configDigest: string };
  /** For the fleet: what `<canary>` has sent, and what came back. */
  readonly canary?: CanaryState;
  /** For the fleet: the fault of the last reading of `<replies>`. Missing or null if the mailbox was read. */
  readonly repliesUnread?: UnreadReplies | null;
  /** For the fleet: the time since notifications, once the clock was set back. Missing or null if it was not. */
  readonly toldAhead?: ToldAhead | null;
}

/** The time that has passed since notifications, counted by passes because the clock was set back. */
export interface ToldAhead {
  /** The time of the pass that counted last. */
  readonly atMs: number;
  /** The pause between the last two passes between which the clock was not set; null if there were none. */
  readonly stepMs: number | null;
  readonly times: readonly (readonly [toldMs: number, passedMs: number])[];
}
