import { groupBy } from '../../platform/group-by.ts';
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
}

/** True if the edit adds an <alert>. */
export function isAdded({ element }: RuleEdit): boolean {
  return element.name !== 'alert';
}

/** Returns the text of an edit, as it stands in the file: `for="4x"`, or a whole `<alert .../>`. */
export function editText(edit: RuleEdit): string {
  const written = Object.entries(edit.attributes).map(([name, value]) => `${name}="${escapeMarkup(value)}"`);
  return isAdded(edit) ? `<alert ${written.join(' ')}/>` : written.join(' ');
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
  /** Returns the <alert> that wrote a rule or tuned it last; null if none did, or if two of them share the line. */
  readonly alertOf: (rule: Rule) => Element | null;
  /** Returns the innermost <group> or <client> whose clients pass a test; null if there is none. */
  readonly around: (test: (clients: ReadonlySet<string>) => boolean) => Container | null;
  /** <alerts>; null if there is none. */
  readonly alerts: Element | null;
}

/** Opens the elements of a configuration. */
export function openElements({ root }: ConfigTree, clients: readonly Client[]): WrittenElements {
  const alerts = new Map<string, Element[]>();
  const containers: Container[] = [];
  const namesAt = groupBy(clients, placeOf);
  const seen = new Set<string>();
  const twice = new Set<string>();
  const enter = (element: Element): readonly string[] => {
    const place = placeOf({ file: element.source.path, line: element.line });
    if (element.name === 'alert') alerts.set(place, [...(alerts.get(place) ?? []), element]);
    const inside = element.children.flatMap(enter);
    if (element.name !== 'client' && element.name !== 'group') return inside;
    // Clients that share a line cannot be told apart.
    const own = element.name === 'client' && !seen.has(place) ? (namesAt.get(place) ?? []) : [];
    if (element.name === 'client') (seen.has(place) ? twice : seen).add(place);
    const names = [...inside, ...own.map(({ name }) => name)];
    containers.push({ element, names: new Set(names) });
    return names;
  };
  if (root !== null) enter(root);
  return {
    alertOf: (rule) => {
      const all = rule.file === null ? [] : (alerts.get(placeOf(rule)) ?? []);
      const named = all.length > 1 ? all.filter(({ attributes }) => alertName(attributes) === rule.name) : all;
      return named.length === 1 ? (named[0] ?? null) : null;
    },
    around: (test) =>
      containers.find(({ element, names }) => {
        const place = placeOf({ file: element.source.path, line: element.line });
        return test(names) && !(element.name === 'client' && twice.has(place));
      }) ?? null,
    alerts: root === null ? null : childOf(root, 'alerts'),
  };
}

function placeOf({ file, line }: { readonly file: string | null; readonly line: number | null }): string {
  return `${file ?? ''}:${line ?? ''}`;
}
