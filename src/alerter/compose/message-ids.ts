import { digestOf } from '../../notify/mail-identity.ts';
import type { PendingNotification } from '../dispatch/notification-plan.ts';

/** More would make a header that mail servers refuse; the worst come first. */
const mostReferences = 100;

/**
 * A mail's Message-ID: of the recipient and of all that it tells, and of nothing else, so that the same news to the
 * same person is the same mail, from whatever database it was composed.
 */
export function messageIdOf(recipient: string, items: readonly PendingNotification[], domain: string): string {
  const identities = items.map(identityOf).sort();
  return `<${digestOf([recipient, ...identities]).slice(0, 32)}@${domain}>`;
}

/**
 * Returns an id for each alert that is the same in every mail about it to one person. No mail has the id itself; mail
 * programs gather what refers to it. The last one is of the first item, the most important one.
 */
export function threadsOf(recipient: string, items: readonly PendingNotification[], domain: string): readonly string[] {
  const ids = items.slice(0, mostReferences).map(({ client, rule, subject, alert }) => {
    const hash = digestOf(['alert', recipient, client, rule, subject, alert.firstEvidence]);
    return `<${hash.slice(0, 20)}@${domain}>`;
  });
  return [...new Set(ids)].reverse();
}

/**
 * Returns the id of an alert for other programs: the same for a rule and subject of a client, each time that it fires.
 */
export function alertIdOf({ client, rule, subject }: Pick<PendingNotification, 'client' | 'rule' | 'subject'>): string {
  return digestOf(['alert', client, rule, subject]).slice(0, 32);
}

/** Returns what tells a notification from all others, whatever database it is stored in. */
export function identityOf({
  client,
  rule,
  subject,
  alert,
  transition,
  sequence,
  before,
}: PendingNotification): string {
  // Reminders follow each other within one sequence: the time of the notification before tells them apart.
  const again = transition === 'reminder' ? [before?.notifiedAtMs ?? 0] : [];
  return [client, rule, subject, alert.firstEvidence, transition, sequence, ...again].join('\0');
}
