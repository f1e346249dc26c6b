import { didYouMean } from '../values/nearest.ts';
import { metricByName, typeSelectors } from '../vocabulary/rule-types.ts';
import { alertAttributes, metricLabels } from '../vocabulary/vocabulary-alert.ts';

/** The attributes of the <alert> elements of one rule, merged from the outermost inwards. */
export type AlertAttributes = Readonly<Record<string, string>>;

const selectorNames: ReadonlySet<string> = new Set([
  ...typeSelectors,
  ...metricLabels.filter((name) => name !== 'state'),
]);
const levelNames = ['limit', 'warning', 'critical', 'min', 'max'];

/** The selectors among the attributes of an alert, in the order of the vocabulary. */
export function selectorsOf(attributes: AlertAttributes): Readonly<Record<string, string>> {
  const selectors: Record<string, string> = {};
  for (const name of selectorOrder) {
    const value = attributes[name];
    const isSelector = name !== 'state' || metricByName(attributes['metric'] ?? '')?.labels.includes('state') === true;
    if (value !== undefined && value !== 'none' && isSelector) selectors[name] = value;
  }
  return selectors;
}

const selectorOrder = Object.keys(alertAttributes).filter((name) => selectorNames.has(name) || name === 'state');

/** The name of a rule: what it says, else its type or metric and its selectors; null when it says none of them. */
export function alertName(attributes: AlertAttributes): string | null {
  if (attributes['name'] !== undefined) return attributes['name'];
  const what = attributes['type'] ?? attributes['metric'];
  if (what === undefined) return null;
  return [what, ...Object.entries(selectorsOf(attributes)).map(([name, value]) => `${name}=${value}`)].join(' ');
}

/**
 * An alert over what holds of that name further out, attribute by attribute. Limits go together: `limit` replaces
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
