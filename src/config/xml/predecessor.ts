import type { Element } from './parse-elements.ts';

/** The elements and attributes of this program's predecessor. */
const words: Readonly<Record<string, readonly string[]>> = {
  client: ['ip', 'port', 'username', 'password', 'mail'],
  alert: ['type', 'limit'],
};
const types: readonly string[] = ['memory', 'cpu', 'uptime'];

/** True if a configuration, before the checks remove anything from it, uses the predecessor's vocabulary alone. */
export function predecessorOnly(root: Element): boolean {
  return root.children.every(
    (client) => client.name === 'client' && isKnown(client) && client.children.every((alert) => isAlert(alert)),
  );
}

function isAlert(alert: Element): boolean {
  const { type } = alert.attributes;
  return alert.name === 'alert' && isKnown(alert) && alert.children.length === 0 && types.includes(type?.trim() ?? '');
}

function isKnown(element: Element): boolean {
  return Object.keys(element.attributes).every((name) => words[element.name]?.includes(name) === true);
}
