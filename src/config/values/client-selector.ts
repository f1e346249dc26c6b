import { globMatcher } from './globs.ts';
import { hasLabels, parseLabelSelector, type Labels } from './labels.ts';

/** A test that is true for the clients that `clients` and `labels` of an element select. */
export type ClientSelector = (client: { readonly name: string; readonly labels: Labels }) => boolean;

/**
 * True if an element concerns a group: it has no selector, or selects all members. An element for some of the members
 * concerns these alone.
 */
export function selectsAll(selects: ClientSelector | null, members: readonly Parameters<ClientSelector>[0][]): boolean {
  return selects === null || (members.length > 0 && members.every(selects));
}

/** Returns a test for the clients that the attributes of an element select; null if the element has no selector. */
export function clientSelector(attributes: Readonly<Record<string, string>>): ClientSelector | null {
  const { clients, labels } = attributes;
  if (clients === undefined && labels === undefined) return null;
  const isNamed = clients === undefined ? null : globMatcher(clients);
  const conditions = labels === undefined ? [] : (parseLabelSelector(labels) ?? []);
  return (client) => (isNamed?.(client.name) ?? true) && hasLabels(client.labels, conditions);
}
