import { domainToASCII } from 'node:url';

import type { SmtpConfig } from '../config/config.ts';
import { FleetError } from '../errors.ts';
import type { AttemptOptions, Notifier } from './notify.ts';
import { openSmtpSession } from './smtp-session.ts';
import type { SmtpSession } from './smtp-session.ts';

/** Two mails in a row at which the connection broke off: then it is not the mails. */
const maxBreaks = 2;

/**
 * Connects to the mail server, logs in where credentials are given, and leaves without sending anything. Throws
 * FleetError `mail-refused`, `mail-unavailable`, `secret-missing`, or the signal's reason.
 */
export async function verifyMailServer(smtp: SmtpConfig, options: AttemptOptions): Promise<void> {
  const session = await openSmtpSession(smtp, options);
  session.close();
}

/** Mails over SMTP, one connection for all of them, opened with the first and again after it broke. */
export function createEmailNotifier(smtp: SmtpConfig): Notifier {
  let session: SmtpSession | null = null;
  let breaks = 0;
  const from = addressOf(smtp.from);
  return {
    send: async ({ recipient, content }, options) => {
      const endsAtMs = performance.now() + options.timeoutMs;
      if (session?.usable() === false) {
        session.close();
        session = null;
      }
      session ??= await openForMail(smtp, options);
      const timeoutMs = Math.max(1, endsAtMs - performance.now());
      try {
        await session.send({ from, to: addressOf(recipient) }, content, { ...options, timeoutMs });
        breaks = 0;
      } catch (thrown) {
        breaks = session.usable() ? 0 : breaks + 1;
        throw breaks < maxBreaks ? thrown : asFaultOfServer(thrown);
      }
    },
    close: () => {
      session?.close();
      session = null;
    },
  };
}

/** A server that refuses the login has said nothing about the mail: it waits until the configuration is mended. */
async function openForMail(smtp: SmtpConfig, options: AttemptOptions): Promise<SmtpSession> {
  try {
    return await openSmtpSession(smtp, options);
  } catch (thrown) {
    if (!(thrown instanceof FleetError) || thrown.code !== 'mail-refused') throw thrown;
    const { message, advice, stage } = thrown;
    throw new FleetError({ code: 'mail-unavailable', stage, message, advice });
  }
}

function asFaultOfServer(thrown: unknown): unknown {
  if (!(thrown instanceof FleetError) || thrown.code !== 'mail-unavailable' || thrown.stage !== 'mail') return thrown;
  const { code, message, advice } = thrown;
  return new FleetError({ code, stage: 'connect', message, advice });
}

/**
 * The address of `Name <address>`, or of the address alone, with its domain as DNS has it (RFC 5890). Configured addresses
 * were checked when they were read.
 */
export function addressOf(mailbox: string): string {
  const address = /<([^<>]*)>\s*$/.exec(mailbox)?.[1] ?? mailbox.trim();
  const at = address.lastIndexOf('@');
  const domain = domainToASCII(address.slice(at + 1));
  return at < 0 || domain === '' ? address : `${address.slice(0, at)}@${domain}`;
}
