/** src/config/values: one parser for each kind of value. */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/**
 * Returns what is wrong with the address of a machine (IPv4, IPv6 without brackets, or a host name), or null for a
 * valid address. The text continues a sentence that begins with the value.
 */
export function hostFault(host: string): string | null {
  // Most addresses are names; V8 takes 6 ms to compile the expressions by which Node recognises IPv6 addresses.
  if (isAsciiHost(host) && !/^[\d.]+$/.test(host)) return null;
  if (isIP(host) !== 0) return null;
  if (/^\[.*\]$/.test(host)) return `must be without brackets; write ${host.slice(1, -1)}`;
  if (/^[\d.]+$/.test(host)) return 'is no IPv4 address; four numbers from 0 to 255 are';
  const [, inner = '', port = ''] = /^\[(.*)\]:(\d+)$/.exec(host) ?? [];
  if (isIP(inner) === 6) return `has a port; write ${inner}, and the port as port="${port}"`;
  if (isIP(host.split('/', 1)[0] ?? '') !== 0) {
    return 'is a network; write one address, or a range such as 192.0.2.[1-254]';
  }
  if (host.includes('://') || host.includes('/'))
    return 'is no host name; write the name alone, without a scheme or path';
  if (/^[^:]+:\d+$/.test(host)) return 'is no host name; write the port as port="..."';
  if (/^[^@]*@/.test(host)) return 'is no host name; write the user as username="..."';
  // The host may be a secret by mistake, which is not quoted: domainToASCII would also decode `%41`.
  const ascii = /\P{ASCII}/u.test(host) && !host.includes('%') ? domainToASCII(host) : '';
  if (ascii !== '' && isAsciiHost(ascii)) return `has letters beyond ASCII; write ${ascii}`;
  return 'is no IP address or host name; letters, digits, dots and hyphens make one';
}

function isAsciiHost(host: string): boolean {
  return host.length <= 253 && host.split('.').every(isLabel);
}

/**
 * Returns what is wrong with the name by which a mail server is greeted, or null for a valid one: a name with a dot in
 * letters, digits and hyphens, which every server takes (RFC 5321, section 4.1.1.1), or an address.
 */
export function greetingFault(name: string): string | null {
  const fault = hostFault(name);
  if (fault !== null || isIP(name) !== 0) return fault;
  if (/^[A-Za-z0-9.-]+\.[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9-]*$/.test(name)) return null;
  return 'is no full name of this machine; write it with its domain, like monitor.example.org';
}

function isLabel(label: string, index: number, labels: readonly string[]): boolean {
  const rootDot = label === '' && index > 0 && index === labels.length - 1;
  return rootDot || /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label);
}

/** Returns what is wrong with a link-local IPv6 address that names no interface; null for any other address. */
export function zoneFault(address: string): string | null {
  if (!/^fe[89ab][\da-f]:[\da-f:.]*$/i.test(address)) return null;
  return `${address} is a link-local address, which names no interface`;
}

/** The remedy for such an address. */
export const zoneAdvice = 'Write it with the interface of this machine, as fe80::1%eth0.';

interface AddressPatterns {
  readonly local: RegExp;
  readonly domain: RegExp;
}

function addressPatterns(alphanumeric: string): AddressPatterns {
  const label = `[${alphanumeric}](?:[${alphanumeric}-]{0,61}[${alphanumeric}])?`;
  const marks = "!#$%&'*+/=?^_`{|}~";
  return {
    local: new RegExp(`^[${alphanumeric}${marks}][${alphanumeric}.${marks}-]*$`, 'u'),
    domain: new RegExp(`^(?=.{1,253}$)${label}(?:\\.${label})*$`, 'u'),
  };
}

const asciiPatterns = addressPatterns('A-Za-z0-9');
// V8 takes milliseconds to compile the letters of every script, so the patterns are made at the first use.
let widePatterns: AddressPatterns | null = null;

/**
 * True if a text is one bare mail address: a subset of RFC 5321 without quoted local parts, comments and address
 * literals. A local part may be longer than 64 bytes, as those are that services give for replies. No line break,
 * comma, bracket or option of a command can hide in such an address.
 */
export function isMailAddress(text: string): boolean {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  if (Buffer.byteLength(text) > 254) return false;
  if (local.endsWith('.') || local.includes('..')) return false;
  const matches = ({ local: atom, domain }: AddressPatterns): boolean =>
    atom.test(local) && domain.test(text.slice(at + 1));
  return matches(asciiPatterns) || matches((widePatterns ??= addressPatterns('\\p{L}\\p{N}')));
}

/** Returns the addresses between commas, or null if there are none or one is invalid. */
export function parseMailAddresses(text: string): readonly string[] | null {
  const parts = text.split(',').map((part) => part.trim());
  return parts.every(isMailAddress) ? parts : null;
}

/**
 * True if a text is a sender: a bare address, or `Name <address>` with a name that has no special characters of
 * headers.
 */
export function isSender(text: string): boolean {
  if (isMailAddress(text)) return true;
  const named = /^([^<>"\\,;:@\p{C}]{0,120}|"[^<>"\\\p{C}]{0,120}")\s*<([^<>]*)>$/u.exec(text);
  return named !== null && isMailAddress(named[2] ?? '');
}
