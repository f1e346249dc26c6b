import type { ReadBastion } from './bastions.ts';
import { directParents, type Fleet } from './parents.ts';
import type { Findings, Place } from '../xml/findings.ts';
import { groupBy } from '../../platform/group-by.ts';
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

/**
 * Reports faults of proxyJump and `on` that show without any ssh_config: a proxyJump whose name is nearly that of a
 * bastion, and machines that need each other. Any other name of a proxyJump is a host of ssh_config or of the name
 * server, and any other name of `on` a machine that is no client.
 */
export function checkRoutes({ root, bastions, clients, findings }: CheckRoutesOptions): void {
  const jumping = elementsWithJumps(root);
  if (jumping.length === 0 && clients.every(({ client }) => client.on.length === 0)) return;
  const stops = new Map<string, { readonly place: Place; readonly label: string }>();
  for (const { element, name } of clients) stops.set(name, { place: element, label: `<client> "${name}"` });
  // A bastion comes before a client of the same name.
  for (const { bastion, element } of bastions) {
    stops.set(bastion.name, { place: element, label: `<bastion> "${bastion.name}"` });
  }
  const names = bastions.map(({ bastion }) => bastion.name);
  const needed = new Set<string>(clients.flatMap(({ client }) => client.on));
  for (const { element, proxyJump } of jumping) {
    for (const { host, bare } of parseJumps(proxyJump) ?? []) {
      if (bare) needed.add(host);
      if (!bare || stops.has(host)) continue;
      const near = didYouMean(host, names);
      if (near === '') continue;
      const remedy = `${near} Write ssh://${host} for a host of ssh_config`;
      findings.fault(element, `<${element.name}> proxyJump="${proxyJump}" names no bastion${remedy}`);
    }
  }
  const fleet = { bastions: bastions.map((one) => one.bastion), clients: clients.map((one) => one.client) };
  const circleOf = circles(fleet);
  for (const name of needed) {
    const stop = stops.get(name);
    const circle = stop === undefined ? null : circleOf(name);
    if (stop === undefined || circle === null) continue;
    const others = circle.map((one) => `"${one}"`).join(', which needs ');
    findings.fault(stop.place, `${stop.label} needs ${others}; end the circle by proxyJump="none" or on="none"`);
  }
  warnOfIdleParents(clients, new Set(stops.keys()), findings);
}

/** Warns of an `on` that changes nothing: no client has the name, and no second client stands on the machine. */
function warnOfIdleParents(clients: readonly ReadClient[], known: ReadonlySet<string>, findings: Findings): void {
  const others = clients.flatMap(({ client, element }) => client.on.map((name) => ({ name, element })));
  for (const [name, [first, second]] of groupBy(others, (one) => one.name)) {
    if (known.has(name) || first === undefined || second !== undefined) continue;
    const what = `<client> on names "${name}", which is no client and on which nothing else stands`;
    findings.warn(first.element, `${what}${didYouMean(name, known) || '; it changes nothing'}`);
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
 * Returns a function that returns the machines by which a machine needs itself, the machine last; null if it does not.
 */
function circles(fleet: Fleet): (name: string) => readonly string[] | null {
  const direct = directParents(fleet);
  return (start) => {
    const seen = new Set<string>();
    const walk = (name: string, hasOwnRoute: boolean): readonly string[] | null => {
      const key = `${hasOwnRoute ? 1 : 0}${name}`;
      if (seen.has(key)) return null;
      seen.add(key);
      for (const parent of direct(name, hasOwnRoute)) {
        for (const one of parent.names) {
          const rest = one === start ? [] : walk(one, parent.hasOwnRoute);
          if (rest !== null) return [one, ...rest];
        }
      }
      return null;
    };
    return walk(start, true);
  };
}
