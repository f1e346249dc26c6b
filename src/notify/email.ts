import type { SmtpConfig } from '../config/config.ts';
import { FleetError } from '../errors.ts';
import { mailTimeouts, type AttemptOptions, type Channel } from './notify.ts';
import { addressOf } from './mail-identity.ts';
import { openSmtpSession, type SmtpSession } from './smtp-session.ts';

/** The connection is at fault, not the mails, if it breaks at so many mails in a row. */
const maxBreaks = 2;

/**
 * Connects to the mail server, logs in where credentials are given, and leaves without sending anything. Throws
 * FleetError `mail-refused`, `mail-unavailable`, `secret-missing`, or the signal's reason.
 */
export async function verifyMailServer(smtp: SmtpConfig, options: AttemptOptions): Promise<void> {
  const session = await openSmtpSession(smtp, options);
  session.close();
}

/** Sends mails over SMTP with one connection, which is opened with the first mail and again after it broke. */
export function createEmailChannel(smtp: SmtpConfig, timeouts = mailTimeouts): Channel {
  let session: SmtpSession | null = null;
  let breaks = 0;
  const from = addressOf(smtp.from);
  return {
    ...timeouts,
    name: `${smtp.host}:${smtp.port}`,
    send: async ({ recipient, content }, options) => {
      const endsAtMs = performance.now() + timeouts.timeoutMs;
      if (session?.usable() === false) {
        session.close();
        session = null;
      }
      session ??= await openForMail(smtp, { ...timeouts, ...options });
      const timeoutMs = Math.max(1, endsAtMs - performance.now());
      try {
        await session.send({ from, to: addressOf(recipient) }, content, { ...timeouts, ...options, timeoutMs });
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

/** Opens a session for a mail. A refused login concerns all mails: they wait until the configuration is mended. */
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
