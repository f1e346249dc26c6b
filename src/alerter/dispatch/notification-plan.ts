import type { AboutKey } from '../../about/about.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Parent } from '../../config/clients/parents.ts';
import type { Severity } from '../../config/config.ts';
import { type Alert, type LastNotified, type Transition, unchangedTransitions } from '../../storage/store/alert.ts';
import { compareText } from '../../text/compare-text.ts';
import { oneLine } from '../../text/plain-text.ts';
import { visitCause } from '../evaluate/visit-conditions.ts';
import type { Known } from '../inhibit/difference.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import { easedWords } from '../inhibit/easing.ts';
import { holdReasons, type HoldReason } from '../inhibit/hold-reason.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import type { RecipientAlert } from './recipient-alerts.ts';
import type { Watch } from '../inhibit/watches.ts';

/** A notification of one alert that may go to one recipient now, by itself or as an item of a mail. */
export interface PendingNotification extends AboutKey {
  readonly alertId: number;
  /** The parent that is back while the client is still away. Default: there is none. */
  readonly leftBy?: string;
  /** The group whose alert, in the same mail, tells of this one. Default: the notification has a line of its own. */
  readonly below?: string;
  /** For the alert of a group: the notifications of members of which it tells. Default: none. */
  readonly carries?: readonly PendingNotification[];
  /** Why a critical alert is told as a warning. Default: it is told in its own severity. */
  readonly eased?: string;
  /** The sequence of the alert. A reminder repeats it. */
  readonly sequence: number;
  readonly transition: Transition;
  /** The severity of the alert; for a resolved alert the severity that the recipient was last notified of. */
  readonly severity: Severity;
  readonly alert: Alert;
  readonly watch: Watch;
  /** The host of the collector that the alert is about; null if unknown, or if the alert is about something else. */
  readonly host: string | null;
  /** True if the alert began and ended inside a silence or window. It is only listed, in a mail that is sent anyway. */
  readonly listedOnly: boolean;
  /** The state that the recipient was last notified of. */
  readonly before: Known;
  /** The time for which nobody acknowledged the alert, if its recipient is notified for that reason; else null. */
  readonly unacknowledgedMs: number | null;
  /** True if the notification follows the end of an acknowledgement at its time. Default: false. */
  readonly lapsed?: true;
}

/** The kinds of sections, in the order in which they stand in a mail. */
export const sectionOrder = [
  /** Alerts that fire or got worse: critical. */
  'critical',
  /** Alerts that fire or eased: warning. */
  'warning',
  'flapping',
  'resolved',
  /** Alerts that cannot recover: they are over as soon as they are known (rebooted). */
  'event',
  /** Alerts whose subject is no longer there or no longer watched: no recovery. */
  'ended',
  /** Alerts that began and ended before anybody was notified. */
  'past',
  /** Reminders of open alerts. */
  'open',
  /** Alerts that began and ended inside a silence or window, or behind a fault that was notified instead. */
  'listed',
] as const;

export type SectionKind = (typeof sectionOrder)[number];

export interface Section {
  readonly kind: SectionKind;
  /** The number of all items, including those beyond the last line. */
  readonly count: number;
  /** Rules of the fleet first, then by name. */
  readonly rules: readonly RuleLines[];
}

/** The lines of a rule within a section. */
export interface RuleLines {
  /** At most 20; at most 3 of one client while other clients wait. */
  readonly lines: readonly Line[];
  /** Items without a line; a mail names their clients. */
  readonly rest: readonly PendingNotification[];
}

/** A line of a mail. */
export interface Line {
  /** null for a single item. */
  readonly fold: Fold | null;
  /** At least one; worst first, then by client and subject. */
  readonly items: readonly PendingNotification[];
  /** Distinct clients of the items, in order; empty for alerts of the fleet. */
  readonly clients: readonly string[];
}

/** Clients that need a lost or recovered parent, and the parent itself if it has alerts of its own in the line. */
export interface ParentFold extends Pick<Parent, 'name' | 'names' | 'isBastion'> {
  readonly kind: 'parent';
  /** The number of clients of config.xml that need the parent. */
  readonly behind: number;
  /** Clients that are still away although the parent has recovered. */
  readonly still: readonly string[];
}

/** The reason why many items are one line. */
export type Fold =
  /** Clients of one named group under one rule; `size`: clients of config.xml in the group. */
  | { readonly kind: 'group'; readonly name: string; readonly size: number }
  | ParentFold
  /** Clients that are still away although this parent is back. */
  | { readonly kind: 'left'; readonly name: string }
  /** Clients that mount the same export. */
  | { readonly kind: 'export'; readonly source: string }
  /** Clients with the same reason. */
  | { readonly kind: 'reason' }
  /** Events of one client. */
  | { readonly kind: 'client'; readonly name: string }
  /** Conditions that are one line for all clients: not-trusted. */
  | { readonly kind: 'all' };

/** A mail that is due, not yet in words. */
export interface DueMail {
  /** An address, `|` and a command of <notify> (see `commandOfRecipient`), or `webhook:` and a name. */
  readonly recipient: string;
  /** The worst severity of the items; for resolved ones the last notified severity. */
  readonly severity: Severity;
  /** True if no item is urgent now: a warning, a recovery, a reminder, or a client whose urgent mails are used up. */
  readonly ordinary: boolean;
  /** True for the first pass over a fleet or of a new rule: one "already true" mail. */
  readonly alreadyTrue: boolean;
  /** In the order of the sections, worst first, then by client. Each becomes a notification. */
  readonly items: readonly PendingNotification[];
  /** The same items by section; empty sections are left out. */
  readonly sections: readonly Section[];
  /** Firing alerts that the recipient knows once this mail is read, including the mail's own items. */
  readonly open: readonly PendingNotification[];
  /** Lines of `open` that stand for many clients, by rule. */
  readonly openFolds: readonly Line[];
  /** Waiting mails that this mail replaces. */
  readonly replaces: readonly number[];
}

/** A notification that is held back now, with the reason. */
export interface Held {
  readonly alertId: number;
  /** null if the reason applies to every recipient. */
  readonly recipient: string | null;
  readonly reason: HoldReason;
}

/** Returns a notification that is held back: for its recipient alone, or for everybody, as its reason holds. */
export function heldOf(alertId: number, recipient: string, reason: HoldReason): Held {
  return { alertId, recipient: holdReasons[reason.kind].isOwn ? recipient : null, reason };
}

export interface NotificationPlan {
  readonly mails: readonly DueMail[];
  /** Waiting mails that are not sent any more, and that no other mail replaces. */
  readonly withdrawn: readonly number[];
  /** The last notifications of recipients once the mails are stored: only new and changed rows. */
  readonly notified: readonly LastNotified[];
  /** Alerts that their recipients know nothing of: their mail is withdrawn, or replaced by one without them. */
  readonly unnotified: readonly Pick<LastNotified, 'alertId' | 'recipient'>[];
  /** Alerts that nobody has to be notified of any more, and that are in no waiting mail. */
  readonly closedOut: readonly number[];
  readonly held: readonly Held[];
  /** The recipients for whom no plan could be made. */
  readonly faults: readonly { readonly recipient: string; readonly thrown: unknown }[];
}

interface PendingOptions {
  readonly transition: Transition;
  readonly listedOnly?: boolean;
  /** Hosts of collectors by collector id. */
  readonly hosts?: DispatchInput['collectorHosts'];
}

export function pendingNotification(
  { alert, watch, listener, known, eased }: RecipientAlert,
  { transition, listedOnly = false, hosts }: PendingOptions,
): PendingNotification {
  const { id: alertId, about, client, rule, subject, sequence } = alert;
  return {
    alertId,
    about,
    client,
    rule,
    subject,
    sequence,
    transition,
    severity: alert.state === 'resolved' ? (known?.severity ?? alert.severity) : alert.severity,
    alert,
    watch,
    host: kindOf(alert).mayNameCollector ? (hosts?.get(subject) ?? null) : null,
    listedOnly,
    before: known,
    unacknowledgedMs: isUnknownCritical({ alert, known }) ? (listener?.afterMs ?? null) : null,
    ...(eased === undefined ? {} : { eased: easedWords(eased) }),
  };
}

/**
 * Returns the news of a group to which the news of a member belongs: that of the newest alert of the group that began
 * before the member's alert ended, or else of the oldest. Returns undefined if `ofGroup` is empty.
 */
export function groupAbove(
  ofGroup: readonly PendingNotification[],
  { alert: { resolvedAtMs } }: Pick<PendingNotification, 'alert'>,
): PendingNotification | undefined {
  const beganMs = ({ alert: { firingSinceMs } }: PendingNotification): number => firingSinceMs ?? 0;
  const begun = [...ofGroup].sort((one, other) => beganMs(one) - beganMs(other));
  return begun.findLast((one) => beganMs(one) < (resolvedAtMs ?? Infinity)) ?? begun[0];
}

/** True if an alert fires as critical, and its recipient does not know that. */
export function isUnknownCritical({
  alert: { state, severity },
  known,
}: Pick<RecipientAlert, 'alert' | 'known'>): boolean {
  const isKnown = known !== null && known.state !== 'resolved' && known.severity === 'critical';
  return state === 'firing' && severity === 'critical' && !isKnown;
}

/** True if a transition follows no change of the alert. */
export function followsNoChange(transition: Transition): boolean {
  return unchangedTransitions.includes(transition);
}

export function sectionOf(item: PendingNotification): SectionKind {
  const { transition, severity, listedOnly, alert } = item;
  if (listedOnly) return 'listed';
  if (item.leftBy !== undefined || item.lapsed === true) return severity;
  if (transition === 'past' && alert.closedReason === 'event') return 'event';
  switch (transition) {
    case 'firing':
    case 'escalated':
    case 'eased':
    case 'steady':
      return severity;
    case 'reminder':
    case 'acknowledged':
      return 'open';
    default:
      return transition;
  }
}

/** Orders by section, then worst first, the fleet before clients, then by client, rule, subject and beginning. */
export function compareNotifications(one: PendingNotification, other: PendingNotification): number {
  return (
    sectionOrder.indexOf(sectionOf(one)) - sectionOrder.indexOf(sectionOf(other)) ||
    compareSeverity(one.severity, other.severity) ||
    compareText(one.client, other.client) ||
    compareText(one.rule, other.rule) ||
    compareText(one.subject, other.subject) ||
    one.alert.pendingSinceMs - other.alert.pendingSinceMs ||
    one.alertId - other.alertId
  );
}

/** Returns the reason in words that many clients may share. Returns null for a number, or if there is no reason. */
export function reasonOf({ rule, watch, alert }: PendingNotification): string | null {
  if (alert.value !== null || !kindOf(alert).followsRows) return null;
  if (rule === 'unreachable') return visitCause(alert, watch.client?.address);
  const text = oneLine(alert.valueText);
  return text === '' ? null : text;
}
