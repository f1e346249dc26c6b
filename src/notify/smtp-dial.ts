import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import type { SmtpConfig } from '../config/config.ts';
import { FleetError, messageOf } from '../errors.ts';
import { SMTPConnection } from './nodemailer.ts';
import { asError, type Clock } from './within.ts';
import { dayMs } from '../platform/units.ts';

/** Far larger than any reply is. */
const maxReplyBytes = 64 * 1024;
/** Longer than any time that is given from outside: within.ts ends what takes too long. */
const neverMs = dayMs;

/** A connection to a mail server before its first word. */
export interface Dialled {
  readonly connection: SMTPConnection;
  readonly socket: Socket;
}

/**
 * Begins a connection, so that it can be given up at any moment. Names are resolved as the system does it, /etc/hosts
 * included. Throws FleetError `mail-unavailable` when the file of `ca` cannot be read.
 */
export function dialSmtp(smtp: SmtpConfig): Dialled {
  const ca = readAuthority(smtp.ca);
  const socket = connect({ host: smtp.host, port: smtp.port, autoSelectFamily: true });
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
  return { connection, socket };
}

function readAuthority(file: string | null): Buffer | null {
  try {
    return file === null ? null : readFileSync(file);
  } catch (thrown) {
    const message = `<smtp ca>: ${messageOf(thrown)}`;
    throw new FleetError({ code: 'mail-unavailable', stage: 'config', message, cause: thrown });
  }
}

/** Waits for the connection, the greeting, EHLO and, where it is wanted, TLS. */
export async function greetServer({ connection, socket }: Dialled, clock: Clock): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve();
    });
    socket.once('error', reject);
  });
  clock.now('greeting it');
  await ask<undefined>(connection, (done) => connection.connect((error) => done(error)));
}

/** One question to the server; a connection that breaks meanwhile is an answer too. */
export function ask<T>(
  connection: SMTPConnection,
  question: (done: (error: unknown, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void): void => {
      connection.removeListener('error', onError);
      connection.removeListener('end', onEnd);
      how();
    };
    const onError = (error: unknown): void => settle(() => reject(asError(error)));
    // What tells why comes after it.
    const onEnd = (): void => void setImmediate(() => onError(new Error('the connection ended')));
    connection.once('error', onError);
    connection.once('end', onEnd);
    question((error, value) => settle(() => (error ? reject(asError(error)) : resolve(value as T))));
  });
}
