import type { Client } from '../config.ts';
import { hostFault } from '../values/addresses.ts';
import type { Findings } from '../xml/findings.ts';
import type { Element } from '../xml/parse-elements.ts';
import { parseRanged, type Ranged } from '../values/ranges.ts';

/** A machine of a <client> element, its range expanded. */
export type Machine = Pick<Client, 'name' | 'address' | 'addressExplicit' | 'was'>;

const none: Ranged = { count: 1, ranged: false, at: () => '' };

/**
 * Returns the machines of a <client>, or none after reporting a fault. `ownAddress` is the address of a client without
 * `ip`; null: the name.
 */
export function expandClient(
  element: Element,
  port: number,
  ownAddress: string | null,
  findings: Findings,
): readonly Machine[] {
  const { attributes } = element;
  const fault = (message: string): readonly Machine[] => {
    findings.fault(element, message);
    return [];
  };
  if (attributes['ip'] !== undefined && attributes['address'] !== undefined) {
    return fault('<client> has ip and address, which mean the same; keep one of them');
  }
  const named = attributes['name'];
  const addressExplicit = attributes['ip'] !== undefined || attributes['address'] !== undefined;
  const written = attributes['ip'] ?? attributes['address'] ?? ownAddress ?? named;
  if (written === undefined) {
    const remedy = 'write ip="ADDRESS", ip="HOST NAME", or the name that ssh knows it by as name';
    return element.faulty ? [] : fault(`<client> lacks ip; ${remedy}`);
  }
  if (!/[[\]]/.test(written) && named?.includes('[') !== true && attributes['was']?.includes('[') !== true) {
    const name = named ?? defaultName(written, port);
    return [{ name, address: written, addressExplicit, was: attributes['was'] ?? null }];
  }
  const ip = ranged(ownAddress !== null && !addressExplicit ? undefined : written);
  const [name, was] = [ranged(named), ranged(attributes['was'])];
  const count = Math.max(ip.count, name.count, was.count);
  for (const [attribute, range] of Object.entries({ ip, name, was })) {
    if (!range.ranged || range.count === count) continue;
    const other = `another attribute one of ${count}; make them equally long`;
    return fault(`<client> ${attribute} has a range of ${range.count}, but ${other}`);
  }
  if (name.ranged && !ip.ranged) return fault('<client> name has a range but ip has none; write the same range in ip');
  if (ip.ranged && named !== undefined && !name.ranged) {
    const why = `name="${named}" has none, so all would have one name`;
    return fault(`<client> ip has a range but ${why}; write a range in name, or leave it out`);
  }
  if (attributes['was'] !== undefined && was.ranged !== ip.ranged) {
    const [one, other] = was.ranged ? ['was', 'ip'] : ['ip', 'was'];
    return fault(`<client> ${one} has a range but ${other} has none; write it in both`);
  }
  const machines: Machine[] = [];
  for (let index = 0; index < count; index += 1) {
    const address = ip.at(index);
    const problem = ip.ranged && addressExplicit ? hostFault(address) : null;
    if (problem !== null) return fault(`<client> ip="${written}": "${address}" ${problem}`);
    const own = named === undefined ? defaultName(address, port) : name.at(index);
    const before = attributes['was'] === undefined ? null : was.at(index);
    machines.push({ name: own, address, addressExplicit, was: before });
  }
  return machines;
}

function defaultName(address: string, port: number): string {
  if (port === 22) return address;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function ranged(text: string | undefined): Ranged {
  if (text === undefined) return none;
  const range = parseRanged(text);
  // The vocabulary's check has reported the fault and removed the attribute.
  return typeof range === 'string' ? none : range;
}
