/** src/alerter/inhibit: silences, windows, recipients, alerts that stand for others. */
import { kindOf } from '../../about/kinds.ts';
import type { Alert, Progress, StoredNotification, Transition } from '../../storage/store/alert.ts';
import { type Listener, hears } from '../../config/recipients/listeners.ts';

/** The state of an alert that a recipient was last notified of; null if there is none. */
export type Known = StoredNotification['before'];

/**
 * Returns the transition between a recipient's knowledge and the state; null if there is none. `listener` is null for a
 * recipient that config.xml does not name any more, who is notified only of the ends of known alerts.
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
  if (alert.flapping) return known.state === 'firing' ? 'flapping' : null;
  if (known.severity === alert.severity) return isFurtherLoss(alert, known) ? 'firing' : null;
  return alert.severity === 'critical' ? 'escalated' : 'eased';
}

/**
 * True if the database has forgotten more, or a group has lost all members, since a recipient was notified. Each loss
 * has a sequence.
 */
function isFurtherLoss(alert: Alert, known: NonNullable<Known>): boolean {
  return (alert.rule === 'database-forgot' || kindOf(alert).tellsEachLoss) && alert.sequence > known.sequence;
}

/** True if the newest row is beyond the limit of recovery. A flapping alert stays so until its rule holds again. */
export function isReturning({ progress }: { readonly progress: Pick<Progress, 'clearing' | 'easing'> }): boolean {
  return progress.clearing > 0 || progress.easing > 0;
}

function endOf({ closedReason, severity }: Alert, known: Known, listener: Listener | null): Transition | null {
  if (known === null) {
    // The alert is no longer watched, or was never confirmed.
    const isNoNews = closedReason === 'unwatched' || closedReason === 'unconfirmed';
    const isToldOfPast = listener !== null && listener.afterMs === undefined && hears(listener, severity);
    return !isNoNews && isToldOfPast ? 'past' : null;
  }
  if (known.state === 'resolved') return null;
  return closedReason === 'recovered' || closedReason === 'event' || closedReason === null ? 'resolved' : 'ended';
}

/** Returns a recipient's knowledge after a notification. */
export function knownAfter(
  { alert, transition, before }: { readonly alert: Alert; readonly transition: Transition; readonly before: Known },
  notifiedAtMs: number,
): NonNullable<Known> {
  const { state, severity, sequence, flapping } = alert;
  const isAsFiring = transition === 'firing' || transition === 'escalated';
  const isUnsteady = isAsFiring || (transition !== 'flapping' && before?.state === 'unsteady');
  const open = !flapping ? 'firing' : isUnsteady ? 'unsteady' : 'flapping';
  return { state: state === 'resolved' ? 'resolved' : open, severity, sequence, notifiedAtMs };
}
