import type { Window } from '../config.ts';
import type { RuleScope } from '../rules/finish-rule.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { clientSelector, type ClientSelector } from '../values/client-selector.ts';
import type { Findings } from '../xml/findings.ts';
import type { Element } from '../xml/parse-elements.ts';
import type { Audience } from './recipients.ts';

/** Rules, recipients and windows: what an element may write for some of its clients alone. */
export interface Watched {
  readonly rules: RuleScope;
  readonly audience: Audience;
  readonly windows: readonly Window[];
}

/** The elements around a client, outermost first, and the children of these that are for some clients alone. */
export interface Chain {
  readonly elements: readonly Element[];
  readonly selective: readonly { readonly child: Element; readonly selects: ClientSelector }[];
  /** The results by the children that select a client, as a text of 0 and 1. */
  readonly found: Map<string, Watched>;
}

export const noChain: Chain = { elements: [], selective: [], found: new Map() };

/** Returns the chain with one more element; the same chain if the element writes nothing of Watched. */
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

/**
 * Returns the element with the children that `isTaken` keeps of those that are for some clients; these lose their
 * selectors.
 */
export function withSelected(element: Element, isTaken: (child: Element) => boolean): Element {
  if (!element.children.some(isSelective)) return element;
  const children = element.children.flatMap((child) => {
    if (!isSelective(child)) return [child];
    return isTaken(child) ? [withoutSelectors(child)] : [];
  });
  return { ...element, children };
}

/** A copy without selectors, the same each time: findings know rules and windows by their elements. */
const withoutSelectors = rememberedWeakly((child: Element): Element => {
  const attributes = Object.entries(child.attributes).filter(([name]) => name !== 'clients' && name !== 'labels');
  return { ...child, attributes: Object.fromEntries(attributes), isForSome: true };
});

function isSelective({ name, attributes }: Element): boolean {
  return selectable.has(name) && (attributes['clients'] !== undefined || attributes['labels'] !== undefined);
}

/** Reads what an element writes, after what is in force around it. */
export type ReadWatched = (element: Element, outer: Watched) => Watched;

/**
 * Chooses among the children that are for some clients. `watchedBy` returns what is in force for one client: all
 * elements around it are read again without the children that do not select it. Clients with the same children share
 * the result. `end` warns of each child of a noted chain that selects no client.
 */
export function createSelection(start: Watched, read: ReadWatched, findings: Findings) {
  const [seen, used] = [new Set<Element>(), new Set<Element>()];
  return {
    /** Has `end` look at the children of this chain too. */
    note: ({ selective }: Chain): void => {
      for (const { child } of selective) seen.add(child);
    },
    watchedBy: ({ elements, selective, found }: Chain, client: Parameters<ClientSelector>[0]): Watched => {
      const taken = new Set(selective.flatMap(({ child, selects }) => (selects(client) ? [child] : [])));
      for (const child of taken) used.add(child);
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
    },
    end: (): void => {
      for (const child of seen) {
        if (!used.has(child)) findings.warn(child, `<${child.name}> selects no client; see its clients and labels`);
      }
    },
  };
}
