import type { Rule } from '../config.ts';
import type { MergedRule } from './finish-rule.ts';
import { splitGlobs } from '../values/globs.ts';
import type { AlertAttributes } from './merge-alert.ts';
import { limitForm, ruleTypeOf } from '../vocabulary/rule-types.ts';

/**
 * Returns the built-in rules that have subjects left beside the written ones. Excludes the subjects of written rules.
 */
export function builtinsBeside(builtins: Iterable<MergedRule>, written: readonly Rule[]): readonly MergedRule[] {
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
export function inheritedFrom(builtin: MergedRule | undefined, attributes: AlertAttributes): AlertAttributes {
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
