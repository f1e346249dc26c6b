import type { Alert, StoredNotification, Transition } from '../../storage/store/alert.ts';
import { type Listener, hears } from './recipients-of.ts';

/** The state of an alert that a recipient was last notified of; null: none. */
export type Known = StoredNotification['before'];

/**
 * Returns the transition between what a recipient knows and the state, or null if there is none. `listener` is null for
 * a recipient whom config.xml does not name any more: there is only the end of what the recipient knows.
 */
export function differenceOf(alert: Alert, known: Known, listener: Listener | null): Transition | null {
  if (alert.state === 'pending') return null;
  if (alert.state === 'resolved') return endOf(alert, known, listener);
  if (listener === null) return null;
  if (known === null || known.state === 'resolved') {
    if (!hears(listener, alert.severity)) return null;
    return alert.flapping && isReturning(alert) ? 'flapping' : 'firing';
  }
  if (known.state === 'flapping' && !alert.flapping) return 'steady';
  const isWorse = alert.severity === 'critical' && known.severity === 'warning';
  if (alert.flapping && isWorse && !isReturning(alert)) return 'escalated';
  if (alert.flapping) return known.state === 'flapping' ? null : 'flapping';
  if (known.severity === alert.severity) return null;
  return alert.severity === 'critical' ? 'escalated' : 'eased';
}

/** True if the newest row is beyond the limit of recovery. A value that flaps is there until it holds again. */
export function isReturning({ progress }: Alert): boolean {
  return progress.clearing > 0 || progress.easing > 0;
}

function endOf({ closedReason, severity }: Alert, known: Known, listener: Listener | null): Transition | null {
  if (known === null) {
    // Nobody watches it any more, or it never was an alert.
    const isNoNews = closedReason === 'unwatched' || closedReason === 'unconfirmed';
    return !isNoNews && listener !== null && hears(listener, severity) ? 'past' : null;
  }
  if (known.state === 'resolved') return null;
  return closedReason === 'recovered' || closedReason === 'event' || closedReason === null ? 'resolved' : 'ended';
}

/** Returns what a recipient knows after a notification. */
export function knownAfter(alert: Alert, notifiedAtMs: number): NonNullable<Known> {
  const state = alert.state === 'resolved' ? 'resolved' : alert.flapping ? 'flapping' : 'firing';
  return { state, severity: alert.severity, sequence: alert.sequence, notifiedAtMs };
}
