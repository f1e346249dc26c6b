import type { SmtpConfig } from '../../../src/config/config.ts';
import { Secret } from '../../../src/config/secret.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import type { ChannelTimeouts, OutgoingMail, SendOptions } from '../../../src/notify/notify.ts';

export const password = 'correct horse';
export const never = new AbortController().signal;

/** Returns the settings of <smtp> on this machine, without encryption and login. */
export function smtpConfig(port: number, overrides: Partial<SmtpConfig> = {}): SmtpConfig {
  return {
    host: '127.0.0.1',
    port,
    security: 'none',
    username: null,
    password: null,
    from: 'Fleet <fleet@example.org>',
    helo: null,
    ca: null,
    verify: true,
    proxy: 'none',
    fallback: null,
    maxMailsPerHour: 12,
    ...overrides,
  };
}

/** Returns the settings with a login. */
export function withLogin(port: number, overrides: Partial<SmtpConfig> = {}): SmtpConfig {
  const secret = new Secret({ kind: 'literal', value: password });
  return smtpConfig(port, { username: 'fleet', password: secret, ...overrides });
}

export function outgoing(overrides: Partial<OutgoingMail> = {}): OutgoingMail {
  return {
    recipient: 'ops@example.org',
    messageId: '<0123456789abcdef0123456789abcdef@example.org>',
    content: 'Subject: disk\r\n\r\n/data is full\r\n',
    severity: 'critical',
    ...overrides,
  };
}

export function sendOptions(overrides: Partial<SendOptions> = {}): SendOptions {
  return { signal: never, onDataBegun: () => Promise.resolve(), ...overrides };
}

/** Returns the timeouts of a channel, by default 60 s each for the attempt and for the answer. */
export function timeouts(timeoutMs = 60_000, answerTimeoutMs = 60_000): ChannelTimeouts {
  return { timeoutMs, answerTimeoutMs };
}

/** Returns the FleetError of work that must fail. Throws if it does not fail with one. */
export async function faultOf(work: Promise<unknown>): Promise<FleetError> {
  const thrown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof FleetError) return thrown;
  throw new Error('not a FleetError', { cause: thrown });
}
