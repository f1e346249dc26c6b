import type { Element } from '../xml/parse-elements.ts';
import type { Findings } from '../xml/findings.ts';
import { didYouMean } from '../values/nearest.ts';
import { metricByName, ruleTypeOf } from '../vocabulary/rule-types.ts';
import { alertAttributes, selectorNames } from '../vocabulary/vocabulary-alert.ts';

/** The attributes of the <alert> elements of one rule, merged from the outermost inwards. */
export type AlertAttributes = Readonly<Record<string, string>>;

const levelNames = ['limit', 'warning', 'critical', 'min', 'max'];

/** Returns the selectors among the attributes of an alert, in the order of the vocabulary. */
export function selectorsOf(attributes: AlertAttributes): Readonly<Record<string, string>> {
  const selectors: Record<string, string> = {};
  for (const name of selectorOrder) {
    const value = attributes[name];
    const isSelector =
      name === 'metric'
        ? selectsMetric(attributes)
        : name !== 'state' || metricByName(attributes['metric'] ?? '')?.labels.includes('state') === true;
    if (value !== undefined && value !== 'none' && isSelector) selectors[name] = value;
  }
  return selectors;
}

/** True if `metric` selects metrics of a rule by type. In other rules `metric` replaces the type. */
export function selectsMetric({ type }: AlertAttributes): boolean {
  return ruleTypeOf(type)?.selectors.includes('metric') === true;
}

const selectorOrder = Object.keys(alertAttributes).filter((name) => selectorNames.has(name) || name === 'state');

/**
 * Returns the name of a rule: its `name`, else its type or metric and its selectors. Returns null without any of them.
 */
export function alertName(attributes: AlertAttributes): string | null {
  if (attributes['name'] !== undefined) return attributes['name'];
  const what = attributes['type'] ?? attributes['metric'];
  if (what === undefined) return null;
  return [what, ...Object.entries(selectorsOf(attributes)).map(([name, value]) => `${name}=${value}`)].join(' ');
}

/**
 * Merges an alert into the outer alert of that name, attribute by attribute. Limits replace each other: `limit` ends
 * `warning` and `critical` and the other way round, and a new limit without a `clear` of its own ends the old `clear`.
 */
export function mergeAlert(outer: AlertAttributes, inner: AlertAttributes): AlertAttributes {
  const merged: Record<string, string> = { ...outer };
  const drop = (...names: readonly string[]): void => {
    for (const name of names) Reflect.deleteProperty(merged, name);
  };
  if ('limit' in inner) drop('warning', 'critical', 'min', 'max');
  if ('warning' in inner || 'critical' in inner) drop('limit', 'severity', 'min', 'max');
  if ('min' in inner || 'max' in inner) drop('limit', 'warning', 'critical');
  if (levelNames.some((name) => name in inner) || 'op' in inner) drop('clear');
  Object.assign(merged, inner);
  for (const [name, value] of Object.entries(merged)) {
    if (value === 'none' && name !== 'mail' && name !== 'repeat' && name !== 'name') drop(name);
  }
  return merged;
}

/** Returns what is wrong with the selectors of a rule of a type or metric, or null. */
export function selectorFault(attributes: AlertAttributes, allowed: readonly string[], what: string): string | null {
  for (const name of Object.keys(selectorsOf(attributes))) {
    if (allowed.includes(name)) continue;
    const has = allowed.length === 0 ? 'it has no selectors' : `its selectors are ${allowed.join(', ')}`;
    return `${what} has no selector ${name}; ${has}${didYouMean(name, allowed).replace(/^;/, ',')}`;
  }
  return null;
}

/**
 * Returns a function that names the alerts of one element in their order. The function numbers nameless alerts of one
 * type with the same selectors. It returns null for an alert that makes no rule of its own, and reports why.
 */
export function createNamer(element: Element, findings: Findings): (alert: Element) => string | null {
  const named = new Map<string, Element[]>();
  const twice = (name: string): string => `<alert> "${name}" stands twice in this <${element.name}>`;
  return (alert) => {
    const { attributes } = alert;
    const name = alertName(attributes);
    if (name === null) {
      if (!alert.faulty)
        findings.fault(
          alert,
          '<alert> does not say what it evaluates; write type="...", metric="..." or the name of a rule',
        );
      return null;
    }
    const others = named.get(name) ?? [];
    named.set(name, others);
    if (others.some((other) => isEqual(other.attributes, attributes))) {
      findings.warn(alert, `${twice(name)}, word for word; remove one of them`);
      return null;
    }
    others.push(alert);
    const numbered = others.length === 1 ? name : `${name} ${others.length}`;
    const isNamed = others.some((other) => other.attributes['name'] !== undefined);
    if (others.length === 1 || (!isNamed && !named.has(numbered))) return numbered;
    findings.fault(alert, `${twice(isNamed ? name : numbered)}; give one of them another name`);
    return null;
  };
}

function isEqual(one: Element['attributes'], other: Element['attributes']): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
