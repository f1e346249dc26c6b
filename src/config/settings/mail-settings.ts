import { clientSelector } from '../values/client-selector.ts';
import { hostname } from 'node:os';

import { isMailAddress } from '../values/addresses.ts';
import { parseClock } from '../values/calendar.ts';
import type { CanaryConfig, NotifyConfig, RepliesConfig, ServeConfig, Severity, SmtpConfig } from '../config.ts';
import { recipientOf } from '../values/recipient-kinds.ts';
import { splitGlobs } from '../values/globs.ts';
import { parseImapUrl } from '../values/imap-url.ts';
import { localPath } from '../xml/local-path.ts';
import { isThisMachine } from '../values/is-this-machine.ts';
import type { Element } from '../xml/parse-elements.ts';
import { parseDuration } from '../../text/durations.ts';
import type { Findings } from '../xml/findings.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import { readSecret, type ReadContext } from './read-secret.ts';
import { readProxy } from './webhook-settings.ts';

const ports = { none: 25, starttls: 587, tls: 465 } as const;

/** Reads `<smtp>`. Returns null if the element is missing or names no host. */
export function readSmtp(element: Element | null, context: ReadContext): SmtpConfig | null {
  if (element === null) return null;
  const { findings } = context;
  const {
    host,
    port,
    security: written,
    username,
    from,
    helo,
    ca,
    verify,
    fallback,
    maxMailsPerHour,
  } = element.attributes;
  const password = readSecret(element, 'password', context) ?? null;
  if (host?.includes('[') === true) findings.fault(element, '<smtp> host has a range; there is one mail server');
  const local = host !== undefined && isThisMachine(host);
  const usual = port === '465' ? 'tls' : local ? 'none' : 'starttls';
  const security = (written as keyof typeof ports | undefined) ?? usual;
  if (!element.faulty) {
    if (from === undefined) {
      const message = `<smtp> has no from; mails come from ${sender()}, which many servers refuse; write from="..."`;
      findings.warn(element, message);
    }
    if (username !== undefined && password === null) {
      findings.fault(element, '<smtp> has a username but no password; add passwordFile="..." or passwordEnv="..."');
    }
    if (username === undefined && password !== null)
      findings.fault(element, '<smtp> has a password but no username; add it');
    if (security === 'none' && password !== null && !local) {
      findings.warn(element, '<smtp> sends the password without encryption; write security="starttls" or "tls"');
    }
    if (security === 'none' && (ca !== undefined || verify !== undefined)) {
      findings.fault(element, '<smtp> has ca or verify but no encryption; write security="starttls" or "tls"');
    }
  }
  if (host === undefined) return null;
  return {
    host,
    port: port === undefined ? ports[security] : Number(port),
    security,
    username: username ?? null,
    password,
    from: from ?? sender(),
    helo: helo ?? null,
    ca: ca === undefined ? null : localPath(ca, element.source),
    verify: verify !== 'no',
    proxy: readProxy(element, context) ?? 'none',
    fallback: fallback === undefined || fallback === 'none' ? null : fallback,
    maxMailsPerHour: Number(maxMailsPerHour ?? '12'),
  };
}

/** The length of `+TOKEN` in characters. */
const tokenChars = 25;
/** The most characters before the @ (RFC 5321, section 4.5.3.1.1). */
const maxLocalChars = 64;

/** Reads the mailbox of `<replies>`. Returns null if there is none. */
export function readReplies(
  element: Element | null,
  smtp: SmtpConfig | null,
  context: ReadContext,
): RepliesConfig | null {
  const { imap = '', address: written, ca, links } = element?.attributes ?? {};
  const url = parseImapUrl(imap);
  const { findings } = context;
  if (element !== null && imap === '' && links !== 'yes' && !element.faulty) {
    findings.fault(element, '<replies> has no imap; add imap="imaps://..." or links="yes" (docs/mail.md)');
  }
  if (element === null || url === null) return null;
  const password = readSecret(element, 'password', context) ?? null;
  if (password === null && !element.faulty) {
    findings.fault(element, '<replies> has no password; add passwordFile="..." or passwordEnv="..."');
  }
  const { host, port, username, mailbox } = url;
  const security = url.implicit ? 'tls' : isThisMachine(host) ? 'none' : 'starttls';
  if (security === 'none' && ca !== undefined) {
    findings.fault(element, '<replies> has ca but no encryption; write imaps://');
  }
  const domain = /@([^@<>]+)>?\s*$/.exec(smtp?.from ?? sender())?.[1] ?? '';
  const address = written ?? (username.includes('@') ? username : `${username}@${domain}`);
  if (!isMailAddress(address) || address.lastIndexOf('@') + tokenChars > maxLocalChars) {
    findings.fault(element, `<replies> has no usable mail address (${address}); write address="fleet@example.org"`);
  }
  if (password === null) return null;
  return {
    ...{ host, port, security, username, password, mailbox, address },
    ca: ca === undefined ? null : localPath(ca, element.source),
  };
}

/** Returns the address of the pages that answer mails by `<replies links>`; null if there are none. */
export function readReplyLinks(
  element: Element | null,
  serve: ServeConfig | null,
  { findings }: ReadContext,
): string | null {
  if (element === null || element.attributes['links'] !== 'yes') return null;
  const { url = null } = serve ?? {};
  if (url === null) {
    findings.fault(element, '<replies> has links but no page; add url="https://fleet.example.org/" to <serve>');
  } else if (url.startsWith('http:') && !isThisMachine(new URL(url).hostname)) {
    findings.fault(element, `<replies> would send the tokens of links in clear to ${url}; write https:// there`);
  }
  return url;
}

const shortestCanaryMs = 2 * hourMs;
const longestCanaryMs = 7 * dayMs;
const usualCanaryMinute = 4 * 60 + 10;

/** Reads `<canary>`. Returns null if the element is missing or faulty. */
export function readCanary(
  element: Element | null,
  { smtp, replies }: { readonly smtp: Element | null; readonly replies: Element | null },
  { findings }: ReadContext,
): CanaryConfig | null {
  const { to, every = '1d', at = '' } = element?.attributes ?? {};
  if (element === null || to === undefined) return null;
  const everyMs = parseDuration(every) ?? dayMs;
  const isEven = dayMs % everyMs === 0 || everyMs % dayMs === 0;
  const mailbox = 'needs the mailbox to which its mails come back; write <replies imap="imaps://..."/> (docs/mail.md)';
  if (smtp === null) findings.fault(element, '<canary> needs a mail server; write <smtp host="..." from="..."/>');
  if (replies?.attributes['imap'] === undefined) findings.fault(element, `<canary> ${mailbox}`);
  if (everyMs < shortestCanaryMs || everyMs > longestCanaryMs || !isEven) {
    findings.fault(element, `<canary> every="${every}" is neither 2h, 3h, 4h, 6h, 8h or 12h, nor 1d to 7d`);
  }
  return { to, everyMs, atMinute: parseClock(at) ?? usualCanaryMinute };
}

/** Reads every `<notify>`. */
export function readNotify(elements: readonly Element[], findings: Findings): readonly NotifyConfig[] {
  return elements.flatMap((element) => {
    const { command, rules, timeout } = element.attributes;
    if (command === undefined) return [];
    const selects = clientSelector(element.attributes);
    const timeoutMs = parseDuration(timeout ?? '') ?? 30_000;
    const entry = { ...readUrgency(element, findings), rules: splitGlobs(rules ?? ''), hours: null };
    return [{ to: recipientOf('command', command), ...entry, command, timeoutMs, selects }];
  });
}

/** Reads the least severity of a recipient, and `after`, which is about critical alerts alone. */
export function readUrgency(
  element: Element,
  findings: Findings,
): { readonly severity: Severity | null; readonly afterMs: number | null } {
  const { severity, after } = element.attributes;
  if (after === undefined) return { severity: severityOf(severity), afterMs: null };
  const afterMs = parseDuration(after) ?? 0;
  const name = `<${element.name}> after="${after}"`;
  if (afterMs < minuteMs || afterMs > dayMs) findings.fault(element, `${name} is not between 1m and 1d`);
  if (severity === 'warning')
    findings.fault(element, `${name} is about critical alerts alone; remove severity="warning"`);
  return { severity: 'critical', afterMs };
}

/** Returns the severity that an attribute names; null if the attribute is missing. */
export function severityOf(text: string | undefined): Severity | null {
  return text === 'warning' || text === 'critical' ? text : null;
}

/** Returns the sender if config.xml names none: fleet-health at this machine's host name. */
export function sender(): string {
  const address = `fleet-health@${hostname()}`;
  return isMailAddress(address) ? address : 'fleet-health@localhost';
}
