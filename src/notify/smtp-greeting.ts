import { readFileSync } from 'node:fs';
import { isIP, isIPv6 } from 'node:net';
import { hostname } from 'node:os';

import type { SmtpConfig } from '../config/config.ts';
import { greetingFault } from '../config/values/addresses.ts';
import { domainOf } from './mail-identity.ts';

/** The name of a machine, and its lines of names. */
export interface MachineNames {
  readonly hostname: string;
  /** Returns the text of /etc/hosts. Is called only if the host's name has no dot. */
  readonly hosts: () => string;
}

/** The argument of EHLO. */
export interface SmtpGreeting {
  /** Null: the address from which the connection comes, as an address literal. */
  readonly name: string | null;
  /** The place where the name stands, in words. */
  readonly source: string;
}

const maxHostsChars = 64 * 1024;

const thisMachine: MachineNames = {
  hostname: hostname(),
  hosts: () => {
    try {
      return readFileSync('/etc/hosts', 'utf8').slice(0, maxHostsChars);
    } catch {
      return '';
    }
  },
};

/**
 * Returns the name by which this machine greets the mail server: `helo` of <smtp>, else the host's full name, else the
 * host's name with the domain of `from`. Servers refuse names without a dot, and nodemailer would say `[127.0.0.1]` for
 * them.
 */
export function smtpGreeting({ helo, from }: Pick<SmtpConfig, 'helo' | 'from'>, machine = thisMachine): SmtpGreeting {
  if (helo !== null) return { name: literalOf(helo), source: 'helo of <smtp>' };
  const own = machine.hostname.replace(/\.+$/, '');
  const full = isFullName(own) ? own : nameInHosts(own, machine.hosts);
  if (full !== null) return { name: full, source: "this machine's full name" };
  const domain = domainOf(from);
  if (!isFullName(domain)) return { name: null, source: 'there is no name with a domain' };
  // Exim refuses underscores.
  const label =
    isIP(own) !== 0 ? '' : (own.split('.', 1)[0] ?? '').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '');
  const name = `${label}.${domain}`;
  if (/^(localhost)?$/i.test(label) || !isFullName(name)) return { name: domain, source: 'the domain of from' };
  return { name, source: "this machine's name and the domain of from" };
}

/** Returns the argument of EHLO for a connection from this address. */
export function greetedAs({ name }: SmtpGreeting, localAddress: string | undefined): string {
  return name ?? literalOf(localAddress ?? '127.0.0.1');
}

/** True if a name has a domain. `localhost.localdomain` is what systems say that have no name. */
function isFullName(name: string): boolean {
  return isIP(name) === 0 && greetingFault(name) === null && !/(^|\.)(localhost|localdomain)\d?$/i.test(name);
}

/** Returns the full name on a line of /etc/hosts that has the host's name, as `hostname -f` does; null if none. */
function nameInHosts(own: string, hosts: () => string): string | null {
  if (own === '' || /^localhost\b/i.test(own)) return null;
  for (const line of hosts().split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0 || !names.some((name) => name.toLowerCase() === own.toLowerCase())) continue;
    const full = names.find((name) => isFullName(name) && name.toLowerCase().startsWith(`${own.toLowerCase()}.`));
    if (full !== undefined) return full;
  }
  return null;
}

/** Returns an address as an address literal (RFC 5321, section 4.1.3), and a name as it is. */
function literalOf(name: string): string {
  const address = name.replace(/^::ffff:(?=[\d.]+$)/i, '').replace(/%.*$/, '');
  if (isIP(address) === 0) return name;
  return isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`;
}
