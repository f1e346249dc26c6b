import type { Findings } from '../xml/findings.ts';
import { alertName } from './merge-alert.ts';
import type { Element } from '../xml/parse-elements.ts';

/**
 * Returns a function that names the alerts of one element in their order. Numbers nameless ones of one type with the
 * same selectors. Returns null, and reports why, for an alert that makes no rule of its own.
 */
export function createNamer(element: Element, findings: Findings): (alert: Element) => string | null {
  const named = new Map<string, Element[]>();
  return (alert) => {
    const { attributes } = alert;
    const name = alertName(attributes);
    if (name === null) {
      if (!alert.faulty)
        findings.fault(alert, '<alert> says not what it judges; write type="...", metric="..." or the name of a rule');
      return null;
    }
    const others = named.get(name) ?? [];
    named.set(name, others);
    if (others.some((other) => isEqual(other.attributes, attributes))) {
      findings.warn(
        alert,
        `<alert> "${name}" stands twice in this <${element.name}>, word for word; remove one of them`,
      );
      return null;
    }
    others.push(alert);
    const numbered = others.length === 1 ? name : `${name} ${others.length}`;
    const isNamed = others.some((other) => other.attributes['name'] !== undefined);
    if (others.length === 1 || (!isNamed && !named.has(numbered))) return numbered;
    findings.fault(
      alert,
      `<alert> "${isNamed ? name : numbered}" stands twice in this <${element.name}>; give one of them another name`,
    );
    return null;
  };
}

function isEqual(one: Element['attributes'], other: Element['attributes']): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
