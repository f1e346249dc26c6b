import type { SmtpConfig } from '../config/config.ts';
import { FleetError } from '../errors.ts';
import type { AttemptOptions, Notifier } from './notify.ts';
import { openSmtpSession } from './smtp-session.ts';
import type { SmtpSession } from './smtp-session.ts';

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
  const from = addressOf(smtp.from);
  return {
    send: async ({ recipient, content }, options) => {
      if (session !== null && !session.usable()) {
        session.close();
        session = null;
      }
      session ??= await openForMail(smtp, options);
      await session.send({ from, to: addressOf(recipient) }, content, options);
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
    const { message, advice } = thrown;
    throw new FleetError({ code: 'mail-unavailable', stage: 'mail', message, advice, cause: thrown });
  }
}

/** The address of `Name <address>`, or of the address alone. Configured addresses were checked when they were read. */
export function addressOf(mailbox: string): string {
  return /<([^<>]*)>\s*$/.exec(mailbox)?.[1] ?? mailbox.trim();
}
