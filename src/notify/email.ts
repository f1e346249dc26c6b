import { readFileSync } from 'node:fs';

import { createTransport } from 'nodemailer';

import type { SmtpConfig } from '../config/config.ts';
import { FleetError, messageOf } from '../errors.ts';
import type { AttemptOptions } from './notify.ts';

/**
 * Connects to the mail server, logs in where credentials are given, and leaves without sending anything. Throws
 * FleetError `mail-refused`, `mail-unavailable`, `secret-missing`, or the signal's reason.
 */
export async function verifyMailServer(smtp: SmtpConfig, options: AttemptOptions): Promise<void> {
  const { timeoutMs, signal } = options;
  signal.throwIfAborted();
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.security === 'tls',
    requireTLS: smtp.security === 'starttls',
    ignoreTLS: smtp.security === 'none',
    tls: { rejectUnauthorized: smtp.verify, ...(smtp.ca === null ? {} : { ca: readFileSync(smtp.ca) }) },
    ...(smtp.username === null ? {} : { auth: { user: smtp.username, pass: smtp.password?.reveal() ?? '' } }),
    dnsTimeout: timeoutMs,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  });
  const deadline = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, deadline]);
  try {
    await Promise.race([transport.verify(), rejectedBy(either)]);
  } catch (thrown) {
    signal.throwIfAborted();
    throw mailFault(smtp, deadline.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`) : thrown);
  } finally {
    transport.close();
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function mailFault(smtp: SmtpConfig, thrown: unknown): FleetError {
  const { code, responseCode } = thrown as { readonly code?: unknown; readonly responseCode?: unknown };
  const forGood = code === 'EAUTH' || (typeof responseCode === 'number' && responseCode >= 500);
  return new FleetError({
    code: forGood ? 'mail-refused' : 'mail-unavailable',
    stage: 'mail',
    message: `mail server ${smtp.host}:${smtp.port}: ${messageOf(thrown)}`,
    cause: thrown,
  });
}
