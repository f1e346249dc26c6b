import { wordsOfRules } from '../../config/rules/rule-matcher.ts';
import type { Config } from '../../config/config.ts';
import { silencePattern } from '../../alerter/inhibit/silences.ts';
import { literalMark } from '../../storage/store/operator-store.ts';
import { globMatcher, isGlob, splitGlobs } from '../../config/values/globs.ts';
import { didYouMean, nearest } from '../../config/values/nearest.ts';

export interface SilencePatterns {
  readonly client: string;
  readonly rule: string;
}

/**
 * Warns of patterns of a silence that match no client or no rule of config.xml, with the nearest name that exists.
 * Warns of rules that none of the clients has. Warnings are no errors: config.xml may get such names later.
 */
export function oddPatterns(config: Pick<Config, 'clients' | 'alerts'>, patterns: SilencePatterns): readonly string[] {
  const clientNames = config.clients.map(({ name }) => name);
  const ruleNames = ruleNamesOf(config, () => true);
  const odd = [
    ...unmatched(patterns.client, clientNames).map(
      (part) => `no client of config.xml matches "${part}"${hint(part, clientNames)}`,
    ),
    ...unmatched(patterns.rule, ruleNames).map(
      (part) => `no rule of config.xml is called "${part}"${hint(part, ruleNames)}`,
    ),
  ];
  if (odd.length > 0) return odd;
  const [isClient, isRule] = [silencePattern(patterns.client), silencePattern(patterns.rule)];
  const there = ruleNamesOf(config, (name) => name === patterns.client || isClient(name));
  if (there.includes(patterns.rule) || there.some(isRule)) return [];
  return [`none of these clients has a rule that matches "${patterns.rule}"`];
}

/** Returns names and types of the rules of the wanted clients, and of the fleet's rules if '' is wanted. */
function ruleNamesOf({ clients, alerts }: Pick<Config, 'clients' | 'alerts'>, wanted: (name: string) => boolean) {
  const lists = new Set(clients.filter(({ name }) => wanted(name)).map(({ rules }) => rules));
  if (wanted('')) lists.add(alerts.rules);
  return wordsOfRules([...lists].flat());
}

/** Returns the parts of a pattern that match no name. Skips parts that exclude: without a match they do no harm. */
function unmatched(pattern: string, names: readonly string[]): readonly string[] {
  if (names.includes(pattern)) return [];
  if (pattern.startsWith(literalMark)) return names.some(silencePattern(pattern)) ? [] : [pattern];
  return splitGlobs(pattern).filter((part) => !part.startsWith('!') && !names.some(globMatcher(part)));
}

function hint(part: string, names: readonly string[]): string {
  if (!isGlob(part)) {
    const longer = names.filter((name) => name.startsWith(`${part} `) || name.startsWith(`${part}-`));
    return longer.length > 0 ? `; did you mean "${part}*"?` : didYouMean(part, names);
  }
  // A misspelt pattern is compared with the names by its text before the first wildcard.
  const stem = /^[^*?[{\\]*/.exec(part)?.[0] ?? '';
  const stems = new Set(names.map((name) => name.slice(0, stem.length)));
  const near = stem === '' ? null : nearest(stem, stems);
  const better = near === null ? null : near + part.slice(stem.length);
  return better === null || !names.some(globMatcher(better)) ? '' : `; did you mean "${better}"?`;
}
