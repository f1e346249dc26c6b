import type { ComparedGroup } from './compared-groups.ts';
import { type Candidate, candidatesOf, confirmed, type FigureOutlier, type RecentFigures } from './figure-outliers.ts';
import type { GroupValues } from './group-values.ts';

/** A group with the newest figures of its members. Members without a fresh report are left out. */
export interface GroupFigures extends ComparedGroup {
  /** The members with a fresh report. */
  readonly fresh: readonly string[];
  readonly newest: GroupValues;
  readonly outliers: readonly FigureOutlier[];
}

/** Finds the outliers of groups. `read` returns the recent figures of the clients that decide about candidates. */
export async function compareGroups(
  groups: readonly Omit<GroupFigures, 'outliers'>[],
  read: (candidates: readonly Candidate[]) => Promise<RecentFigures>,
): Promise<readonly GroupFigures[]> {
  const candidates = groups.map(({ newest }) => candidatesOf(newest));
  const recentOf = await read(candidates.flat());
  return groups.map((group, index) => ({
    ...group,
    outliers: candidates[index]?.flatMap((candidate) => confirmed(group.group, candidate, recentOf) ?? []) ?? [],
  }));
}
