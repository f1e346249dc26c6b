/** Senders, recipients and ids of mails. */
import { createHash } from 'node:crypto';
import { domainToASCII } from 'node:url';

import type { Config } from '../config/config.ts';
import { webhookOfRecipient } from '../config/clients/recipients.ts';
import { sender } from '../config/settings/mail-settings.ts';

const commandMark = '|';
/** The beginning of the subject of every canary. Mail servers find words of a subject quickly. */
export const canarySubject = 'Fleet Health canary';
/** The beginning of the Message-ID of every canary, before its token. */
export const canaryMark = 'canary-';

/**
 * Returns the recipient for a <notify>. Each command has its own recipient, so that its refusals delay no other mails.
 */
export function recipientOfCommand(command: string): string {
  return `${commandMark}${command}`;
}

/** Returns the command of a recipient, or null if the recipient is an address. */
export function commandOfRecipient(recipient: string): string | null {
  return recipient.startsWith(commandMark) ? recipient.slice(commandMark.length) : null;
}

/** True if a recipient is an address and there is no <smtp>: mails are written to files, and nobody is sent them. */
export function isWrittenOnly({ smtp }: Pick<Config, 'smtp'>, recipient: string): boolean {
  return smtp === null && addresseeOf(recipient) !== null;
}

/** Returns the address that a mail names as its recipient, or null for a command and a webhook. */
export function addresseeOf(recipient: string): string | null {
  return commandOfRecipient(recipient) === null && webhookOfRecipient(recipient) === null ? recipient : null;
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
