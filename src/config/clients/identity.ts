import { isAsked } from './arrival.ts';
import type { Client } from '../config.ts';
import { namedUpTo } from '../../text/numbers.ts';
import type { Findings, Place } from '../xml/findings.ts';
import { parseJumps } from '../values/jumps.ts';
import { comparableHost } from '../values/networks.ts';

/** The most names in a warning. */
const maxNames = 5;

/** A client and the place of its element. */
export interface ClientIdentity extends Place {
  readonly client: Client;
  readonly name: string;
  /** True if the element has a name. */
  readonly named: boolean;
}

/**
 * Removes duplicates: clients with equal address, port and route, unless both have names of their own. Keeps the first.
 * Reports equal names and impossible former names. A retired client leaves its address free for another client.
 */
export function withoutDuplicates<T extends ClientIdentity>(clients: readonly T[], findings: Findings): readonly T[] {
  const byRoute = new Map<string, T>();
  const byName = new Map<string, T>();
  const sharing = new Map<string, readonly T[]>();
  const kept = clients.filter((client) => {
    const { name, address, port, state } = client.client;
    const retired = state === 'retired';
    const route = routeTo(client.client);
    const first = retired ? undefined : byRoute.get(route);
    if (first !== undefined && first.named && client.named && first.name !== name) {
      sharing.set(route, [...(sharing.get(route) ?? [first]), client]);
    } else if (first !== undefined) {
      const same =
        name === first.name
          ? `client "${name}"`
          : `client "${name}" is "${first.name}" again (${address}, port ${port}); it`;
      findings.warn(client, `${same} is written already at ${whereOf(first)}; the first counts, remove this one`);
      return false;
    }
    if (!retired) byRoute.set(route, client);
    const namesake = byName.get(name);
    if (namesake !== undefined) {
      findings.fault(client, `a second client "${name}"; the first is at ${whereOf(namesake)}, give it another name`);
      return false;
    }
    byName.set(name, client);
    return true;
  });
  for (const clients of sharing.values()) warnOfSharing(clients, findings);
  const formerly = new Map<string, T>();
  for (const client of kept) {
    const { was } = client.client;
    if (was === null) continue;
    const heir = formerly.get(was);
    const written = `client "${client.name}" was="${was}"`;
    if (was === client.name) findings.fault(client, `client "${was}" was "${was}" already; remove was`);
    else if (byName.has(was))
      findings.fault(client, `${written}, but that client is still written; remove one of them`);
    else if (heir !== undefined)
      findings.fault(client, `${written}, as "${heir.name}" at ${whereOf(heir)} was; only one can be`);
    formerly.set(was, client);
  }
  return kept;
}

/** Warns once of named clients that reach the same machine, at the second one. */
function warnOfSharing(clients: readonly ClientIdentity[], findings: Findings): void {
  const [, second] = clients;
  if (second === undefined) return;
  const { address, port } = second.client;
  const names = namedUpTo(
    maxNames,
    clients.map(({ name }) => `"${name}"`),
  );
  const machine = `the same machine (${address}, port ${port}): each is visited, and people are notified of each`;
  findings.warn(second, `clients ${names} reach ${machine}; if they are one, keep one`);
}

function whereOf({ source, line }: Place): string {
  return `${source.shown}:${line ?? 1}`;
}

function routeTo({ name, address, port, ssh, arrival }: Client): string {
  // The collector does not connect to a client that pushes or is forwarded: many may share the address of their site.
  if (!isAsked({ arrival })) return `${arrival.kind} ${name}`;
  if (arrival.kind === 'asked') return arrival.url ?? '';
  const route = arrival.kind === 'local' ? 'local' : `via ${comparableJumps(ssh.proxyJump)}`;
  return `${comparableHost(address)} ${port} ${route}`;
}

function comparableJumps(proxyJump: string | null): string {
  const jumps = parseJumps(proxyJump ?? '') ?? [];
  return jumps.map(({ user, host, port }) => `${user ?? ''}@${comparableHost(host)} ${port ?? ''}`).join(',');
}
