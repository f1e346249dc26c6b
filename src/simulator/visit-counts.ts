import type { SentReports, VisitKind } from './answer-visit.ts';
import type { DeadCause } from './profile.ts';

/** The outcome of a connection that reached a server. Refused and unanswered connections reach none. */
export type ServedKind = VisitKind | Exclude<DeadCause, 'refused' | 'unanswered'>;

export interface VisitCounts extends SentReports {
  /** The number of visits by outcome, without zeros. */
  readonly visits: Readonly<Partial<Record<ServedKind, number>>>;
  /** The number of all visits. */
  readonly served: number;
  /** The number of visits that began while another one was at the same client. */
  readonly overlapping: number;
}

export const noVisits: VisitCounts = { visits: {}, served: 0, overlapping: 0, sent: 0, resent: 0, acknowledged: 0 };

export function createVisitCounts() {
  let counts = noVisits;
  const unfinished = new Map<number, number>();
  return {
    add: (kind: ServedKind, reports?: SentReports): void => {
      counts = addCounts([counts, { ...noVisits, ...reports, visits: { [kind]: 1 }, served: 1 }]);
    },
    /**
     * Records the beginning of a visit at a client. Returns a function that records its end; further calls change
     * nothing.
     */
    begin: (client: number): (() => void) => {
      const before = unfinished.get(client) ?? 0;
      unfinished.set(client, before + 1);
      if (before > 0) counts = addCounts([counts, { ...noVisits, overlapping: 1 }]);
      let isOver = false;
      return () => {
        if (!isOver) unfinished.set(client, (unfinished.get(client) ?? 1) - 1);
        isOver = true;
      };
    },
    read: (): VisitCounts => counts,
  };
}

/** Adds up counts, such as those of several processes. */
export function addCounts(parts: readonly VisitCounts[]): VisitCounts {
  const visits: Partial<Record<ServedKind, number>> = {};
  for (const [kind, count] of parts.flatMap((part) => Object.entries(part.visits) as [ServedKind, number][])) {
    visits[kind] = (visits[kind] ?? 0) + count;
  }
  const sum = (name: Exclude<keyof VisitCounts, 'visits'>): number => parts.reduce((all, part) => all + part[name], 0);
  return {
    visits,
    served: sum('served'),
    overlapping: sum('overlapping'),
    sent: sum('sent'),
    resent: sum('resent'),
    acknowledged: sum('acknowledged'),
  };
}
