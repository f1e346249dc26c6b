import type { Element } from '../xml/parse-elements.ts';
import { attributeKind } from './attribute-kinds.ts';
import { vocabulary } from './vocabulary.ts';

type Shown = string | ShownElement | readonly (string | ShownElement)[];

/** An element as shown: attributes are strings, elements objects, repeated elements arrays. */
export interface ShownElement {
  readonly [name: string]: Shown;
}

const hiddenValue = '*** HIDDEN ***';
/** Names of options that are secrets even if they are not listed. */
const secretName = /pass|pwd|^pw$|secret|token|auth|bearer|dsn|webhook|credential|(?:^|[_-])key$/i;
/** The login in an address. */
const userInfo = /(:\/\/)[^/@\s]+@/g;

/**
 * Returns a configuration without `<serve>`, but with its options at the top level. Hides secrets at any depth, and at
 * the top level every value with a name in `hidden`.
 */
export function configDocument(root: Element, hidden: readonly string[]): ShownElement {
  const others = root.children.filter(({ name }) => name !== 'serve');
  const serves = root.children.filter(({ name }) => name === 'serve');
  const shown = collected([
    ...others.map((child) => [child.name, elementDocument(child)] as const),
    ...serves.flatMap(({ children }) => optionsOf(children)),
  ]);
  return Object.fromEntries(
    Object.entries(shown).map(([name, value]) => [name, hidden.includes(name) ? hiddenValue : value]),
  );
}

function elementDocument({ name, attributes, children }: Element): ShownElement {
  return collected([
    ...Object.entries(attributes).map(([attribute, value]) => [attribute, valueOf(name, attribute, value)] as const),
    ...children.map((child) => [child.name, elementDocument(child)] as const),
  ]);
}

function valueOf(element: string, attribute: string, value: string): string {
  const kind = vocabulary[element]?.attributes[attribute]?.kind;
  return kind !== undefined && attributeKind(kind).hidden === true ? hiddenValue : withoutLogin(value);
}

function withoutLogin(value: string): string {
  return value.replace(userInfo, `$1${hiddenValue}@`);
}

/** Returns options by their names. An option with inner options is an object, any other a string. */
function optionsOf(elements: readonly Element[]): readonly (readonly [string, string | ShownElement])[] {
  return elements
    .filter(({ name }) => name === 'option')
    .map(({ attributes: { name = '', value = '' }, children }) => {
      if (secretName.test(name)) return [name, hiddenValue];
      return [name, children.length > 0 ? collected(optionsOf(children)) : withoutLogin(value)];
    });
}

function collected(entries: readonly (readonly [string, string | ShownElement])[]): ShownElement {
  const shown = new Map<string, (string | ShownElement)[]>();
  for (const [name, value] of entries) shown.set(name, [...(shown.get(name) ?? []), value]);
  return Object.fromEntries(
    [...shown].map(([name, [first = '', ...others]]) => [name, others.length === 0 ? first : [first, ...others]]),
  );
}
