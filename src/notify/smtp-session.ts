import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';

import type { SmtpConfig } from '../config/config.ts';
import { FleetError, messageOf } from '../errors.ts';
import { SMTPConnection } from './nodemailer.ts';
import type { AttemptOptions, SendOptions } from './notify.ts';

/** One connection to a mail server, logged in where credentials are given. */
export interface SmtpSession {
  /** Hands over one mail to one recipient (RFC 5321). Throws FleetError `mail-refused`, `mail-unavailable`. */
  send(envelope: Envelope, content: string, options: SendOptions): Promise<void>;
  /** False after a fault that may have left the conversation anywhere. */
  usable(): boolean;
  /** Says QUIT and ends the connection. Never throws. */
  close(): void;
}

export interface Envelope {
  readonly from: string;
  readonly to: string;
}

/** Connects and logs in. Throws FleetError `mail-refused`, `mail-unavailable`, `secret-missing`, or the signal's reason. */
export async function openSmtpSession(smtp: SmtpConfig, options: AttemptOptions): Promise<SmtpSession> {
  const { timeoutMs, signal } = options;
  signal.throwIfAborted();
  const password = smtp.password?.reveal() ?? '';
  const connection = new SMTPConnection({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.security === 'tls',
    requireTLS: smtp.security === 'starttls',
    ignoreTLS: smtp.security === 'none',
    tls: { rejectUnauthorized: smtp.verify, ...(smtp.ca === null ? {} : { ca: readFileSync(smtp.ca) }) },
    dnsTimeout: timeoutMs,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    maxResponseSize: 64 * 1024,
  });
  const state = { broken: false };
  // A connection that breaks between two commands tells nobody else.
  connection.on('error', () => (state.broken = true));
  connection.once('end', () => (state.broken = true));
  const step = <T>(limits: AttemptOptions, work: (done: (error: unknown, value?: T) => void) => void): Promise<T> =>
    withinLimits(limits, connection, work).catch((thrown: unknown) => {
      if (!isReply(thrown)) state.broken = true;
      if (thrown instanceof FleetError) throw thrown;
      limits.signal.throwIfAborted();
      throw faultOf(smtp, thrown);
    });
  try {
    await step<undefined>(options, (done) => connection.connect((error) => done(error)));
    if (smtp.username !== null) {
      const auth = { credentials: { user: smtp.username, pass: password } };
      await step<unknown>(options, (done) => connection.login(auth, done));
    }
  } catch (thrown) {
    connection.close();
    throw thrown;
  }

  return {
    usable: () => !state.broken,
    send: async ({ from, to }, content, limits) => {
      let begun: unknown = null;
      // Read once the server has answered DATA with 354, so what happens here comes before the content's first byte.
      const body = Readable.from(
        (async function* () {
          try {
            await limits.onDataBegun();
          } catch (thrown) {
            begun = thrown;
            throw thrown;
          }
          yield content;
        })(),
        { objectMode: false },
      );
      const size = Buffer.byteLength(content);
      const use8BitMime = size !== content.length;
      try {
        await step(limits, (done) => connection.send({ from, to: [to], size, use8BitMime }, body, done));
      } catch (thrown) {
        if (begun !== null) {
          state.broken = true;
          connection.close();
          throw begun as Error;
        }
        if (!state.broken) await reset(connection, state, limits);
        throw thrown;
      }
    },
    close: () => {
      if (state.broken) connection.close();
      else connection.quit();
    },
  };
}

/** After a refusal, so that the next mail begins anew. A server that does not even take that is done with. */
async function reset(connection: SMTPConnection, state: { broken: boolean }, limits: AttemptOptions): Promise<void> {
  try {
    await withinLimits<unknown>(limits, connection, (done) => connection.reset(done));
  } catch {
    state.broken = true;
    connection.close();
  }
}

/** One step of the conversation, ended by deadline or signal: then the connection is closed, whatever it was at. */
function withinLimits<T>(
  { timeoutMs, signal }: AttemptOptions,
  connection: SMTPConnection,
  work: (done: (error: unknown, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const giveUp = (why: Error): void => {
      connection.close();
      end(() => reject(why));
    };
    const timer = setTimeout(() => giveUp(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    const onAbort = (): void => giveUp(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    const onError = (error: unknown): void => end(() => reject(error));
    connection.once('error', onError);
    work((error, value) => {
      connection.removeListener('error', onError);
      end(() => (error ? reject(error) : resolve(value as T)));
    });
  });
}

interface SmtpError {
  readonly code?: unknown;
  readonly responseCode?: unknown;
}

/** Whether the server answered, and so still listens, as opposed to a connection that broke. */
function isReply(thrown: unknown): boolean {
  const { code, responseCode } = thrown as SmtpError;
  return typeof responseCode === 'number' && responseCode !== 421 && (code === 'EENVELOPE' || code === 'EMESSAGE');
}

/** 5yz is for good (RFC 5321, section 4.2.1), everything else may pass. */
function faultOf(smtp: SmtpConfig, thrown: unknown): FleetError {
  const { code, responseCode } = thrown as SmtpError;
  const forGood = typeof responseCode === 'number' ? responseCode >= 500 : code === 'EAUTH';
  return new FleetError({
    code: forGood ? 'mail-refused' : 'mail-unavailable',
    stage: 'mail',
    message: `mail server ${smtp.host}:${smtp.port}: ${messageOf(thrown)}`,
    cause: thrown,
  });
}
