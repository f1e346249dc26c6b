import type { SmtpConfig } from '../config/config.ts';
import { FleetError } from '../errors.ts';
import { mailTimeouts, type AttemptOptions, type Channel } from './notify.ts';
import { namedUpTo } from '../text/numbers.ts';
import { addressOf } from './mail-identity.ts';
import { openSmtpSession, type SmtpSession } from './smtp-session.ts';

/** If a connection breaks at this many mails in a row, the connection is at fault and not the mails. */
const maxBreaks = 2;

/**
 * Connects to the mail server, logs in if there are credentials, and disconnects without a mail. Throws FleetError
 * `mail-refused`, also for addresses that the server cannot take, `mail-unavailable`, `secret-missing`, or the signal's
 * reason.
 */
export async function verifyMailServer(
  smtp: SmtpConfig,
  options: AttemptOptions,
  addresses: readonly string[] = [],
): Promise<void> {
  const session = await openSmtpSession(smtp, options);
  session.close();
  // Domains are written in ASCII, but the part before the @ cannot be.
  const foreign = [smtp.from, ...addresses].map(addressOf).filter((address) => /[^\x20-\x7e]/.test(address));
  if (session.takesUtf8 || foreign.length === 0) return;
  throw new FleetError({
    code: 'mail-refused',
    stage: 'mail',
    message: `${smtp.host}:${smtp.port} takes no address that is not ASCII (SMTPUTF8): ${namedUpTo(5, foreign)}`,
    advice: 'Name an ASCII address of the same person, or a mail server that offers SMTPUTF8.',
  });
}

/**
 * Creates a channel that sends mails over one SMTP connection. The first mail opens the connection; after a break, the
 * next mail opens it again.
 */
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

/**
 * Opens a session for a mail. Reports a refused login as `mail-unavailable`: all mails wait until the configuration is
 * corrected.
 */
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
