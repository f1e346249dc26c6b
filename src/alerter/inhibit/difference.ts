import type { Alert, StoredNotification, LastNotified, Transition } from '../../storage/store/alert.ts';
import type { Listener } from './recipients-of.ts';
import { hears } from './recipients-of.ts';

/** What somebody knows of an alert; null: nothing. */
export type Known = StoredNotification['before'];

/**
 * What has to be told to somebody, so that what was told last equals the state; null: nothing has. `listener` is null for
 * those whom config.xml does not name any more: of what they know of they are told the end, and nothing else.
 */
export function differenceOf(alert: Alert, known: Known, listener: Listener | null): Transition | null {
  if (alert.state === 'pending') return null;
  if (alert.state === 'resolved') return endOf(alert, known, listener);
  if (listener === null) return null;
  if (known === null || known.state === 'resolved') {
    if (!hears(listener, alert.severity)) return null;
    return alert.flapping && isOnWayBack(alert) ? 'flapping' : 'firing';
  }
  if (known.state === 'flapping' && !alert.flapping) return 'steady';
  const isWorse = alert.severity === 'critical' && known.severity === 'warning';
  if (alert.flapping && isWorse && !isOnWayBack(alert)) return 'escalated';
  if (alert.flapping) return known.state === 'flapping' ? null : 'flapping';
  if (known.severity === alert.severity) return null;
  return alert.severity === 'critical' ? 'escalated' : 'eased';
}

/** True if the newest row is beyond the limit of the way back; a value that flaps is there until it holds again. */
export function isOnWayBack({ progress }: Alert): boolean {
  return progress.clearing > 0 || progress.easing > 0;
}

function endOf({ closedReason, severity }: Alert, known: Known, listener: Listener | null): Transition | null {
  if (known === null) {
    // Nobody watches it any more, or it never was an alert: there is no need to know of its past.
    const isNoNews = closedReason === 'unwatched' || closedReason === 'unconfirmed';
    return !isNoNews && listener !== null && hears(listener, severity) ? 'past' : null;
  }
  if (known.state === 'resolved') return null;
  return closedReason === 'recovered' || closedReason === 'event' || closedReason === null ? 'resolved' : 'ended';
}

/** What is known once it is told. */
export function knownAfter(
  alert: Alert,
  notifiedAtMs: number,
): Pick<LastNotified, 'state' | 'severity' | 'sequence' | 'notifiedAtMs'> {
  const state = alert.state === 'resolved' ? 'resolved' : alert.flapping ? 'flapping' : 'firing';
  return { state, severity: alert.severity, sequence: alert.sequence, notifiedAtMs };
}

/** True if it may not wait: what fires for the fleet, and critical ones for those who do not know them as critical. */
export function isUrgent(alert: Alert, known: Known, transition: Transition): boolean {
  if (transition === 'reminder') return false;
  const isNews = known === null || known.state === 'resolved';
  if (alert.state === 'firing' && alert.client === '' && isNews) return true;
  return isNewCritical(alert, known);
}

/** Critical ones are told in spite of the cap; an event has no other state than over. */
export function isNewCritical({ state, severity, closedReason }: Alert, known: Known): boolean {
  return (state === 'firing' || closedReason === 'event') && severity === 'critical' && !knowsCritical(known);
}

function knowsCritical(known: Known): boolean {
  return known !== null && known.state !== 'resolved' && known.severity === 'critical';
}
