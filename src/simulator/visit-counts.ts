import type { SentReports, VisitKind } from './answer-visit.ts';
import type { DeadWay } from './profile.ts';

/** What a connection came to, as far as its server can know: nothing reaches it that is refused or not answered. */
export type ServedKind = VisitKind | Exclude<DeadWay, 'refused' | 'unanswered'>;

export interface VisitCounts {
  /** By kind, those alone that there were. */
  readonly visits: Readonly<Partial<Record<ServedKind, number>>>;
  /** Of all kinds. */
  readonly served: number;
  /** Sealed reports that went out, those of them for another time, and those that were acknowledged. */
  readonly sent: number;
  readonly resent: number;
  readonly acknowledged: number;
}

export const noVisits: VisitCounts = { visits: {}, served: 0, sent: 0, resent: 0, acknowledged: 0 };

export function createVisitCounts(): {
  readonly add: (kind: ServedKind, reports?: SentReports) => void;
  readonly read: () => VisitCounts;
} {
  const visits: Partial<Record<ServedKind, number>> = {};
  let served = 0;
  let sent = 0;
  let resent = 0;
  let acknowledged = 0;
  return {
    add: (kind, reports) => {
      visits[kind] = (visits[kind] ?? 0) + 1;
      served++;
      sent += reports?.sent ?? 0;
      resent += reports?.resent ?? 0;
      acknowledged += reports?.acknowledged ?? 0;
    },
    read: () => ({ visits: { ...visits }, served, sent, resent, acknowledged }),
  };
}

/** Of several processes together. */
export function addCounts(parts: readonly VisitCounts[]): VisitCounts {
  return parts.reduce((sum, part) => {
    const visits = { ...sum.visits };
    for (const [kind, count] of Object.entries(part.visits) as [ServedKind, number][]) {
      visits[kind] = (visits[kind] ?? 0) + count;
    }
    return {
      visits,
      served: sum.served + part.served,
      sent: sum.sent + part.sent,
      resent: sum.resent + part.resent,
      acknowledged: sum.acknowledged + part.acknowledged,
    };
  }, noVisits);
}
