import { splitGlobs } from '../values/globs.ts';
import { limitForm, ruleTypeOf } from '../vocabulary/rule-types.ts';
import { builtinRules, type BuiltinRule, type RuleList, ruleListOf } from './builtin-rules.ts';
import type { Rule } from '../config.ts';
import type { Findings, Place } from '../xml/findings.ts';
import { finishRule, selectorsInForce, type MergedRule, type RuleDefaults, type RuleScope } from './finish-rule.ts';
import { type AlertAttributes, alertName, createNamer, mergeAlert } from './merge-alert.ts';
import { didYouMean } from '../values/nearest.ts';
import type { Element } from '../xml/parse-elements.ts';
import { remembered } from '../../platform/remembered.ts';

/** The `for` of a written rule that has none: the first row at the limit fires. */
const writtenFor = '1x';

export interface RuleReaderOptions extends RuleDefaults {
  readonly findings: Findings;
  readonly everyMs: number;
  /** The attribute `defaults` of `<alerts>`. */
  readonly defaults: boolean;
}

/** Reads the rules of one configuration. */
export class RuleReader {
  /** The rules in force before anything is written. */
  readonly base: RuleScope;
  readonly #options: RuleReaderOptions;
  readonly #findings: Findings;
  readonly #known: ReadonlyMap<string, BuiltinRule>;
  readonly #merged = new Map<Rule, MergedRule>();
  readonly #scopesWithin = remembered<RuleScope, Map<string, RuleScope>>(() => new Map());
  readonly #listsBeside = remembered<RuleScope['builtins'], Map<string, readonly Rule[]>>(() => new Map());
  readonly #finish = remembered((merged: MergedRule): Rule | null => {
    const rule = finishRule(merged, this.#options, this.#findings);
    if (rule !== null) this.#merged.set(rule, merged);
    return rule;
  });

  constructor(options: RuleReaderOptions) {
    const { everyMs, defaults } = options;
    this.#options = options;
    this.#findings = options.findings;
    this.#known = new Map(builtinRules(everyMs).map((rule) => [rule.name, rule]));
    const start = [...this.#known.values()].filter((rule) => rule.origin === 'condition' || defaults);
    const builtins = new Map(start.map((rule) => [rule.name, asMerged(rule)]));
    this.base = this.#scopeOf({ depth: 0, written: new Map(), builtins });
  }

  /** Applies an element's <alert> children to the rules around the element. */
  read(element: Element, outer: RuleScope): RuleScope {
    if (element.children.length === 0) return outer;
    const alerts = element.children.filter((child) => child.name === 'alert');
    if (alerts.length === 0) return outer;
    // Clients with equal <alert> elements share their rules, unless one of them caused a finding.
    const inside = this.#scopesWithin(outer);
    let key = element.name;
    for (const { attributes, isForSome } of alerts) {
      key += isForSome === true ? '\0some' : '\0alert';
      for (const name of Object.keys(attributes)) key += `\0${name}\0${attributes[name] ?? ''}`;
    }
    const shared = inside.get(key);
    if (shared !== undefined && !alerts.some((alert) => alert.faulty)) return shared;
    const before = this.#findings.count;
    const scope = this.#readAlerts(element, alerts, outer);
    if (this.#findings.count === before) inside.set(key, scope);
    return scope;
  }

  /** Returns the element that wrote a rule or tuned it last; null if no element did. */
  placeOf(rule: Rule): Place | null {
    return this.#merged.get(rule)?.place ?? null;
  }

  /** Returns the attributes of a rule as they are written, the inherited ones included. */
  attributesOf(rule: Rule): AlertAttributes {
    return this.#merged.get(rule)?.attributes ?? {};
  }

  #scopeOf(parts: Omit<RuleScope, 'rules' | 'fleetRules' | 'groupRules'>): RuleScope {
    const written = this.#inForce(parts.written.values(), 'client');
    return {
      ...parts,
      rules: Object.freeze([...written, ...this.#builtinsInForce(parts.builtins, written)]),
      fleetRules: Object.freeze(this.#inForce([...parts.written.values(), ...parts.builtins.values()], 'fleet')),
      groupRules: Object.freeze(this.#inForce(parts.builtins.values(), 'group')),
    };
  }

  #inForce(merged: Iterable<MergedRule>, list: RuleList): readonly Rule[] {
    const listOf = ({ isFleet, name }: MergedRule): RuleList =>
      isFleet === true ? 'fleet' : ruleListOf[(isFleet === false ? null : this.#known.get(name)?.of) ?? 'client'];
    return [...merged].flatMap((one) => (listOf(one) === list ? (this.#finish(one) ?? []) : []));
  }

  /** Returns the defaults and conditions beside the written rules. Returns the same list for equal results. */
  #builtinsInForce(builtins: RuleScope['builtins'], written: readonly Rule[]): readonly Rule[] {
    const lists = this.#listsBeside(builtins);
    const beside = builtinsBeside(builtins.values(), written);
    const key = JSON.stringify(beside.map(({ name, except }) => [name, except]));
    const list = lists.get(key) ?? this.#inForce(beside, 'client');
    lists.set(key, list);
    return list;
  }

  #readAlerts(element: Element, alerts: readonly Element[], outer: RuleScope): RuleScope {
    const own = new Map<string, MergedRule>();
    const depth = outer.depth + 1;
    const { written, builtins } = withoutEnded(alerts, outer);
    const nameOf = createNamer(element, this.#findings);
    const tuned: [Element, BuiltinRule][] = [];
    for (const alert of alerts) {
      const { attributes } = alert;
      const isEnd = attributes['enabled'] === 'no';
      if (isEnd && attributes['name'] === undefined) continue;
      const name = nameOf(alert);
      if (name === null) continue;
      const further = outer.written.get(name);
      const builtin = this.#known.get(name);
      if (further === undefined && (attributes['type'] ?? attributes['metric']) === undefined) {
        if (this.#tune(alert, name, element, outer, builtins, builtin) && builtin !== undefined)
          tuned.push([alert, builtin]);
        continue;
      }
      const problem = clash(name, attributes, further, builtin);
      if (problem !== null) this.#findings.fault(alert, problem);
      if (problem !== null || isEnd || alert.faulty) continue;
      const base = written.get(name)?.attributes ?? inheritedFrom(builtins.get(attributes['type'] ?? ''), attributes);
      const merged = mergeAlert(base, attributes);
      const { except } = written.get(name) ?? { except: [] };
      // Events may name hosts that are no clients.
      const isFleet = element.name === 'alerts' && merged['type'] === 'event' && alert.isForSome !== true;
      own.set(name, {
        name,
        origin: 'file',
        attributes: merged,
        defaultFor: writtenFor,
        place: alert,
        depth,
        except,
        isFleet,
      });
    }
    const kept = [...written].filter(([name]) => !own.has(name));
    const unchangedBuiltins = sameEntries(builtins, outer.builtins);
    if (own.size === 0 && unchangedBuiltins && sameEntries(written, outer.written)) return outer;
    const scope = this.#scopeOf({
      depth,
      written: new Map([...own, ...kept]),
      builtins: unchangedBuiltins ? outer.builtins : builtins,
    });
    for (const [alert, builtin] of tuned) this.#warnIfInVain(alert, builtin, scope);
    return scope;
  }

  /**
   * Reads an <alert> with a name alone, which tunes or removes a default rule or a condition. Returns true if it tunes
   * one.
   */
  #tune(
    alert: Element,
    name: string,
    element: Element,
    outer: RuleScope,
    builtins: Map<string, MergedRule>,
    builtin: BuiltinRule | undefined,
  ): boolean {
    if (builtin === undefined) {
      if (alert.faulty) return false;
      const near = didYouMean(name, [...outer.written.keys(), ...this.#known.keys()]);
      const remedy = near === '' ? '; write type="..." too' : near;
      this.#findings.fault(alert, `<alert> "${name}" names no rule further out, no default and no condition${remedy}`);
      return false;
    }
    const list = ruleListOf[builtin.of];
    if (list === 'fleet' && (element.name !== 'alerts' || alert.isForSome === true)) {
      const where = element.name === 'alerts' ? 'without clients and labels' : 'into <alerts>';
      this.#findings.fault(alert, `<alert> "${name}" concerns the whole fleet; write it ${where}`);
      return false;
    }
    if (list === 'group' && (element.name === 'client' || alert.isForSome === true)) {
      const where = 'into the <group> or <alerts>, without clients and labels';
      this.#findings.fault(alert, `<alert> "${name}" concerns a whole group; write it ${where}`);
      return false;
    }
    if (alert.attributes['enabled'] === 'no') {
      builtins.delete(name);
      return false;
    }
    if (builtin.origin === 'default' && !this.#options.defaults) {
      const why = '<alerts defaults="no"> ends those';
      this.#findings.fault(alert, `<alert> "${name}" tunes a default rule, but ${why}; write type="${name}" too`);
      return false;
    }
    const before = builtins.get(name) ?? asMerged(builtin);
    if (!alert.faulty)
      builtins.set(name, { ...before, attributes: mergeAlert(before.attributes, alert.attributes), place: alert });
    return !alert.faulty;
  }

  #warnIfInVain(alert: Element, { name, of, attributes }: BuiltinRule, { rules }: RuleScope): void {
    if (ruleListOf[of] !== 'client' || rules.some((rule) => rule.name === name)) return;
    const why = 'evaluates nothing here, because a rule of that type is written';
    const remedy = `write type="${attributes['type'] ?? name}" instead`;
    this.#findings.warn(alert, `<alert> "${name}" tunes a default rule that ${why}; ${remedy}`);
  }
}

function asMerged({ name, origin, attributes, defaultFor }: BuiltinRule): MergedRule {
  return { name, origin, attributes, defaultFor, place: null, depth: 0, except: [] };
}

/** Returns what is wrong with a typed rule whose name is in use already, or null. */
function clash(
  name: string,
  attributes: MergedRule['attributes'],
  further: MergedRule | undefined,
  builtin: BuiltinRule | undefined,
): string | null {
  if (builtin?.origin === 'condition' && builtin.attributes['type'] === undefined) {
    const remedy = 'give it another name, or leave type and metric out to tune it';
    return `<alert> "${name}" has the name of a condition; ${remedy}`;
  }
  const outer = further?.attributes ?? builtin?.attributes;
  if (outer === undefined) return null;
  const [was, is] = [outer['type'] ?? outer['metric'], attributes['type'] ?? attributes['metric']];
  if (is === undefined || was === is) return null;
  const type = `${was ?? 'another type'} ${further === undefined ? 'by default' : 'further out'}`;
  return `<alert> "${name}" is of ${type} and cannot become ${is}; give it another name`;
}

function sameEntries(left: ReadonlyMap<string, MergedRule>, right: ReadonlyMap<string, MergedRule>): boolean {
  return left.size === right.size && [...left].every(([name, merged]) => right.get(name) === merged);
}

/**
 * Returns the rules around an element, without those that the element's alerts with enabled="no" end. A name ends the
 * rule of that name. A type ends all its rules; with selectors, it only excludes the subjects that the selectors match.
 */
function withoutEnded(
  alerts: readonly Element[],
  outer: Pick<RuleScope, 'written' | 'builtins'>,
): Record<'written' | 'builtins', Map<string, MergedRule>> {
  const inside = { written: new Map(outer.written), builtins: new Map(outer.builtins) };
  for (const { attributes, faulty } of alerts) {
    const name = alertName(attributes);
    if (attributes['enabled'] !== 'no' || faulty || name === null) continue;
    const selectors = selectorsInForce(attributes);
    for (const rules of [inside.written, inside.builtins]) {
      rules.delete(name);
      if (attributes['name'] !== undefined) continue;
      for (const [key, rule] of rules) {
        const { type, metric } = attributes;
        if (rule.attributes['type'] !== type || (type === undefined && rule.attributes['metric'] !== metric)) continue;
        if (Object.keys(selectors).length === 0) rules.delete(key);
        else rules.set(key, { ...rule, except: [...rule.except, selectors] });
      }
    }
  }
  return inside;
}

/**
 * Returns the built-in rules that have subjects left beside the written ones. Excludes the subjects of written rules.
 */
function builtinsBeside(builtins: Iterable<MergedRule>, written: readonly Rule[]): readonly MergedRule[] {
  return [...builtins].flatMap((builtin) => {
    const type = builtin.attributes['type'];
    const rivals = type === undefined ? [] : written.filter((rule) => rule.type === type && !rule.also);
    const isReplaced = written.some(({ name }) => name === builtin.name);
    if (isReplaced || rivals.some(({ selectors }) => Object.keys(selectors).length === 0)) return [];
    const excluded = rivals.flatMap(excludedBy);
    return excluded.length === 0 ? [builtin] : [{ ...builtin, except: [...builtin.except, ...excluded] }];
  });
}

function excludedBy({ selectors }: Rule): Rule['except'] {
  return Object.entries(selectors).flatMap(([name, globs]) => {
    const excluded = splitGlobs(globs).flatMap((part) => (part.startsWith('!') ? [part.slice(1)] : []));
    return excluded.length === 0 ? [] : [{ [name]: excluded.join(',') }];
  });
}

/**
 * Returns the attributes that a new rule takes from the default of its type: severity, a `for` that was written for the
 * default, and the other level if the rule has one level. Omits the other level if the new level is beyond it.
 */
function inheritedFrom(builtin: MergedRule | undefined, attributes: AlertAttributes): AlertAttributes {
  // The default evaluates failed units, but no unit that has to run.
  if (builtin === undefined || attributes['state'] === 'active') return {};
  const { severity, for: span, warning, critical } = builtin.attributes;
  const taken: Record<string, string> = {};
  if (span !== undefined) taken['for'] = span;
  const two = attributes['warning'] !== undefined || attributes['critical'] !== undefined;
  if (severity !== undefined && !two) taken['severity'] = severity;
  if (!two || attributes['op'] !== undefined) return taken;
  const { warning: ownWarning, critical: ownCritical } = attributes;
  if (ownCritical === undefined && critical !== undefined && isBelow(builtin, ownWarning, critical))
    taken['critical'] = critical;
  if (ownWarning === undefined && warning !== undefined && isBelow(builtin, warning, ownCritical))
    taken['warning'] = warning;
  return taken;
}

function isBelow({ attributes }: MergedRule, warning = '', critical = ''): boolean {
  const { parse } = limitForm(ruleTypeOf(attributes['type'])?.unit ?? 'count');
  return (parse(warning) ?? Infinity) < (parse(critical) ?? Infinity);
}
