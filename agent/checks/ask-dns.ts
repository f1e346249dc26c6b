/** agent/checks: checks: conf files, their permissions, one process each; servers; and the checks of probes. */
import { optionOf, tell, type Asking } from './asking.ts';
import { lookedUp } from './dial.ts';

const maxValues = 20;

/** Asks for a name: the machine's own resolver, as its programs do, or a server. */
export async function askDns(asking: Asking): Promise<void> {
  const name = optionOf(asking, 'name');
  const type = optionOf(asking, 'type') || 'A';
  const server = optionOf(asking, 'server');
  const isAddress = type === 'A' || type === 'AAAA';
  const values =
    server === '' && isAddress
      ? await lookedUp(asking, name, type === 'A' ? 4 : 6)
      : await resolved(asking, name, type, server);
  for (const value of [...new Set(values)].sort().slice(0, maxValues)) tell(asking, 'value', value);
}

async function resolved(asking: Asking, name: string, type: string, server: string): Promise<string[]> {
  const { promises } = await import('node:dns');
  tell(asking, 'host', name);
  if (server !== '') tell(asking, 'at', server);
  const resolver = new promises.Resolver({ timeout: 2000, tries: 4 });
  asking.closers.push(() => resolver.cancel());
  if (server !== '') resolver.setServers([server]);
  const answer: unknown = await resolver.resolve(type === 'PTR' ? arpaName(name) : name, type);
  return (Array.isArray(answer) ? answer : [answer]).map(valueOf);
}

/** Returns the name under which the names of an address stand. Returns any other name as it is. */
export function arpaName(name: string): string {
  if (/^[\d.]+$/.test(name)) return `${name.split('.').reverse().join('.')}.in-addr.arpa`;
  if (!name.includes(':')) return name;
  const [first = [], second] = name.split('::').map((half) => half.split(':').filter(Boolean));
  const zeros = second === undefined ? [] : Array<string>(8 - first.length - second.length).fill('0');
  const groups = [...first, ...zeros, ...(second ?? [])].map((group) => group.padStart(4, '0'));
  return `${Array.from(groups.join('')).reverse().join('.')}.ip6.arpa`;
}

/** Returns a value as zone files have it. */
function valueOf(found: unknown): string {
  if (typeof found === 'string') return found;
  if (Array.isArray(found)) return found.join('');
  const { priority, weight, port, exchange, name, nsname, hostmaster, serial } = found as Readonly<
    Record<string, string | number>
  >;
  return [priority, weight, port, exchange ?? name ?? nsname, hostmaster, serial]
    .filter((part) => part !== undefined)
    .join(' ');
}
