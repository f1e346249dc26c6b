import { append } from '../../platform/group-by.ts';
import type { CollectorConfig, RetentionConfig, Rule } from '../config.ts';
import type { Findings, Place } from '../xml/findings.ts';
import { splitGlobs, globMatcher } from '../values/globs.ts';
import { didYouMean } from '../values/nearest.ts';
import type { Element } from '../xml/parse-elements.ts';
import { formatDuration } from '../../text/durations.ts';
import type { ReadClient } from './read-clients.ts';
import { ruleTypeOf } from '../vocabulary/rule-types.ts';
import type { AlertAttributes } from '../rules/merge-alert.ts';

export interface CheckRulesOptions {
  readonly root: Element;
  readonly clients: readonly ReadClient[];
  readonly fleetRules: readonly Rule[];
  readonly collector: Pick<CollectorConfig, 'everyMs'>;
  readonly retention: Pick<RetentionConfig, 'rawMs'>;
  readonly placeOf: (rule: Rule) => Place | null;
  /** Returns the attributes of a rule as they are written. */
  readonly attributesOf: (rule: Rule) => AlertAttributes;
  readonly findings: Findings;
}

/** Warns of rules that do not do what they seem to do, and of names of rules that no rule has. */
export function checkRules(options: CheckRulesOptions): void {
  const { root, clients, fleetRules, placeOf, findings } = options;
  const lists = new Set(clients.map(({ client }) => client.rules));
  const warned = new Set<Place>();
  for (const rule of new Set([...lists].flat())) {
    const place = placeOf(rule);
    if (place === null || warned.has(place)) continue;
    warned.add(place);
    for (const message of oddities(rule, options)) findings.warn(place, `<alert> "${rule.name}": ${message}`);
  }
  const rulesOf = new Map<Element, Set<readonly Rule[]>>();
  for (const { element, client } of clients) {
    rulesOf.set(element, (rulesOf.get(element) ?? new Set()).add(client.rules));
  }
  checkNames(root, { fleetRules, rulesOf, findings });
}

function oddities(rule: Rule, options: CheckRulesOptions): readonly string[] {
  const { everyMs } = options.collector;
  const { rawMs } = options.retention;
  const { forMs, type } = rule;
  const messages: string[] = [];
  const every = formatDuration(everyMs);
  if (forMs !== null && forMs > rawMs)
    messages.push(`for="${formatDuration(forMs)}" is longer than rows are kept (raw="${formatDuration(rawMs)}")`);
  else if (forMs !== null && rule.origin !== 'condition' && forMs <= everyMs / 2) {
    const short = `for="${formatDuration(forMs)}" is no longer than half of every="${every}"`;
    messages.push(`${short}, so one row is enough; write for="1x", or more than ${every}`);
  }
  if (ruleTypeOf(type)?.unit === 'percent') append(messages, fractions(options.attributesOf(rule)));
  return messages;
}

/** Returns a message for each limit that may be meant as a fraction. One with a percent sign is meant as it is. */
function fractions({ limit, warning, critical }: AlertAttributes): readonly string[] {
  return [limit, warning, critical].flatMap((text) => {
    const value = Number(text ?? 'NaN');
    if (!(value > 0 && value < 1)) return [];
    const percent = Number((value * 100).toFixed(4));
    return [`the limit ${value} is ${value} %, less than one percent; write ${percent}% if that is meant`];
  });
}

interface NamesOptions {
  readonly fleetRules: readonly Rule[];
  readonly rulesOf: ReadonlyMap<Element, RuleLists>;
  readonly findings: Findings;
}

type RuleLists = ReadonlySet<readonly Rule[]>;

/**
 * Checks `rules="..."` against the rules of the clients inside the surrounding element. Returns the lists of these
 * rules.
 */
function checkNames(element: Element, options: NamesOptions): RuleLists {
  const inside = new Set(options.rulesOf.get(element));
  for (const child of element.children) {
    if (child.children.length === 0 && child.name !== 'client') continue;
    for (const list of checkNames(child, options)) inside.add(list);
  }
  const isWhole = element.name === 'config' || element.name === 'alerts';
  const lists = isWhole
    ? new Set([...[...options.rulesOf.values()].flatMap((lists) => [...lists]), options.fleetRules])
    : inside;
  checkNamesIn(element, lists, options.findings);
  return inside;
}

function checkNamesIn(element: Element, lists: RuleLists, findings: Findings): void {
  const naming = element.children.filter(({ attributes }) => attributes['rules'] !== undefined);
  if (naming.length === 0 || lists.size === 0) return;
  const names = new Set([...lists].flatMap((rules) => rules.map(({ name }) => name)));
  for (const child of naming) {
    for (const part of splitGlobs(child.attributes['rules'] ?? '')) {
      const pattern = part.replace(/^!/, '');
      if (names.has(pattern) || [...names].some(globMatcher(pattern))) continue;
      const near = didYouMean(pattern, names);
      findings.warn(child, `<${child.name}> rules="${pattern}" names no rule in force here${near}`);
    }
  }
}
