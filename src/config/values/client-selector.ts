import { globMatcher } from './globs.ts';
import { hasLabels, parseLabelSelector, type Labels } from './labels.ts';

/** A test that is true for the clients that `clients` and `labels` of an element select. */
export type ClientSelector = (client: { readonly name: string; readonly labels: Labels }) => boolean;

/** Returns a test for the clients that the attributes of an element select; null if the element has no selector. */
export function clientSelector(attributes: Readonly<Record<string, string>>): ClientSelector | null {
  const { clients, labels } = attributes;
  if (clients === undefined && labels === undefined) return null;
  const isNamed = clients === undefined ? null : globMatcher(clients);
  const conditions = labels === undefined ? [] : (parseLabelSelector(labels) ?? []);
  return (client) => (isNamed?.(client.name) ?? true) && hasLabels(client.labels, conditions);
}
