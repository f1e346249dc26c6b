import { readFileSync } from 'node:fs';

import { remembered } from '../../platform/remembered.ts';

const services = remembered((file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
});

/** Returns the port of a TCP service of /etc/services, by its name or an alias; null if there is none. */
export function servicePort(name: string): number | null {
  for (const line of services('/etc/services').split('\n')) {
    const [first = '', port = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const [, number] = /^(\d{1,5})\/tcp$/.exec(port) ?? [];
    if (number !== undefined && (first === name || aliases.includes(name))) return Number(number);
  }
  return null;
}
