import { once } from 'node:events';
import { type Socket, connect, isIP } from 'node:net';
import { Readable } from 'node:stream';
import type { SmtpConfig } from '../config/config.ts';
import { FleetError, messageOf } from '../platform/errors/errors.ts';
import { readAuthority } from '../platform/read-named-file.ts';
import { dayMs } from '../platform/units.ts';
import { openTunnel } from './http/dial-url.ts';
import { proxyFor } from './http/proxy.ts';
import { SMTPConnection } from './nodemailer.ts';
import {
  type AttemptOptions,
  type Channel,
  type ChannelTimeouts,
  type SendOptions,
  TryLater,
  mailTimeouts,
} from './notify.ts';
import { namedUpTo } from '../text/numbers.ts';
import { addressOf } from './mail-identity.ts';
import { type SmtpPhase, isAnswer, smtpFault } from './smtp-fault.ts';
import { greetedAs, smtpGreeting } from './smtp-greeting.ts';
import { type Clock, asError, within } from './within.ts';

/** If connections break at mails to this many recipients in a row, the server is at fault and not the mails. */
const maxBroken = 2;

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
  /** The recipients of the mails at which the last connections broke. */
  const broken = new Set<string>();
  const from = addressOf(smtp.from);
  return {
    ...timeouts,
    name: `${smtp.host}:${smtp.port}`,
    send: async ({ recipient, content }, options) => {
      const endsAtMs = performance.now() + timeouts.timeoutMs;
      const leftMs = (): number => Math.max(1, endsAtMs - performance.now());
      const hangUp = (): void => {
        session?.close();
        session = null;
      };
      let isBegun = false;
      const onDataBegun = async (): Promise<void> => {
        isBegun = true;
        await options.onDataBegun();
      };
      const hand = async (): Promise<void> => {
        session ??= await openForMail(smtp, { ...timeouts, ...options, timeoutMs: leftMs() });
        const limits = { ...timeouts, ...options, onDataBegun, timeoutMs: leftMs() };
        await session.send({ from, to: addressOf(recipient) }, content, limits);
      };
      if (session?.usable() === false) hangUp();
      const isReused = session !== null;
      try {
        await hand().catch((thrown: unknown) => {
          // Many servers take so many mails on a connection, and then end it, or refuse.
          if (!isReused || isBegun || !(thrown instanceof TryLater) || thrown.stage !== 'connect') throw thrown;
          hangUp();
          return hand();
        });
        broken.clear();
      } catch (thrown) {
        if (session === null) throw thrown;
        if (session.usable()) broken.clear();
        else broken.add(recipient);
        throw broken.size < maxBroken ? thrown : asFaultOfServer(thrown);
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

/** A connection to a mail server, logged in if credentials are given. */
interface SmtpSession {
  /** Sends one mail to one recipient (RFC 5321). Throws FleetError `mail-refused`, `mail-unavailable`. */
  send(envelope: Envelope, content: string, options: SessionSendOptions): Promise<void>;
  /** True if the server takes addresses that are not ASCII (SMTPUTF8, RFC 6531). */
  readonly takesUtf8: boolean;
  /** True if the state of the conversation is known. A fault may leave the state unknown. */
  usable(): boolean;
  /** Sends QUIT and ends the connection. Never throws. */
  close(): void;
}

type SessionSendOptions = SendOptions & ChannelTimeouts;

interface Envelope {
  readonly from: string;
  readonly to: string;
}

const resetTimeoutMs = 5_000;
const farewellMs = 1_000;
/** The most bytes of a reply; real replies are far shorter. */
const maxReplyBytes = 64 * 1024;
/** A timeout longer than any deadline: within.ts ends an attempt that takes too long. */
const neverMs = dayMs;

/**
 * Connects and logs in. Throws FleetError `mail-refused`, `mail-unavailable`, `secret-missing`, or the signal's reason.
 */
async function openSmtpSession(smtp: SmtpConfig, options: AttemptOptions): Promise<SmtpSession> {
  options.signal.throwIfAborted();
  const credentials = smtp.username === null ? null : { user: smtp.username, pass: smtp.password?.reveal() ?? '' };
  const secrets = credentials === null ? [] : shapesOf(credentials);
  const proxy = proxyOf(smtp);
  // Without a proxy nothing is awaited here: the socket may fail before it has a listener.
  const dialled = proxy === null ? dialSmtp(smtp, options.timeoutMs) : await dialThrough(proxy, smtp, options);
  const { connection, socket, leftMs: timeoutMs } = dialled;
  const line: Line = { connection, broken: false };
  // A break between two commands has no other listener.
  connection.on('error', () => (line.broken = true));
  connection.once('end', () => (line.broken = true));
  let phase: SmtpPhase = 'connect';
  let takesUtf8 = false;
  const hangUp = (): void => {
    line.broken = true;
    connection.close();
    socket.destroy();
  };
  const faultOf = (thrown: unknown): Error =>
    thrown instanceof FleetError ? thrown : smtpFault({ smtp, phase, secrets, greeting: connection.name, thrown });
  try {
    await within({ ...options, timeoutMs }, hangUp, async (clock) => {
      await greetServer(smtp, dialled, clock);
      takesUtf8 = /[ -]SMTPUTF8\b/im.test(String(connection.lastServerResponse));
      if (credentials === null) return;
      phase = 'login';
      clock.now('logging in');
      // The library promises the requested encryption; before a password is sent, it is checked again.
      if (smtp.security !== 'none' && !connection.secure) throw new Error('the connection is not encrypted');
      await ask<unknown>(connection, (done) => connection.login({ credentials }, done));
    });
  } catch (thrown) {
    hangUp();
    options.signal.throwIfAborted();
    throw faultOf(thrown);
  }
  phase = 'mail';

  return {
    takesUtf8,
    usable: () => !line.broken,
    send: async (envelope, content, limits) => {
      const begun: { failed: Error | null } = { failed: null };
      try {
        await within(limits, hangUp, (clock) => handOver(line, { envelope, content, limits, clock, begun }));
      } catch (thrown) {
        if (begun.failed !== null || !isAnswer(thrown)) hangUp();
        else if (!line.broken) await reset(line, limits.signal, hangUp);
        if (begun.failed !== null) throw begun.failed;
        limits.signal.throwIfAborted();
        throw faultOf(thrown);
      }
    },
    close: () => {
      if (line.broken) hangUp();
      else sayGoodbye(connection, hangUp);
    },
  };
}

interface Line {
  readonly connection: SMTPConnection;
  broken: boolean;
}

interface HandOver {
  readonly envelope: Envelope;
  readonly content: string;
  readonly limits: SessionSendOptions;
  readonly clock: Clock;
  /** The error of `onDataBegun`. */
  readonly begun: { failed: Error | null };
}

async function handOver({ connection }: Line, { envelope, content, limits, clock, begun }: HandOver): Promise<void> {
  clock.now('handing over a mail');
  // The body is read after the server's 354 reply to DATA, so this code runs before the content's first byte.
  const body = Readable.from(
    (async function* () {
      clock.pause();
      try {
        await limits.onDataBegun();
      } catch (thrown) {
        begun.failed = asError(thrown);
        // A different error, because nodemailer writes its own code into an error of a stream.
        throw new Error('not begun', { cause: thrown });
      }
      clock.now('waiting for a mail to be taken', limits.answerTimeoutMs);
      yield Buffer.from(content);
    })(),
    { objectMode: false },
  );
  const size = Buffer.byteLength(content);
  const { from, to } = envelope;
  const use8BitMime = size !== content.length;
  await ask<unknown>(connection, (done) => connection.send({ from, to: [to], size, use8BitMime }, body, done));
}

/**
 * Resets the conversation after a refusal, so that the next mail starts anew. Closes the connection if the reset fails.
 */
async function reset({ connection }: Line, signal: AbortSignal, hangUp: () => void): Promise<void> {
  try {
    const question = (): Promise<unknown> => ask<unknown>(connection, (done) => connection.reset(done));
    await within({ timeoutMs: resetTimeoutMs, signal }, hangUp, question);
  } catch {
    hangUp();
  }
}

/** Sends QUIT. Closes the connection after a second, so that a silent server does not keep the program alive. */
function sayGoodbye(connection: SMTPConnection, hangUp: () => void): void {
  const timer = setTimeout(hangUp, farewellMs);
  timer.unref();
  connection.once('end', () => clearTimeout(timer));
  connection.quit();
}

/** Returns the forms in which the protocol sends credentials, so that the server's replies may repeat them. */
function shapesOf({ user, pass }: { readonly user: string; readonly pass: string }): readonly string[] {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return [base64(`\0${user}\0${pass}`), base64(pass), pass].filter((shape) => shape !== '');
}

/** A connection to a mail server before its greeting. */
interface Dialled {
  readonly connection: SMTPConnection;
  readonly socket: Socket;
  /** The rest of the attempt's time. */
  readonly leftMs: number;
}

/**
 * Begins a connection that can be aborted at any moment, on a new socket by default. Names are resolved by the system,
 * /etc/hosts included. Throws FleetError `mail-unavailable` if the file of `ca` cannot be read.
 */
function dialSmtp(smtp: SmtpConfig, leftMs: number, tunnel?: Socket): Dialled {
  const ca = authorityOf(smtp);
  const socket = tunnel ?? connect({ host: smtp.host, port: smtp.port, autoSelectFamily: true });
  const connection = new SMTPConnection({
    host: smtp.host,
    port: smtp.port,
    connection: socket,
    secure: smtp.security === 'tls',
    requireTLS: smtp.security === 'starttls',
    ignoreTLS: smtp.security === 'none',
    tls: { rejectUnauthorized: smtp.verify, ...(ca === null ? {} : { ca }) },
    connectionTimeout: neverMs,
    greetingTimeout: neverMs,
    socketTimeout: neverMs,
    socketCloseTimeout: 0,
    maxResponseSize: maxReplyBytes,
  });
  return { connection, socket, leftMs };
}

/** Returns the proxy of <smtp>; null for a direct connection. Throws FleetError `mail-unavailable`. */
function proxyOf(smtp: SmtpConfig): URL | null {
  const { host, port, proxy } = smtp;
  if (proxy === 'none') return null;
  try {
    return proxyFor(new URL(`https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`), proxy);
  } catch (thrown) {
    throw smtpFault({ smtp, phase: 'connect', secrets: [], greeting: null, thrown });
  }
}

/**
 * Connects through a proxy. nodemailer's own `proxy` is a part of its transports, which are not used here. Throws
 * FleetError `mail-unavailable`, or the signal's reason.
 */
async function dialThrough(proxy: URL, smtp: SmtpConfig, options: AttemptOptions): Promise<Dialled> {
  const endsAtMs = performance.now() + options.timeoutMs;
  const ending = new AbortController();
  const giveUp = (): void => ending.abort();
  try {
    const socket = await within(options, giveUp, () => openTunnel(proxy, smtp, ending.signal));
    return dialSmtp(smtp, Math.max(1, endsAtMs - performance.now()), socket);
  } catch (thrown) {
    options.signal.throwIfAborted();
    throw thrown instanceof FleetError
      ? thrown
      : smtpFault({ smtp, phase: 'connect', secrets: [], greeting: null, thrown });
  }
}

function authorityOf({ ca }: Pick<SmtpConfig, 'ca'>): Buffer | null {
  try {
    return readAuthority('smtp', ca);
  } catch (thrown) {
    throw new FleetError({ code: 'mail-unavailable', stage: 'config', message: messageOf(thrown), cause: thrown });
  }
}

/** Waits for the connection, the greeting, EHLO and, if configured, TLS. */
async function greetServer(smtp: SmtpConfig, { connection, socket }: Dialled, clock: Clock): Promise<void> {
  if (socket.connecting) await once(socket, 'connect');
  connection.name = greetedAs(smtpGreeting(smtp), socket.localAddress);
  clock.now('greeting it');
  await ask<undefined>(connection, (done) => connection.connect((error) => done(error)));
}

/** Sends one request to the server. Rejects if the connection breaks meanwhile. */
function ask<T>(connection: SMTPConnection, question: (done: (error: unknown, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void): void => {
      connection.removeListener('error', onError);
      connection.removeListener('end', onEnd);
      how();
    };
    const onError = (error: unknown): void => settle(() => reject(asError(error)));
    // The error event follows `end` in the next turn.
    const onEnd = (): void => void setImmediate(() => onError(new Error('the connection ended')));
    connection.once('error', onError);
    connection.once('end', onEnd);
    question((error, value) => settle(() => (error ? reject(asError(error)) : resolve(value as T))));
  });
}
