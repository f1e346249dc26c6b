import { hostPatternsMatch } from './host-patterns.ts';
import { splitArguments } from './ssh-config-line.ts';

/** What a Match line asks; `all` and patterns are judged here, `unknown` only OpenSSH could. */
export interface MatchCriterion {
  readonly kind: 'all' | 'final' | 'canonical' | 'host' | 'originalhost' | 'user' | 'localuser' | 'unknown';
  /** As it is written. */
  readonly written: string;
  readonly negated: boolean;
  readonly patterns: string;
}

/** What Host and Match lines are compared with. */
export interface MatchSubject {
  /** As the person would type it. */
  readonly originalHost: string;
  /** With HostName so far, and what it became for the second pass. */
  readonly host: string;
  readonly user: string;
  readonly localUser: string;
  /** In the second pass, which a `Match final` asks for. */
  readonly final: boolean;
}

const withoutPatterns = new Set(['all', 'final', 'canonical']);
const compared = new Set(['host', 'originalhost', 'user', 'localuser']);
const onlyOpenssh = new Set(['exec', 'localnetwork', 'tagged', 'version', 'sessiontype', 'command']);

/** The criteria of a Match line; a sentence for what ssh refuses. */
export function parseMatch(rest: string): readonly MatchCriterion[] | string {
  const criteria: MatchCriterion[] = [];
  // `host=web` is `host web`; inside quotes nothing is separated.
  const spaced = rest.replace(/"[^"]*"|=/g, (part) => (part === '=' ? ' ' : part));
  const words = [...(splitArguments(spaced) ?? [])];
  if (words.length === 0) return 'Match has no criterion';
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const negated = word.startsWith('!');
    const written = negated ? word.slice(1) : word;
    const name = written.toLowerCase();
    if (withoutPatterns.has(name)) {
      if (name === 'all' && words.length > 0) return 'Match all cannot be followed by another criterion';
      criteria.push({ kind: name as MatchCriterion['kind'], written, negated, patterns: '' });
      continue;
    }
    const known = compared.has(name);
    if (!known && !onlyOpenssh.has(name)) return `Match has no criterion ${written.slice(0, 40)}`;
    const patterns = words.shift();
    if (patterns === undefined || patterns === '') return `Match ${written} has no pattern`;
    criteria.push({ kind: known ? (name as MatchCriterion['kind']) : 'unknown', written, negated, patterns });
  }
  return criteria;
}

/** Whether a Match line holds; the words of what only OpenSSH could judge, when all else holds. */
export function judgeMatch(
  criteria: readonly MatchCriterion[],
  subject: MatchSubject,
): boolean | { readonly unknown: string } {
  let unknown: string | null = null;
  for (const criterion of criteria) {
    if (criterion.kind === 'unknown') unknown ??= criterion.written;
    else if (holds(criterion, subject) === criterion.negated) return false;
  }
  return unknown === null ? true : { unknown };
}

function holds({ kind, patterns }: MatchCriterion, subject: MatchSubject): boolean {
  switch (kind) {
    case 'host':
      return listMatches(patterns.toLowerCase(), subject.host.toLowerCase());
    case 'originalhost':
      return listMatches(patterns.toLowerCase(), subject.originalHost.toLowerCase());
    case 'user':
      return listMatches(patterns, subject.user);
    case 'localuser':
      return listMatches(patterns, subject.localUser);
    case 'final':
    case 'canonical':
      return subject.final;
    default:
      return true;
  }
}

function listMatches(patterns: string, value: string): boolean {
  return hostPatternsMatch(patterns.split(','), value);
}
