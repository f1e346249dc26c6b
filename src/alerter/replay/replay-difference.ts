import type { SentNotification } from '../../storage/store/alert-history.ts';
import { followsNoChange } from '../dispatch/notification-plan.ts';
import { groupBy } from '../../platform/group-by.ts';

export interface ReplayDifference {
  /** Notifications that the replay adds. */
  readonly more: readonly SentNotification[];
  /** Notifications that the replay lacks. */
  readonly fewer: readonly SentNotification[];
}

/**
 * Compares the notifications of a replay with the stored ones. Two are the same if recipient, alert and transition are
 * the same, and their times differ by at most `toleranceMs`. Omits reminders. Oldest first.
 */
export function differenceToSent(
  would: readonly SentNotification[],
  was: readonly SentNotification[],
  toleranceMs: number,
): ReplayDifference {
  const more: SentNotification[] = [];
  const fewer: SentNotification[] = [];
  const [woulds, wases] = [byName(would), byName(was)];
  for (const name of new Set([...woulds.keys(), ...wases.keys()])) {
    const left = inOrder(woulds.get(name) ?? []);
    const right = inOrder(wases.get(name) ?? []);
    while (left.length + right.length > 0) {
      const [one, other] = [left[0], right[0]];
      if (one !== undefined && other !== undefined && Math.abs(one.notifiedAtMs - other.notifiedAtMs) <= toleranceMs) {
        left.shift();
        right.shift();
      } else if (one !== undefined && (other === undefined || one.notifiedAtMs < other.notifiedAtMs)) {
        more.push(one);
        left.shift();
      } else if (other !== undefined) {
        fewer.push(other);
        right.shift();
      }
    }
  }
  return { more: inOrder(more), fewer: inOrder(fewer) };
}

function byName(facts: readonly SentNotification[]): ReadonlyMap<string, readonly SentNotification[]> {
  return groupBy(
    facts.filter(({ transition }) => !followsNoChange(transition)),
    ({ client, rule, subject, recipient, transition }) => [client, rule, subject, recipient, transition].join('\0'),
  );
}

function inOrder(facts: readonly SentNotification[]): SentNotification[] {
  return [...facts].sort((one, other) => one.notifiedAtMs - other.notifiedAtMs);
}
