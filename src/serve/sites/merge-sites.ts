import { type FleetMember, sortMembers, type Sorting } from '../../look/fleet-member.ts';
import { kinds, mostMembers, type SiteAnswer } from './read-answer.ts';

/** A site's answer to a query; null if the site has never answered. */
export interface AnswerOfSite {
  readonly site: string;
  readonly answer: SiteAnswer | null;
}

export interface MemberOfSite {
  readonly site: string;
  readonly member: FleetMember;
}

/** The fleet of all sites. */
export interface Merged extends Pick<SiteAnswer, 'total' | 'matching' | 'counts' | 'firing'> {
  /** At most 200, in the order of the query. */
  readonly members: readonly MemberOfSite[];
}

/**
 * Merges the answers of sites. Each site has a share of the lines for its clients with an alert, the worst first. A
 * site that has lost its network, or reports false data, therefore does not hide the alerts of others. The other lines
 * are the worst of all.
 */
export function mergeSites(sites: readonly AnswerOfSite[], sorting: Sorting): Merged {
  const answers = sites.flatMap(({ answer }) => answer ?? []);
  const sum = (count: (answer: SiteAnswer) => number): number =>
    answers.reduce((total, answer) => total + count(answer), 0);
  const siteOf = new Map<FleetMember, string>();
  for (const { site, answer } of sites) for (const member of answer?.members ?? []) siteOf.set(member, site);
  const sorted = sortMembers([...siteOf.keys()], sorting);
  const share = Math.floor(mostMembers / Math.max(1, answers.length));
  const ofShare =
    sorting !== 'urgency' ? [] : answers.flatMap(({ members }) => members.filter(isAlarming).slice(0, share));
  const shown = new Set(ofShare);
  for (const member of sorted) {
    if (shown.size >= mostMembers) break;
    shown.add(member);
  }
  return {
    total: sum(({ total }) => total),
    matching: sum(({ matching }) => matching),
    firing: sum(({ firing }) => firing),
    counts: Object.fromEntries(kinds.map((kind) => [kind, sum(({ counts }) => counts[kind] ?? 0)])),
    members: sorted.filter((member) => shown.has(member)).map((member) => ({ site: siteOf.get(member) ?? '', member })),
  };
}

function isAlarming({ worstAlert }: FleetMember): boolean {
  return worstAlert !== null;
}
