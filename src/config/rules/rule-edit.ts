import { groupBy } from '../../platform/group-by.ts';
import { remembered } from '../../platform/remembered.ts';
import { escapeMarkup } from '../../text/escape-markup.ts';
import type { Client, Rule } from '../config.ts';
import type { ConfigTree } from '../xml/include.ts';
import { childOf, type Element } from '../xml/parse-elements.ts';
import { alertName } from './merge-alert.ts';

/** An edit of a rule in config.xml: attributes of an <alert>, or an <alert> that an element gets. */
export interface RuleEdit {
  /** The <alert>, or the element around the new one. */
  readonly element: Element;
  readonly attributes: Readonly<Record<string, string>>;
  /** True if the line of the <alert> has several. */
  readonly crowded: boolean;
}

/** True if the edit adds an <alert>. */
export function isAdded({ element }: RuleEdit): boolean {
  return element.name !== 'alert';
}

/** Returns the text of an edit, as it stands in the file: `for="4x"`, or a whole `<alert .../>`. */
export function editText(edit: RuleEdit): string {
  const written = attributesText(edit.attributes);
  return isAdded(edit) ? `<alert ${written}/>` : written;
}

/** Returns the beginning of an element: the whole one of an <alert>, of others the attribute that names it. */
export function tagText({ name: element, attributes }: Element): string {
  const named = (['name', 'ip'] as const).find((one) => attributes[one] !== undefined);
  const shown = element === 'alert' ? attributes : named === undefined ? {} : { [named]: attributes[named] ?? '' };
  return `<${[element, ...(Object.keys(shown).length === 0 ? [] : [attributesText(shown)])].join(' ')}>`;
}

function attributesText(attributes: RuleEdit['attributes']): string {
  const written = Object.entries(attributes).map(([name, value]) => `${name}="${escapeMarkup(value)}"`);
  return written.join(' ');
}

/** Returns a configuration with edits. Changes neither the tree nor a file. */
export function withEdits(tree: ConfigTree, edits: readonly RuleEdit[]): ConfigTree {
  const byElement = groupBy(edits, ({ element }) => element);
  const edited = (element: Element): Element => {
    const own = byElement.get(element) ?? [];
    const { source, line } = element;
    const added = own.filter(isAdded).map(({ attributes }): Element => ({
      ...{ name: 'alert', source, line, attributes: { ...attributes }, children: [], faulty: false },
    }));
    const changed = own.filter((edit) => !isAdded(edit)).map(({ attributes }) => attributes);
    return {
      ...element,
      attributes: Object.assign({ ...element.attributes }, ...changed) as Record<string, string>,
      children: [...element.children.map(edited), ...added],
    };
  };
  return { ...tree, root: tree.root === null ? null : edited(tree.root) };
}

/** An element around clients. */
export interface Container {
  readonly element: Element;
  readonly names: ReadonlySet<string>;
}

/** Finds the elements that rules are written in. */
export interface WrittenElements {
  /**
   * Returns the <alert> that wrote a client's rule or tuned it last; null if none did, or if it cannot be told from
   * another one. Clients with equal elements share their rules.
   */
  readonly alertOf: (rule: Rule, client: string) => Element | null;
  /** Returns the innermost <group> or <client> whose clients pass a test; null if there is none. */
  readonly around: (test: (clients: ReadonlySet<string>) => boolean) => Container | null;
  /** <alerts>; null if there is none. */
  readonly alerts: Element | null;
  /** True if there are several <alert> on the line of one. */
  readonly isCrowded: (alert: Element) => boolean;
}

/** Opens the elements of a configuration. */
export function openElements({ root }: ConfigTree, clients: readonly Client[]): WrittenElements {
  const containers: Container[] = [];
  const namesAt = groupBy(clients, placeOf);
  const seen = new Set<string>();
  const twice = new Set<string>();
  const enter = (element: Element): readonly string[] => {
    const place = placeOfElement(element);
    const inside = element.children.flatMap(enter);
    // Clients that share a line cannot be told apart.
    const own = element.name === 'client' && !seen.has(place) ? (namesAt.get(place) ?? []) : [];
    if (element.name === 'client') (seen.has(place) ? twice : seen).add(place);
    const names = [...inside, ...own.map(({ name }) => name)];
    if (element.name === 'client' || element.name === 'group') containers.push({ element, names: new Set(names) });
    return names;
  };
  const alerts = root === null ? null : childOf(root, 'alerts');
  if (root !== null) enter(root);
  const isTold = ({ element }: Container): boolean => element.name !== 'client' || !twice.has(placeOfElement(element));
  const all = { element: alerts, names: new Set(clients.map(({ name }) => name)) };
  const written = [...containers, all].flatMap(({ element: around, names }) =>
    (around?.children ?? []).flatMap((element) => (element.name === 'alert' ? [{ element, names }] : [])),
  );
  const firstOf = remembered((rule: Rule): Element | null => {
    const there = written.filter(({ element }) => placeOfElement(element) === placeOf(rule));
    const named = there.length > 1 ? there.filter(({ element }) => alertName(element.attributes) === rule.name) : there;
    return named.length === 1 ? (named[0]?.element ?? null) : null;
  });
  const alike = remembered((first: Element) =>
    written.filter(({ element }) => JSON.stringify(element.attributes) === JSON.stringify(first.attributes)),
  );
  return {
    alertOf: (rule, client) => {
      const first = rule.file === null ? null : firstOf(rule);
      return first === null ? null : (alike(first).find(({ names }) => names.has(client))?.element ?? null);
    },
    around: (test) => containers.find((one) => test(one.names) && isTold(one)) ?? null,
    alerts,
    isCrowded: (alert) =>
      written.some(({ element }) => element !== alert && placeOfElement(element) === placeOfElement(alert)),
  };
}

function placeOfElement({ source, line }: Element): string {
  return placeOf({ file: source.path, line });
}

function placeOf({ file, line }: { readonly file: string | null; readonly line: number | null }): string {
  return `${file ?? ''}:${line ?? ''}`;
}
