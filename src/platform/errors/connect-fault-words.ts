/** src/platform/errors: the errors and the log that people read, and the removal of secrets from both. */
import type { ErrorCode } from './error-table.ts';

/** Errors of connections, as a sentence about several machines. */
const sentences: Partial<Readonly<Record<ErrorCode, string>>> = {
  dns: 'their names cannot be resolved',
  'connect-refused': 'nothing listens on their ports',
  'connect-timeout': 'no connection',
  'handshake-timeout': 'no SSH handshake',
  'sshd-rejection': 'sshd turned the connection away',
};

/** The same for `connect-failed`, by the error of the system, as Node and ssh write it. */
const failedConnects: readonly (readonly [error: RegExp, sentence: string])[] = [
  [/\bEHOST(?:UNREACH|DOWN)\b|no route to host|host is down/i, 'no route to them'],
  [/\bENETUNREACH\b|network is unreachable/i, 'no route to their network'],
  [/\bENETDOWN\b|network is down/i, 'the network of this machine is down'],
  [/\bECONNRESET\b|connection reset/i, 'the connection was reset'],
  [/\bE(?:ACCES|PERM)\b|permission denied|operation not permitted/i, 'this machine forbids the connection'],
];

/**
 * Returns the cause of a failed connection in words that are the same for all machines: `no connection within 5 s`.
 * Returns null if only the message itself says the cause.
 */
export function connectFaultWords(code: string | null, message: string): string | null {
  if (code === 'connect-failed') return failedConnects.find(([error]) => error.test(message))?.[1] ?? null;
  const sentence = code !== null && Object.hasOwn(sentences, code) ? sentences[code as ErrorCode] : undefined;
  if (sentence === undefined) return null;
  const [, milliseconds] = /\bwithin (\d+) ms\b/.exec(message) ?? [];
  if (milliseconds === undefined || !sentence.startsWith('no ')) return sentence;
  return `${sentence} within ${Number(milliseconds) / 1000} s`;
}
