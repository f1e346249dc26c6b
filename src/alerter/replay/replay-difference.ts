import type { SentNotification } from '../../storage/store/alert-history.ts';
import { groupBy } from '../../platform/group-by.ts';

export interface ReplayDifference {
  /** Would have been told, and was not. */
  readonly more: readonly SentNotification[];
  /** Was told, and would not have been. */
  readonly fewer: readonly SentNotification[];
}

/**
 * What would have been told less what was, and the other way round: the same about the same alert to the same person, not
 * further apart than `toleranceMs`, is the same. Reminders are left out. Oldest first.
 */
export function differenceToTold(
  would: readonly SentNotification[],
  was: readonly SentNotification[],
  toleranceMs: number,
): ReplayDifference {
  const more: SentNotification[] = [];
  const fewer: SentNotification[] = [];
  const [woulds, wases] = [would, was].map((facts) =>
    groupBy(
      facts.filter(({ transition }) => transition !== 'reminder'),
      nameOf,
    ),
  ) as [ReadonlyMap<string, readonly SentNotification[]>, ReadonlyMap<string, readonly SentNotification[]>];
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

function nameOf({ client, rule, subject, recipient, transition }: SentNotification): string {
  return [client, rule, subject, recipient, transition].join('\0');
}

function inOrder(facts: readonly SentNotification[]): SentNotification[] {
  return [...facts].sort((one, other) => one.notifiedAtMs - other.notifiedAtMs);
}
