import type { SentReports, VisitKind } from './answer-visit.ts';
import type { DeadWay } from './profile.ts';

/** The outcome of a connection that reached a server. Refused and unanswered connections reach none. */
export type ServedKind = VisitKind | Exclude<DeadWay, 'refused' | 'unanswered'>;

export interface VisitCounts {
  /** The number of visits by outcome, without zeros. */
  readonly visits: Readonly<Partial<Record<ServedKind, number>>>;
  /** The number of all visits. */
  readonly served: number;
  /** The number of sent reports. `resent` counts repeated ones, `acknowledged` those that were acknowledged. */
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

/** Adds the counts of several processes. */
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
