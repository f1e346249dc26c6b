import type { Item, SectionKind } from './notification-plan.ts';
import { compareText } from '../../text/compare-text.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import type { News } from './news.ts';

/** What a mail says of a piece of news; `hosts` by collector id. */
export function itemOf({ matter, transition, known, listedOnly }: News, hosts?: DispatchInput['collectorHosts']): Item {
  const { alert, watch } = matter;
  const { client, rule, subject, firstEvidence, sequence } = alert;
  const isOver = alert.state === 'resolved';
  // One reminder follows the other within one sequence: what tells them apart is when it was told before.
  const again = transition === 'reminder' ? [String(known?.notifiedAtMs ?? 0)] : [];
  return {
    client,
    rule,
    subject,
    alertId: alert.id,
    sequence,
    transition,
    severity: isOver ? (known?.severity ?? alert.severity) : alert.severity,
    alert,
    identity: [client, rule, subject, firstEvidence, transition, String(sequence), ...again].join('\0'),
    groups: watch.client?.groups ?? [],
    address: watch.client?.address ?? null,
    port: watch.client?.port ?? null,
    host: client === '' ? (hosts?.get(subject) ?? null) : null,
    inForce: watch.rule,
    note: watch.rule?.note ?? null,
    listedOnly,
    before: known,
  };
}

/** The parts of a mail, in their order. */
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

export function sectionOf({ transition, severity, listedOnly, alert }: Item): SectionKind {
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

/** By section, worst first, what concerns the fleet before clients, then by client, rule, subject and beginning. */
export function compareItems(one: Item, other: Item): number {
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
