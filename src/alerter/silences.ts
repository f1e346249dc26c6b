import { globMatcher } from '../config/globs.ts';
import type { Silence } from '../storage/alert-store.ts';
import type { AlertKey } from '../storage/episode.ts';

/**
 * Whether a silence speaks of an alert: its three patterns are globs as in config.xml, and an empty one stands for all. A
 * whole name counts as it stands too: those of rules may hold commas and wildcards of their selectors.
 * Alerts of the fleet have '' for their client, which `*` matches. May be called for any number of alerts; make it once.
 */
export function silenceMatcher(silence: Pick<Silence, 'client' | 'rule' | 'subject'>): (key: AlertKey) => boolean {
  const [client, rule, subject] = [silence.client, silence.rule, silence.subject].map(patternMatcher);
  return (key) => (client?.(key.client) ?? true) && (rule?.(key.rule) ?? true) && (subject?.(key.subject) ?? true);
}

function patternMatcher(pattern: string): (value: string) => boolean {
  const matches = globMatcher(pattern);
  const known = new Map<string, boolean>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const answer = value === pattern || matches(value);
    known.set(value, answer);
    return answer;
  };
}
