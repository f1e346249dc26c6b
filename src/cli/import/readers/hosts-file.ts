import { isIP } from 'node:net';

import { zoneFault } from '../../../config/values/addresses.ts';
import { isThisMachine } from '../../../config/values/is-this-machine.ts';
import { comparableHost } from '../../../config/values/networks.ts';
import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from '../imported.ts';
import { createLeftKeys } from '../left-keys.ts';

/** Addresses that lead to no machine: all machines, and the sink of lists of advertisers. */
const noMachine = /^(?:0\.0\.0\.0$|255\.255\.255\.255$|2(?:2[4-9]|3\d)\.|::$|ff|fe00:)/i;

/** Names of this machine. macOS has `fe80::1%lo0 localhost`. */
const ownName = /^(?:localhost|localhost\d?\.localdomain\d?|ip6-(?:localhost|loopback)|broadcasthost)$/i;

/** Reads a hosts file (hosts(5)): the first name of each line with its address. */
export function readHostsFile({ text }: SourceText): Imported {
  const hosts = new Map<string, ImportedHost>();
  const skipped: Skipped[] = [];
  const left = createLeftKeys();
  text.split('\n').forEach((line, index) => {
    const where = `line ${index + 1}`;
    const [address = '', name, ...further] = line.replace(/#.*/, '').split(/\s+/).filter(Boolean);
    if (address === '') return;
    const known = hosts.get(address);
    if (isIP(address) === 0 || name === undefined) skipped.push({ where, why: 'it is no address with a name' });
    else if (isOfNoOther(address) || ownName.test(name)) left.leave('an address of no other machine', name);
    else if (zoneFault(address) !== null) skipped.push({ where, why: zoneFault(address) ?? '' });
    else if (known !== undefined) left.leave('further names', known.name);
    else hosts.set(address, { ...hostNamed(name, where), ip: address });
    if (further.length > 0 && hosts.get(address)?.where === where) left.leave('further names', name ?? '');
  });
  return { hosts: [...hosts.values()], skipped: [...skipped, ...left.skipped()] };
}

function isOfNoOther(address: string): boolean {
  return isThisMachine(address) || noMachine.test(comparableHost(address));
}
