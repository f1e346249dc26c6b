import { isIP } from 'node:net';

import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from '../imported.ts';
import { createLeftKeys } from '../left-keys.ts';

/** Addresses that lead to no other machine: this machine, all machines, and the sink of lists of advertisers. */
const noMachine = /^(?:127\.|0\.0\.0\.0$|255\.255\.255\.255$|2(?:2[4-9]|3\d)\.|(?:0*:)+0*1?$|ff|fe00:)/i;

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
    else if (noMachine.test(address)) left.leave('an address of no other machine', name);
    else if (known !== undefined) left.leave('further names', known.name);
    else hosts.set(address, { ...hostNamed(name, where), ip: address });
    if (further.length > 0 && hosts.get(address)?.where === where) left.leave('further names', name ?? '');
  });
  return { hosts: [...hosts.values()], skipped: [...skipped, ...left.skipped()] };
}
