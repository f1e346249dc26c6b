import type { Episode, StoredItem, Told, Transition } from '../../storage/store/episode.ts';
import type { Listener } from './recipients-of.ts';
import { hears } from './recipients-of.ts';

/** What somebody knows of an episode; null: nothing. */
export type Known = StoredItem['before'];

/**
 * What has to be told to somebody, so that what was told last equals the state; null: nothing has. `listener` is null for
 * those whom config.xml does not name any more: of what they know of they are told the end, and nothing else.
 */
export function differenceOf(episode: Episode, known: Known, listener: Listener | null): Transition | null {
  if (episode.state === 'pending') return null;
  if (episode.state === 'resolved') return endOf(episode, known, listener);
  if (listener === null) return null;
  if (known === null || known.state === 'resolved') {
    if (!hears(listener, episode.severity)) return null;
    return episode.flapping && isOnWayBack(episode) ? 'flapping' : 'firing';
  }
  if (known.state === 'flapping' && !episode.flapping) return 'steady';
  const isWorse = episode.severity === 'critical' && known.severity === 'warning';
  if (episode.flapping && isWorse && !isOnWayBack(episode)) return 'escalated';
  if (episode.flapping) return known.state === 'flapping' ? null : 'flapping';
  if (known.severity === episode.severity) return null;
  return episode.severity === 'critical' ? 'escalated' : 'eased';
}

/** True if the newest row is beyond the limit of the way back; a value that flaps is there until it holds again. */
export function isOnWayBack({ progress }: Episode): boolean {
  return progress.clearing > 0 || progress.easing > 0;
}

function endOf({ closedReason, severity }: Episode, known: Known, listener: Listener | null): Transition | null {
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
  episode: Episode,
  toldAtMs: number,
): Pick<Told, 'state' | 'severity' | 'sequence' | 'toldAtMs'> {
  const state = episode.state === 'resolved' ? 'resolved' : episode.flapping ? 'flapping' : 'firing';
  return { state, severity: episode.severity, sequence: episode.sequence, toldAtMs };
}

/** True if it may not wait: what fires for the fleet, and critical ones for those who do not know them as critical. */
export function isUrgent(episode: Episode, known: Known, transition: Transition): boolean {
  if (transition === 'reminder') return false;
  const isNews = known === null || known.state === 'resolved';
  if (episode.state === 'firing' && episode.client === '' && isNews) return true;
  return isNewCritical(episode, known);
}

/** Critical ones are told in spite of the cap; an event has no other state than over. */
export function isNewCritical({ state, severity, closedReason }: Episode, known: Known): boolean {
  return (state === 'firing' || closedReason === 'event') && severity === 'critical' && !knowsCritical(known);
}

function knowsCritical(known: Known): boolean {
  return known !== null && known.state !== 'resolved' && known.severity === 'critical';
}
