import type { Client, Rule } from '../config.ts';
import type { Findings, Place } from '../xml/findings.ts';
import { globMatcher, isGlob, splitGlobs } from '../values/globs.ts';

/** Warns of written rules that evaluate nothing of any client, because an inner rule takes all their subjects. */
export function checkIdle(
  clients: readonly Pick<Client, 'rules'>[],
  placeOf: (rule: Rule) => Place | null,
  findings: Findings,
): void {
  const takers = new Map<Place, { readonly rule: Rule; readonly taker: Rule }>();
  const useful = new Set<Place>();
  for (const rules of new Set(clients.map((client) => client.rules))) {
    for (const rule of rules) {
      const place = rule.origin === 'file' ? placeOf(rule) : null;
      if (place === null || useful.has(place)) continue;
      const taker = rule.also ? undefined : rules.find((other) => takesAll(other, rule));
      if (taker === undefined) useful.add(place);
      else takers.set(place, { rule, taker });
    }
  }
  for (const [place, { rule, taker }] of takers) {
    if (useful.has(place)) continue;
    const why = `"${taker.name}" further in evaluates all that it matches`;
    findings.warn(
      place,
      `<alert> "${rule.name}" can evaluate nothing: ${why}; write also="yes", or remove one of them`,
    );
  }
}

function takesAll(one: Rule, other: Rule): boolean {
  if (one.also || one.except.length > 0 || one.depth <= other.depth) return false;
  if (one.type !== other.type || one.metric !== other.metric) return false;
  return Object.entries(one.selectors).every(([name, globs]) => {
    const wanted = other.selectors[name];
    if (wanted === undefined || wanted === globs) return wanted !== undefined;
    const parts = splitGlobs(wanted);
    return !parts.some((part) => isGlob(part) || part.startsWith('!')) && parts.every(globMatcher(globs));
  });
}

/** Warns of written rules that compare groups if none of the groups exists. */
export function checkGroups(
  clients: readonly Pick<Client, 'rules' | 'groups'>[],
  placeOf: (rule: Rule) => Place | null,
  findings: Findings,
): void {
  const groups = [...new Set(clients.flatMap((client) => client.groups))];
  for (const rule of new Set([...new Set(clients.map(({ rules }) => rules))].flat())) {
    const { group } = rule.type === 'outlier' ? rule.selectors : {};
    const place = group === undefined ? null : placeOf(rule);
    if (group === undefined || place === null || groups.some(globMatcher(group))) continue;
    findings.warn(place, `<alert> "${rule.name}": group="${group}" matches no group of clients`);
  }
}
