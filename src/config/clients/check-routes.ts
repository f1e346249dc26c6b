import type { ReadBastion } from './bastions.ts';
import type { SshSettings } from '../config.ts';
import type { Findings, Place } from '../xml/findings.ts';
import { parseJumps } from '../values/jumps.ts';
import { didYouMean } from '../values/nearest.ts';
import type { Element } from '../xml/parse-elements.ts';
import type { ReadClient } from './read-clients.ts';

export interface CheckRoutesOptions {
  readonly root: Element;
  readonly bastions: readonly ReadBastion[];
  readonly clients: readonly ReadClient[];
  readonly findings: Findings;
}

interface Stop {
  readonly place: Place;
  readonly label: string;
  readonly ssh: SshSettings;
}

/**
 * Reports faults of a proxyJump that show without any ssh_config: a name that is nearly that of a bastion or client,
 * and routes that return to their beginning. Any other name is a host of ssh_config or of the name server.
 */
export function checkRoutes({ root, bastions, clients, findings }: CheckRoutesOptions): void {
  const jumping = elementsWithJumps(root);
  if (jumping.length === 0) return;
  const stops = new Map<string, Stop>();
  for (const { client, element, name } of clients) {
    stops.set(name, { place: element, label: `<client> "${name}"`, ssh: client.ssh });
  }
  // A bastion comes before a client of the same name.
  for (const { bastion, element } of bastions) {
    stops.set(bastion.name, { place: element, label: `<bastion> "${bastion.name}"`, ssh: bastion.ssh });
  }
  const names = bastions.map(({ bastion }) => bastion.name);
  const jumped = new Set<string>();
  for (const { element, proxyJump } of jumping) {
    for (const { host, bare } of parseJumps(proxyJump) ?? []) {
      if (bare) jumped.add(host);
      if (!bare || stops.has(host)) continue;
      const near = didYouMean(host, names);
      if (near === '') continue;
      const remedy = `${near} Write ssh://${host} for a host of ssh_config`;
      findings.fault(element, `<${element.name}> proxyJump="${proxyJump}" names no bastion${remedy}`);
    }
  }
  for (const name of jumped) {
    const stop = stops.get(name);
    if (stop !== undefined && comesBack(name, stops)) {
      const { place, label } = stop;
      const remedy = 'end the circle of proxyJump, or write proxyJump="none"';
      findings.fault(place, `${label} is reached through itself; ${remedy}`);
    }
  }
}

function elementsWithJumps(root: Element): readonly { readonly element: Element; readonly proxyJump: string }[] {
  const found: { element: Element; proxyJump: string }[] = [];
  const walk = (element: Element): void => {
    const { proxyJump } = element.attributes;
    if (proxyJump !== undefined && proxyJump !== 'none') found.push({ element, proxyJump });
    for (const child of element.children) walk(child);
  };
  walk(root);
  return found;
}

/**
 * True if the route of a machine leads through the machine itself. Only the first machine of a route has a route of its
 * own; each further one is reached through the previous one.
 */
function comesBack(name: string, stops: ReadonlyMap<string, Stop>): boolean {
  const seen = new Set<string>();
  let ssh = stops.get(name)?.ssh;
  while (ssh !== undefined && ssh.proxyJump !== null) {
    const jumps = parseJumps(ssh.proxyJump) ?? [];
    const names = jumps.filter(({ bare }) => bare).map(({ host }) => host);
    if (names.includes(name)) return true;
    const [first] = jumps;
    if (first === undefined || !first.bare || seen.has(first.host)) return false;
    seen.add(first.host);
    ssh = stops.get(first.host)?.ssh;
  }
  return false;
}
