import { isIP } from 'node:net';

import { hostFault } from '../../config/values/addresses.ts';
import { sender } from '../../config/settings/mail-settings.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { escapeMarkup } from '../../text/escape-markup.ts';

/** The answers to the questions of `init`. */
interface FirstAnswers {
  /** Addresses, with commas. */
  readonly mailTo: string;
  /** `host` or `host:port`; `none`: mails only reach outbox/. */
  readonly smtp: string;
  readonly username: string;
  /** The private key; null: the account's usual ones. */
  readonly key: string | null;
  /**
   * Names with commas, as `name=address` if neither ssh_config nor DNS knows a name, each with `:port` if it is not the
   * usual one; `local`; or a file *.xml.
   */
  readonly clients: string;
}

/** Returns a config.xml with these answers and no more. Throws FleetError `usage` if no machine is named. */
export function firstConfig({ mailTo, smtp, username, key, clients }: FirstAnswers): string {
  const login = element('ssh', { username, privateKey: key });
  const [host = '', port = null] = /^(.*):(\d+)$/.exec(smtp)?.slice(1) ?? [smtp];
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- Made by fleet-health init. config.xml of the package shows all there is; fleet-health check names faults. -->
<config>
  <!-- Who is notified of all clients, and of the fleet. -->
  <alerts>
${words(mailTo)
  .map((to) => `    ${element('mail', { to })}`)
  .join('\n')}
  </alerts>
${smtp === 'none' ? '  <!-- No mail server: mails lie in outbox/ of the state folder. -->' : `  ${element('smtp', { host, port, from: senderFor(mailTo) })}`}
  ${login}
${clientElements(clients)
  .map((line) => `  ${line}`)
  .join('\n')}
</config>
`;
}

/** Returns a sender at the domain of the first recipient, which its mail server knows. */
function senderFor(mailTo: string): string {
  const domain = /@([^@<>\s,]+)/.exec(mailTo)?.[1];
  return domain === undefined ? sender() : `fleet-health@${domain}`;
}

function clientElements(clients: string): readonly string[] {
  const named = words(clients);
  if (named.length === 0) throw usageError('no machine is named');
  return named.map((word) => {
    if (word.endsWith('.xml')) return element('include', { file: word });
    if (word === 'local') return element('client', { name: 'local', ip: '127.0.0.1', transport: 'local' });
    // A port follows a name, an IPv4 address, or an IPv6 address in brackets.
    const [, place = word, port = null] = /^([^:]+|[^:]*\[.*\]):(\d+)$/.exec(word) ?? [];
    const [name = '', ip = isName(name) ? null : name] = place.split('=');
    return element('client', { name, ip: ip?.replace(/^\[(.*:.*)\]$/, '$1') ?? null, port });
  });
}

/**
 * True if `ssh NAME` may reach the machine: an alias of ssh_config or a name of DNS has no address in config.xml.
 * Anything else is written as an address, whose faults are named with their cure.
 */
function isName(word: string): boolean {
  return isIP(word) === 0 && hostFault(word.replace(/\[[^\]]*\]/g, '1')) === null;
}

function words(text: string): readonly string[] {
  return text.split(/[,\s]+/).filter((word) => word !== '');
}

function element(name: string, attributes: Readonly<Record<string, string | null>>): string {
  const written = Object.entries(attributes).filter(([, value]) => value !== null);
  return `<${name}${written.map(([key, value]) => ` ${key}="${escapeMarkup(value ?? '')}"`).join('')}/>`;
}
