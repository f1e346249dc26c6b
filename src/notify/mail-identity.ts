/** Senders, recipients and ids of mails. */
import { createHash } from 'node:crypto';
import { domainToASCII } from 'node:url';

import type { Config } from '../config/config.ts';
import { sender } from '../config/settings/mail-settings.ts';
import { nameIfKind } from '../config/values/recipient-kinds.ts';

/** The beginning of the subject of every canary. Mail servers find words of a subject quickly. */
export const canarySubject = 'Fleet Health canary';
/** The beginning of the Message-ID of every canary, before its token. */
export const canaryMark = 'canary-';

/** True if a recipient is an address and there is no <smtp>: mails are written to files, and nobody is sent them. */
export function isWrittenOnly({ smtp }: Pick<Config, 'smtp'>, recipient: string): boolean {
  return smtp === null && nameIfKind('mail', recipient) !== null;
}

/** Returns the sender of all mails: an address, or `Name <address>`. */
export function senderOf({ smtp }: Pick<Config, 'smtp'>): string {
  return smtp?.from ?? sender();
}

/**
 * Returns the address of `Name <address>` or of an address alone, with its domain as in DNS (RFC 5890). Configured
 * addresses were checked when config.xml was read.
 */
export function addressOf(mailbox: string): string {
  const address = /<([^<>]*)>\s*$/.exec(mailbox)?.[1] ?? mailbox.trim();
  const at = address.lastIndexOf('@');
  const domain = domainToASCII(address.slice(at + 1));
  return at < 0 || domain === '' ? address : `${address.slice(0, at)}@${domain}`;
}

/** Returns the domain of a sender in ASCII. */
export function domainOf(from: string): string {
  const address = addressOf(from);
  return domainToASCII(address.slice(address.lastIndexOf('@') + 1)) || 'localhost';
}

/** Returns a digest of words in hexadecimal. The same words give the same digest. */
export function digestOf(words: readonly (string | number | null)[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('hex');
}
