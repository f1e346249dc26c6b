import type { Severity } from '../config/config.ts';
import type { Episode, StoredItem, Told, Transition } from '../storage/episode.ts';
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
    return episode.flapping ? 'flapping' : 'firing';
  }
  if (known.state === 'flapping') return episode.flapping ? null : 'steady';
  if (episode.flapping) return 'flapping';
  if (known.severity === episode.severity) return null;
  return episode.severity === 'critical' ? 'escalated' : 'eased';
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

/** Whether it may not wait: what fires for the fleet, and critical ones for those who do not know them as critical. */
export function isUrgent(episode: Episode, known: Known, transition: Transition): boolean {
  if (episode.state !== 'firing' || transition === 'reminder') return false;
  const isNews = known === null || known.state === 'resolved';
  if (episode.client === '' && isNews) return true;
  return isNewCritical(episode, known);
}

/** Critical ones are told in spite of the cap. */
export function isNewCritical(episode: Episode, known: Known): boolean {
  return episode.state === 'firing' && episode.severity === 'critical' && !knowsCritical(known);
}

function knowsCritical(known: Known): boolean {
  return known !== null && known.state !== 'resolved' && known.severity === 'critical';
}

/** The worse one first. */
export function compareSeverity(one: Severity, other: Severity): number {
  return Number(one !== 'critical') - Number(other !== 'critical');
}
