import { remembered } from '../../platform/remembered.ts';
import { attributeKind } from './attribute-kinds.ts';
import { shown, type Findings } from '../xml/findings.ts';
import { didYouMean, nearest } from '../values/nearest.ts';
import type { Element } from '../xml/parse-elements.ts';
import { usualMeaning } from './usual-words.ts';
import { vocabulary } from './vocabulary.ts';
import { type AttributeSpec, type ElementSpec } from './element-spec.ts';

/**
 * Checks every element and attribute below a root against the vocabulary. Reports and removes invalid parts, and marks
 * their elements as faulty. The remaining values are valid and, except secrets, trimmed.
 */
export function checkVocabulary(root: Element, findings: Findings): void {
  const first = new Map<string, Element>();
  const check = (parent: Element): void => {
    parent.children = parent.children.filter((child) => {
      const spec = Object.hasOwn(vocabulary, child.name) ? vocabulary[child.name] : undefined;
      const problem = spec === undefined ? unknownElement(child, parent) : misplaced(child, spec, parent);
      if (problem !== null || spec === undefined) {
        if (problem !== null) findings.fault(child, problem);
        return false;
      }
      checkAttributes(child, spec, findings);
      check(child);
      const place = `${parent.name} ${child.name}`;
      const earlier = first.get(place);
      if (spec.single === true && earlier !== undefined) {
        const where = `${earlier.source.shown}:${earlier.line}`;
        findings.fault(child, `a second <${child.name}>; the first is at ${where}, write all into one`);
        return false;
      }
      first.set(place, child);
      return true;
    });
  };
  const { config } = vocabulary;
  if (config !== undefined) checkAttributes(root, config, findings);
  check(root);
}

function unknownElement(child: Element, parent: Element): string {
  const near =
    usualMeaning(child.name, childrenOf(parent.name), 'elements') ??
    nearest(child.name, childrenOf(parent.name)) ??
    nearest(child.name, Object.keys(vocabulary));
  if (near !== null) return `there is no element <${child.name}>; did you mean <${near}>?`;
  const allowed = childrenOf(parent.name);
  const list = `in <${parent.name}> stand ${allowed.map((name) => `<${name}>`).join(' ')}`;
  return `there is no element <${child.name}>; ${allowed.length === 0 ? `<${parent.name}> has no children` : list}`;
}

function misplaced(child: Element, spec: ElementSpec, parent: Element): string | null {
  if (spec.parents.includes(parent.name)) return null;
  if (spec.parents.length === 0) return `<${child.name}> cannot stand in <${parent.name}>; it is the root of a file`;
  const places = spec.parents.map((name) => `<${name}>`);
  return `<${child.name}> cannot stand in <${parent.name}>; it belongs in ${places.join(' or ')}`;
}

function childrenOf(parent: string): readonly string[] {
  return Object.keys(vocabulary).filter((name) => vocabulary[name]?.parents.includes(parent) === true);
}

/** Checks the attributes of one element against its entry in the vocabulary. */
function checkAttributes(element: Element, spec: ElementSpec, findings: Findings): void {
  const { attributes } = element;
  const removed: string[] = [];
  for (const name of Object.keys(attributes)) {
    const attribute = Object.hasOwn(spec.attributes, name) ? spec.attributes[name] : undefined;
    const raw = attributes[name] ?? '';
    const value = attribute !== undefined && isHidden(attribute) ? raw : raw.trim();
    const problem =
      attribute === undefined
        ? unknownAttribute(element.name, name, spec)
        : valueFault(element.name, name, value, attribute);
    if (problem === null) {
      if (value !== raw) attributes[name] = value;
      continue;
    }
    findings.fault(element, problem);
    element.faulty = true;
    removed.push(name);
  }
  for (const name of requiredNames(spec)) {
    if (name in attributes) continue;
    element.faulty = true;
    findings.fault(element, `<${element.name}> lacks ${name}; write ${name}="..."`);
  }
  for (const name of removed) Reflect.deleteProperty(attributes, name);
}

const requiredNames = remembered(({ attributes }: ElementSpec) =>
  Object.keys(attributes).filter((name) => attributes[name]?.required === true),
);

function unknownAttribute(element: string, name: string, spec: ElementSpec): string {
  const names = Object.keys(spec.attributes);
  const usual = usualMeaning(name, names, 'attributes');
  const near = usual === null ? didYouMean(name, names) : `; did you mean "${usual}"?`;
  if (near !== '') return `<${element}> has no attribute ${name}${near}`;
  const elsewhere = Object.keys(vocabulary).filter((other) => Object.hasOwn(vocabulary[other]?.attributes ?? {}, name));
  if (elsewhere.length > 0) {
    return `<${element}> has no attribute ${name}; it belongs to ${elsewhere.map((other) => `<${other}>`).join(', ')}`;
  }
  const list =
    names.length > 12
      ? 'see config.xsd for those it has'
      : names.length === 0
        ? 'it has none'
        : `it has ${names.join(', ')}`;
  return `<${element}> has no attribute ${name}; ${list}`;
}

function isHidden(attribute: AttributeSpec): boolean {
  return attribute.kind !== undefined && attributeKind(attribute.kind).hidden === true;
}

function hintOf(name: string, value: string, words: readonly string[]): string {
  const usual = name === 'type' ? usualMeaning(value, words, 'types') : null;
  return usual === null ? didYouMean(value, words) : `; did you mean "${usual}"?`;
}

/** Returns what is wrong with a value, as a sentence, or null. */
function valueFault(element: string, name: string, value: string, attribute: AttributeSpec): string | null {
  if (value === '') return `<${element}> ${name} is empty; leave it out or write a value`;
  const { words = [], kind } = attribute;
  if (words.includes(value)) return null;
  const form = kind === undefined ? null : attributeKind(kind);
  const hidden = form?.hidden === true;
  if (!hidden && /\p{Cc}/u.test(value)) {
    return `<${element}> ${name} has a line break or control character; remove it`;
  }
  const fault = form === null ? `is none of ${words.join(', ')}${hintOf(name, value, words)}` : form.fault(value);
  if (fault === null) return null;
  const orWord = form === null ? '' : words.map((word) => `, or ${word}`).join('');
  return `<${element}> ${name}${hidden ? '' : `=${shown(value)}`} ${fault}${orWord}`;
}
