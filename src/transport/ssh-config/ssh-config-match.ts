import { hostPatternsMatch } from './host-patterns.ts';
import { splitArguments } from './ssh-config-line.ts';

/** A criterion of a Match line. Only OpenSSH can evaluate the kind `unknown`. */
export interface MatchCriterion {
  readonly kind: 'all' | 'final' | 'canonical' | 'host' | 'originalhost' | 'user' | 'localuser' | 'tagged' | 'unknown';
  /** The criterion as written, without `!`. */
  readonly written: string;
  readonly negated: boolean;
  readonly patterns: string;
}

/** The connection that Match criteria are compared with. */
export interface MatchSubject {
  /** The host name as a user would type it. */
  readonly originalHost: string;
  /**
   * The host name after the HostName options read so far. In the second pass, the final host name of the first pass.
   */
  readonly host: string;
  readonly user: string;
  readonly localUser: string;
  /** The value of Tag; null if it is not set. */
  readonly tag: string | null;
  /** True in the second pass, which `Match final` requests. */
  readonly final: boolean;
}

const withoutPatterns = new Set(['all', 'final', 'canonical']);
const compared = new Set(['host', 'originalhost', 'user', 'localuser', 'tagged']);
const onlyOpenssh = new Set(['exec', 'localnetwork', 'version', 'sessiontype', 'command']);
/** Criteria that may be compared with the empty text: no tag, no command. */
const mayBeEmpty = new Set(['tagged', 'command']);

/** Parses the criteria of a Match line. Returns a sentence about the fault for a line that ssh rejects. */
export function parseMatch(rest: string): readonly MatchCriterion[] | string {
  const criteria: MatchCriterion[] = [];
  // `host=web` means `host web`. Quoted text is not split.
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
    if (!known && !onlyOpenssh.has(name)) return 'Match has a criterion that ssh does not know';
    const patterns = words.shift();
    if (patterns === undefined || (patterns === '' && !mayBeEmpty.has(name))) return `Match ${written} has no pattern`;
    criteria.push({ kind: known ? (name as MatchCriterion['kind']) : 'unknown', written, negated, patterns });
  }
  return criteria;
}

/**
 * Returns true if all criteria of a Match line hold. Returns false if one does not hold. If all others hold, returns
 * the first criterion that only OpenSSH can evaluate, as written.
 */
export function evaluateMatch(
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
    case 'tagged':
      return subject.tag === null ? patterns === '' : listMatches(patterns, subject.tag);
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
