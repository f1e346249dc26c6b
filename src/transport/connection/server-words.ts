import type { ErrorCode } from '../../platform/errors/errors.ts';
import { oneLine } from '../../text/plain-text.ts';
import { shortened } from '../../text/shortened.ts';

const maxLines = 3;
/** The most characters of a line. */
const maxCharacters = 140;

/** Adds a text that a server sent during the login. Keeps the last lines that have a letter or digit. */
export function addServerWords(known: readonly string[], text: string): readonly string[] {
  const lines = text.slice(-8 * maxCharacters).split(/[\r\n]+/);
  return [
    ...known,
    ...lines.map((line) => shortened(oneLine(line), maxCharacters)).filter((line) => /[\p{L}\p{N}]/u.test(line)),
  ].slice(-maxLines);
}

/** Returns the texts of a server as the end of a message: `; the client says "..."`. Returns an empty text for none. */
export function saidWords(words: readonly string[]): string {
  return words.length === 0 ? '' : `; the client says ${JSON.stringify(words.join(' '))}`;
}

/** The fault of a connection that the server closed during the login. */
export interface ClosedLogin {
  readonly code: ErrorCode;
  readonly message: string;
  readonly advice: string;
}

/**
 * Returns the fault of a connection that the server closed during the login. sshd closes the connection if the rules of
 * the account (PAM: /etc/nologin, an expired account) forbid the login, and sends the reason before as a banner
 * (RFC 4252, section 5.4).
 */
export function closedLogin(username: string, words: readonly string[]): ClosedLogin {
  const advice = `Look into sshd's log on the client: PAM may forbid the login (/etc/nologin, a locked or expired account).`;
  return words.length === 0
    ? { code: 'connect-failed', message: 'the client closed the connection during the login', advice }
    : { code: 'auth-failed', message: `the client ended the login of ${username}${saidWords(words)}`, advice };
}

/** Describes the methods that a client accepts, after the proofs that it has taken as a part of the login. */
export function wantedWords(taken: readonly string[], wanted: readonly string[]): string {
  const methods = wanted.join(', ') || 'nothing';
  return taken.length === 0
    ? `the client takes ${methods}`
    : `the client took ${taken.join(', ')}, and wants ${methods} too`;
}

/** The remedy for a login that a client took in part. */
export const halfwayAdvice =
  'It wants several proofs (AuthenticationMethods of its sshd_config): configure the others, or exempt this account.';

/** The message for a connection that the server closed behind the login, before it ran a command. */
export const closedSession = 'the client closed the connection after the login';
/** Its remedy: sshd does so if it cannot begin the session. */
export const sessionAdvice =
  "See sshd's log on the client: ChrootDirectory, a module of PAM's session or a limit may end the session.";

/** Returns the end of the message of a login that got no answer. `advice` is undefined if the server sent no text. */
export function waitingWords(words: readonly string[]): {
  readonly words: string;
  readonly advice: string | undefined;
} {
  const advice = 'The client may wait for somebody to do what its text asks; otherwise check PAM there.';
  return { words: saidWords(words), advice: words.length === 0 ? undefined : advice };
}
