import { compareText } from '../../text/compare-text.ts';
import { oneLine } from '../../text/plain-text.ts';
import type { Transition } from '../../storage/store/alert.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import type { PendingNotification, SectionKind } from './notification-plan.ts';
import type { RecipientAlert } from './recipient-alerts.ts';

export interface PendingOptions {
  readonly transition: Transition;
  readonly listedOnly?: boolean;
  /** Hosts of collectors by collector id. */
  readonly hosts?: DispatchInput['collectorHosts'];
}

export function pendingNotification(
  { alert, watch, known }: RecipientAlert,
  { transition, listedOnly = false, hosts }: PendingOptions,
): PendingNotification {
  const { id: alertId, client, rule, subject, sequence } = alert;
  return {
    alertId,
    client,
    rule,
    subject,
    sequence,
    transition,
    severity: alert.state === 'resolved' ? (known?.severity ?? alert.severity) : alert.severity,
    alert,
    watch,
    host: client === '' ? (hosts?.get(subject) ?? null) : null,
    listedOnly,
    before: known,
  };
}

/** The sections of a mail in their order. */
export const sectionOrder: readonly SectionKind[] = [
  'critical',
  'warning',
  'flapping',
  'resolved',
  'event',
  'ended',
  'past',
  'open',
  'listed',
];

export function sectionOf({ transition, severity, listedOnly, alert }: PendingNotification): SectionKind {
  if (listedOnly) return 'listed';
  if (transition === 'past' && alert.closedReason === 'event') return 'event';
  switch (transition) {
    case 'firing':
    case 'escalated':
    case 'eased':
    case 'steady':
      return severity;
    case 'reminder':
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

/** An address that a client's name was resolved to. */
const ipv4 = /^(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?$/;

/**
 * Returns the reason without the client's own address, so that many clients have the same one; null for a number, or
 * where there is no reason.
 */
export function reasonOf({ rule, client, watch, alert }: PendingNotification): string | null {
  if (alert.value !== null || client === '') return null;
  const text = oneLine(alert.valueText);
  if (rule !== 'unreachable') return text === '' ? null : text;
  const words = text.replace(/^network: /, '').replace(/\b(\d+)000 ms\b/g, '$1 s');
  const own = [watch.client?.address ?? '', client].flatMap((name) => (name === '' ? [] : [name, `[${name}]`]));
  const isOwn = (word: string): boolean =>
    own.includes(word) || own.includes(word.replace(/:\d+$/, '')) || ipv4.test(word);
  return words
    .split(' ')
    .filter((word) => !isOwn(word))
    .join(' ');
}
