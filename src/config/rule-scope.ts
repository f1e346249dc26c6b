import { builtinRules, type BuiltinRule } from './builtin-rules.ts';
import type { Rule } from './config.ts';
import type { Findings, Place } from './findings.ts';
import { finishRule, type MergedRule, type RuleDefaults } from './finish-rule.ts';
import { alertName, mergeAlert } from './merge-alert.ts';
import { didYouMean } from './nearest.ts';
import type { Element } from './parse-elements.ts';
import { ruleTypeOf } from './rule-types.ts';

/** The rules in force within an element. */
export interface RuleScope {
  /** Of the innermost element first; defaults and conditions of single clients last. */
  readonly rules: readonly Rule[];
  /** Conditions of the fleet as a whole. */
  readonly fleetRules: readonly Rule[];
  /** Name -> rule from the files, innermost element first. */
  readonly written: ReadonlyMap<string, MergedRule>;
  /** Types of which any rule is written, removed ones too: no default rule stands in for those. */
  readonly types: ReadonlySet<string>;
  readonly builtins: ReadonlyMap<string, MergedRule>;
}

export interface RuleReaderOptions extends RuleDefaults {
  readonly findings: Findings;
  readonly everyMs: number;
  /** `<alerts defaults>`. */
  readonly defaults: boolean;
  /** Only the predecessor's elements occur: one row is enough everywhere. */
  readonly predecessorOnly: boolean;
}

export interface RuleReader {
  /** What holds before anything is written. */
  readonly base: RuleScope;
  /** What an element's <alert> children make of the rules around it. */
  readonly read: (element: Element, outer: RuleScope) => RuleScope;
  /** The element that wrote a rule or tuned it last; null: nobody did. */
  readonly placeOf: (rule: Rule) => Place | null;
}

/** Makes a reader for the rules of one configuration. */
export function createRuleReader(options: RuleReaderOptions): RuleReader {
  const { findings, predecessorOnly } = options;
  const known = new Map(builtinRules(options.everyMs, predecessorOnly ? '1x' : '2x').map((rule) => [rule.name, rule]));
  const finished = new Map<MergedRule, Rule | null>();
  const places = new Map<Rule, Place>();
  const scopes = new Map<RuleScope, Map<string, RuleScope>>();
  const restOf = new Map<ReadonlyMap<string, MergedRule>, Map<string, readonly Rule[]>>();

  const finish = (merged: MergedRule): Rule | null => {
    let rule = finished.get(merged);
    if (rule === undefined) {
      rule = finishRule(merged, options, findings);
      finished.set(merged, rule);
      if (rule !== null && merged.place !== null) places.set(rule, merged.place);
    }
    return rule;
  };

  const inForce = (merged: Iterable<MergedRule>, fleet: boolean): readonly Rule[] =>
    [...merged].flatMap((one) => ((known.get(one.name)?.fleet ?? false) === fleet ? (finish(one) ?? []) : []));

  /** Defaults and conditions that nothing written stands in for; the same list wherever that is the same. */
  const builtinsInForce = (builtins: RuleScope['builtins'], types: ReadonlySet<string>): readonly Rule[] => {
    const lists = restOf.get(builtins) ?? new Map<string, readonly Rule[]>();
    restOf.set(builtins, lists);
    const key = [...types].sort().join(' ');
    const list =
      lists.get(key) ??
      inForce(
        [...builtins.values()].filter(({ said }) => !types.has(said['type'] ?? '')),
        false,
      );
    lists.set(key, list);
    return list;
  };

  const scopeOf = (parts: Pick<RuleScope, 'written' | 'types' | 'builtins'>): RuleScope => ({
    ...parts,
    rules: Object.freeze([...inForce(parts.written.values(), false), ...builtinsInForce(parts.builtins, parts.types)]),
    fleetRules: Object.freeze(inForce(parts.builtins.values(), true)),
  });

  const read = (element: Element, outer: RuleScope): RuleScope => {
    if (element.children.length === 0) return outer;
    const alerts = element.children.filter((child) => child.name === 'alert');
    if (alerts.length === 0) return outer;
    // Clients that say the same of the same share their rules, unless there was anything to tell of one of them.
    const inside = scopes.get(outer) ?? new Map<string, RuleScope>();
    scopes.set(outer, inside);
    let key = element.name;
    for (const { attributes } of alerts) {
      key += '\0alert';
      for (const name of Object.keys(attributes)) key += `\0${name}\0${attributes[name] ?? ''}`;
    }
    const shared = inside.get(key);
    if (shared !== undefined && !alerts.some((alert) => alert.faulty)) return shared;
    const before = findings.count;
    const scope = readAlerts(element, alerts, outer);
    if (findings.count === before) inside.set(key, scope);
    return scope;
  };

  const readAlerts = (element: Element, alerts: readonly Element[], outer: RuleScope): RuleScope => {
    const own = new Map<string, MergedRule | null>();
    const types = new Set(outer.types);
    const builtins = new Map(outer.builtins);
    for (const alert of alerts) {
      const said = alert.attributes;
      const name = alertName(said);
      const typed = said['type'] ?? said['metric'];
      if (said['type'] !== undefined) types.add(said['type']);
      if (name === null) {
        if (!alert.faulty)
          findings.fault(
            alert,
            '<alert> says not what it judges; write type="...", metric="..." or the name of a rule',
          );
        continue;
      }
      if (own.has(name)) {
        findings.warn(
          alert,
          `<alert> "${name}" stands twice in this <${element.name}>; the first counts, remove this one`,
        );
        continue;
      }
      const further = outer.written.get(name);
      const builtin = known.get(name);
      if (further === undefined && typed === undefined) {
        tune(alert, name, element, outer, builtins, builtin);
        own.set(name, null);
        continue;
      }
      const problem = clash(name, said, further, builtin);
      if (problem !== null) {
        findings.fault(alert, problem);
        continue;
      }
      const merged = mergeAlert(further?.said ?? {}, said);
      const removed = said['enabled'] === 'no' || alert.faulty;
      own.set(
        name,
        removed ? null : { name, origin: 'file', said: merged, defaultFor: usualFor(merged), place: alert },
      );
    }
    const kept = [...outer.written].filter(([name]) => !own.has(name));
    const first = [...own].flatMap(([name, merged]) => (merged === null ? [] : [[name, merged] as const]));
    const changed = first.length > 0 || kept.length !== outer.written.size;
    for (const [name, merged] of own) {
      if (merged === null) warnIfInVain(name, element, types);
    }
    const unchangedBuiltins = sameEntries(builtins, outer.builtins);
    if (!changed && unchangedBuiltins && types.size === outer.types.size) return outer;
    return scopeOf({
      written: new Map([...first, ...kept]),
      types,
      builtins: unchangedBuiltins ? outer.builtins : builtins,
    });
  };

  const warnIfInVain = (name: string, element: Element, types: ReadonlySet<string>): void => {
    const builtin = known.get(name);
    const alert = element.children.find((child) => child.name === 'alert' && child.attributes['name'] === name);
    if (alert?.attributes['enabled'] === 'no' || alert === undefined || builtin === undefined) return;
    if (alert.attributes['type'] !== undefined || !types.has(builtin.attributes['type'] ?? '')) return;
    findings.warn(
      alert,
      `<alert> "${name}" tunes a default rule that is not in force here, because a rule of that type is written; write type="${name}" too`,
    );
  };

  /** An <alert> with a name alone: it tunes or removes a default rule or a condition. */
  const tune = (
    alert: Element,
    name: string,
    element: Element,
    outer: RuleScope,
    builtins: Map<string, MergedRule>,
    builtin: BuiltinRule | undefined,
  ): void => {
    if (builtin === undefined) {
      if (alert.faulty) return;
      const near = didYouMean(name, [...outer.written.keys(), ...known.keys()]);
      findings.fault(
        alert,
        `<alert> "${name}" names no rule further out, no default and no condition${near === '' ? '; write type="..." too' : near}`,
      );
      return;
    }
    if (builtin.fleet && element.name !== 'alerts') {
      findings.fault(alert, `<alert> "${name}" concerns the whole fleet; write it into <alerts>`);
      return;
    }
    if (alert.attributes['enabled'] === 'no') {
      builtins.delete(name);
      return;
    }
    if (builtin.origin === 'default' && !options.defaults) {
      findings.fault(
        alert,
        `<alert> "${name}" tunes a default rule, but <alerts defaults="no"> ends those; write type="${name}" too`,
      );
      return;
    }
    const before = outer.builtins.get(name) ?? asMerged(builtin);
    if (!alert.faulty) builtins.set(name, { ...before, said: mergeAlert(before.said, alert.attributes), place: alert });
  };

  const usualFor = (said: MergedRule['said']): string =>
    `${predecessorOnly ? 1 : (ruleTypeOf(said['type'] ?? '')?.forCount ?? 2)}x`;

  const start = [...known.values()].filter((rule) => rule.origin === 'condition' || options.defaults);
  const builtins = new Map(start.map((rule) => [rule.name, asMerged(rule)]));
  return {
    base: scopeOf({ written: new Map(), types: new Set(), builtins }),
    read,
    placeOf: (rule) => places.get(rule) ?? null,
  };
}

function asMerged({ name, origin, attributes, defaultFor }: BuiltinRule): MergedRule {
  return { name, origin, said: attributes, defaultFor, place: null };
}

/** What is wrong with a typed rule of a name that is in use already, or null. */
function clash(
  name: string,
  said: MergedRule['said'],
  further: MergedRule | undefined,
  builtin: BuiltinRule | undefined,
): string | null {
  if (builtin?.origin === 'condition' && builtin.attributes['type'] === undefined) {
    return `<alert> "${name}" has the name of a condition; give it another name, or leave type and metric out to tune it`;
  }
  if (further === undefined) return null;
  const [was, is] = [further.said['type'] ?? further.said['metric'], said['type'] ?? said['metric']];
  if (is === undefined || was === is) return null;
  return `<alert> "${name}" is of ${was ?? 'another type'} further out and cannot become ${is}; give it another name`;
}

function sameEntries(left: ReadonlyMap<string, MergedRule>, right: ReadonlyMap<string, MergedRule>): boolean {
  return left.size === right.size && [...left].every(([name, merged]) => right.get(name) === merged);
}
