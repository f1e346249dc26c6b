import type { Window } from '../config.ts';
import type { RuleScope } from '../rules/finish-rule.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { clientSelector, type ClientSelector, selectsAll } from '../values/client-selector.ts';
import type { Findings } from '../xml/findings.ts';
import type { Element } from '../xml/parse-elements.ts';
import type { Audience } from '../recipients/read-recipients.ts';

/** The rules, recipients and windows, which an element may write for some of its clients alone. */
export interface Watched {
  readonly rules: RuleScope;
  readonly audience: Audience;
  readonly windows: readonly Window[];
}

/** The elements around a client, outermost first, and their children that are for some clients alone. */
export interface Chain {
  readonly elements: readonly Element[];
  readonly selective: readonly { readonly child: Element; readonly selects: ClientSelector }[];
  /** The results by the children that select a client, as a text of 0 and 1. */
  readonly found: Map<string, Watched>;
}

export const noChain: Chain = { elements: [], selective: [], found: new Map() };

/**
 * Returns the chain with one more element. Returns the same chain if the element has no rules, recipients or windows.
 */
export function chainWithin(chain: Chain, element: Element): Chain {
  const { mail, recipients } = element.attributes;
  const isSilent = mail === undefined && recipients === undefined;
  if (isSilent && !element.children.some(({ name }) => selectable.has(name))) return chain;
  const own = element.children.flatMap((child) => {
    const selects = isSelective(child) ? clientSelector(child.attributes) : null;
    return selects === null ? [] : [{ child, selects }];
  });
  return { elements: [...chain.elements, element], selective: [...chain.selective, ...own], found: new Map() };
}

const selectable = new Set(['alert', 'mail', 'webhook', 'window']);

/** Returns the element without the selective children that `isTaken` rejects. The others lose their selectors. */
export function withSelected(element: Element, isTaken: (child: Element) => boolean): Element {
  if (!element.children.some(isSelective)) return element;
  const children = element.children.flatMap((child) => {
    if (!isSelective(child)) return [child];
    return isTaken(child) ? [withoutSelectors(child)] : [];
  });
  return { ...element, children };
}

/** Returns a copy without selectors, the same at each call: findings identify rules and windows by their elements. */
const withoutSelectors = rememberedWeakly((child: Element): Element => {
  const attributes = Object.entries(child.attributes).filter(([name]) => name !== 'clients' && name !== 'labels');
  return { ...child, attributes: Object.fromEntries(attributes), isForSome: true };
});

function isSelective({ name, attributes }: Element): boolean {
  return selectable.has(name) && (attributes['clients'] !== undefined || attributes['labels'] !== undefined);
}

/** Reads the rules, recipients and windows of an element, after those in force around the element. */
export type ReadWatched = (element: Element, outer: Watched) => Watched;

/**
 * Chooses among the children that are for some clients. `watchedBy` returns the rules, recipients and windows of one
 * client: it reads all elements around the client again, without the children that do not select the client. Clients
 * with the same children share the result. `end` warns of each child of a noted chain that selects no client.
 */
export function createSelection(start: Watched, read: ReadWatched, findings: Findings) {
  const [seen, used] = [new Set<Element>(), new Set<Element>()];
  const watchedWith = ({ elements, selective, found }: Chain, taken: ReadonlySet<Element>): Watched => {
    const key = selective.map(({ child }) => (taken.has(child) ? '1' : '0')).join('');
    const known = found.get(key);
    if (known !== undefined) return known;
    const watched = elements.reduce(
      (outer, element) =>
        read(
          withSelected(element, (child) => taken.has(child)),
          outer,
        ),
      start,
    );
    found.set(key, watched);
    return watched;
  };
  return {
    /** Includes the children of this chain in the warnings of `end`. */
    note: ({ selective }: Chain): void => {
      for (const { child } of selective) seen.add(child);
    },
    /** Returns the rules, recipients and windows of a group: those children count that select all of its members. */
    watchedByAll: (chain: Chain, members: readonly Parameters<ClientSelector>[0][]): Watched =>
      watchedWith(
        chain,
        new Set(chain.selective.flatMap(({ child, selects }) => (selectsAll(selects, members) ? [child] : []))),
      ),
    watchedBy: (chain: Chain, client: Parameters<ClientSelector>[0]): Watched => {
      const taken = new Set(chain.selective.flatMap(({ child, selects }) => (selects(client) ? [child] : [])));
      for (const child of taken) used.add(child);
      return watchedWith(chain, taken);
    },
    end: (): void => {
      for (const child of seen) {
        if (!used.has(child)) findings.warn(child, `<${child.name}> selects no client; see its clients and labels`);
      }
    },
  };
}
