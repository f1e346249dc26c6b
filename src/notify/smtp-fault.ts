import type { SmtpConfig } from '../config/config.ts';
import { FleetError, messageOf, type FleetErrorOptions, type Stage } from '../platform/errors/errors.ts';
import { withoutSecrets } from '../platform/errors/revealed-secrets.ts';
import { addressOf } from './mail-identity.ts';
import { TryLater } from './notify.ts';
import { tlsAdvice } from '../platform/errors/tls-advice.ts';
import { TooLong } from './within.ts';

/** The progress of a conversation. */
export type SmtpPhase = 'connect' | 'login' | 'mail';

export interface SmtpTrouble {
  readonly smtp: SmtpConfig;
  readonly phase: SmtpPhase;
  /** The secrets in every form in which a server may repeat them. */
  readonly secrets: readonly string[];
  /** The argument of EHLO; null if there is no connection. */
  readonly greeting: string | null;
  readonly thrown: unknown;
}

/** The fields of an error of nodemailer. */
interface SmtpError {
  readonly code?: unknown;
  readonly command?: unknown;
  readonly response?: unknown;
  readonly responseCode?: unknown;
  /** The system's code, if nodemailer replaced it by its own. */
  readonly originalCode?: unknown;
}

type Verdict = Pick<FleetErrorOptions, 'code' | 'stage' | 'retryable'>;

const maxWords = 300;
/** The replies "no such login", "log in first" and "encrypt first" (RFC 4954, section 6; RFC 3207, section 4). */
const loginReplies: readonly number[] = [530, 534, 535, 538];
/**
 * The sender's address, or the right to it: by enhanced code (RFC 3463, section 3.2; Exchange), or in the words of
 * providers who give none. They say so at whatever step, mostly when the whole mail is there.
 */
const senderWords = new RegExp(
  '^\\d{3}[ -]5\\.(?:1\\.[78]|2\\.252|7\\.60)\\b|\\bSendAsDenied|\\bsend as this sender\\b|' +
    '\\bverified sender identity\\b|' +
    // Postfix and its relatives, Exim, GMX, and the providers who compare From with the login.
    '\\bsender (?:address )?(?:is )?(?:rejected|not allowed|must (?:match|be)|verify failed)|' +
    '\\bunauthori[sz]ed (?:envelope )?sender\\b|\\bmail from (?:address )?must (?:be|equal|match)',
  'i',
);
/** Amazon names the addresses that are not verified: the sender's, or a recipient's. */
const unverifiedWords = /\baddress is not verified\b/i;
/** An account that has sent what its provider allows for now: by code (5.4.5: congestion; Exchange), or in words. */
const spentCodes = /^\d{3}[ -]5\.(?:4\.5|1\.90)\b/;
const spentWords =
  /\b(?:SubmissionQuotaExceeded|OutboundSpam)Exception\b|\bthread limit exceeded\b|\b(?:daily|hourly|24-hour|sending|relay)\b[^.]{0,40}\b(?:limit|quota)\b|\bmessages per (?:day|hour)\b/i;
/** A server that passes on mails of its own users alone: Postfix, Sendmail, Exim, Exchange and qmail. */
const relayWords =
  /\brelay(?:ing)? (?:access )?(?:is )?(?:denied|not (?:permitted|allowed))|\b(?:unable|not permitted) to relay|\ballowed rcpthosts\b/i;
const sizeWords = /^\d{3}[ -]5\.(?:2\.3|3\.4)\b|\bsize\b/i;
/** A mail that is too large, by reply code or enhanced code (RFC 1870, section 6; RFC 3463, sections 3.3 and 3.4). */
const tooLargeWords = /^552\b|^\d{3}[ -]5\.(?:2\.3|3\.4)\b/;

/**
 * Security or policy (RFC 3463, section 3.8): about the sender of a mail, not its recipient. Blocklists, rate limits
 * and missing rights are temporary, because people correct them.
 */
const policyWords = /^\d{3}[ -]5\.7\.\d/;
/**
 * Neither SPF nor DKIM proves the sender's domain (RFC 7372, Gmail, Yahoo, Exchange): a fact of DNS, which no other
 * content of the mail changes.
 */
const unprovenWords =
  /^\d{3}[ -]5\.7\.(?:2[0-6]|509|515)\b|\bsender is unauthenticated\b|\bpass authentication checks\b/i;

/** The words for a greeting in an answer; not in a name, an address, or a test's name such as HELO_NO_DOMAIN. */
const greetingWords = /(?<![\w.@/-])(?:ehlo|helo)(?![\w@-]|\.\w)/i;
/** The replies "unknown command" and "wrong order", which name EHLO as a command (RFC 5321, section 4.2.2). */
const commandReplies: readonly number[] = [500, 502, 503];
/** The replies "wrong argument" and "argument not implemented". */
const argumentReplies: readonly number[] = [501, 504];

/**
 * True if an answer is about the name by which the server was greeted: it says so at whatever step, because many
 * servers refuse a greeting only at RCPT, or it refuses the argument of EHLO.
 */
function isOfGreeting(thrown: unknown): boolean {
  const { command, response } = thrown as SmtpError;
  const reply = replyOf(thrown);
  if (reply === null || reply < 400 || commandReplies.includes(reply)) return false;
  if (typeof response === 'string' && greetingWords.test(response)) return true;
  return isGreetingCommand(command) && argumentReplies.includes(reply);
}

function isGreetingCommand(command: unknown): boolean {
  return command === 'EHLO' || command === 'HELO';
}

/** True if the server answered and the conversation can continue; false if the conversation broke off. */
export function isAnswer(thrown: unknown): boolean {
  const { code, responseCode } = thrown as SmtpError;
  if (responseCode === 421) return false;
  return code === 'EENVELOPE' || code === 'EMESSAGE';
}

/** Returns the fault of a conversation with a mail server, in words for people. */
export function smtpFault({ smtp, phase, secrets, greeting, thrown }: SmtpTrouble): FleetError {
  const isGreeting = greeting !== null && isOfGreeting(thrown);
  const told = isGreeting ? greetingAdvice(smtp) : adviceFor(smtp, thrown);
  const { advice, ...verdict } = { ...verdictOf(phase, thrown, smtp), ...told };
  const greeted = isGreeting ? `; this machine greeted it as ${greeting}` : '';
  const message = `mail server ${smtp.host}:${smtp.port}: ${wordsOf(thrown, secrets)}${greeted}`;
  const Fault = verdict.code === 'mail-unavailable' && replyOf(thrown) !== null ? TryLater : FleetError;
  // The cause is left out: it contains the server's full reply and any secrets that the reply repeats.
  return new Fault({ ...verdict, message, advice });
}

/**
 * Returns the code and the stage of a fault. A 5yz reply is permanent (RFC 5321, section 4.2.1) unless it is about
 * policy. Everything else may pass.
 */
function verdictOf(phase: SmtpPhase, thrown: unknown, smtp: SmtpConfig): Verdict {
  const { code, command, response } = thrown as SmtpError;
  const reply = replyOf(thrown);
  const words = typeof response === 'string' ? response : '';
  if (phase === 'connect') return waits('connect');
  if (phase === 'login') {
    const refused = reply === null ? code === 'EAUTH' : reply >= 500;
    if (refused) return { code: 'mail-refused', stage: 'login' };
    return waits(code === 'EAUTH' ? 'login' : 'connect');
  }
  if (reply === 421) return waits('connect');
  if (reply === null) {
    const isUnsendable = isAnswer(thrown) && (command === 'MAIL FROM' || command === 'API');
    return isUnsendable ? refused : waits('mail');
  }
  if (loginReplies.includes(reply)) return waits('login');
  if (command === 'MAIL FROM') {
    if (tooLargeWords.test(words)) return refused;
    return waits(reply >= 500 ? 'login' : 'connect');
  }
  if (reply >= 500 && isOfSender(words, smtp)) return waits('login');
  if (reply >= 500 && isSpent(words)) return waits('channel');
  if (reply < 500) return waits('mail');
  // Every mail has the same greeting.
  if (command === 'RCPT TO' && isOfGreeting(thrown)) return waits('login');
  // At the end of a mail a policy is about its content.
  const isBefore = command === 'RCPT TO' || (command === 'DATA' && code === 'EENVELOPE');
  return (isBefore && policyWords.test(words)) || unprovenWords.test(words) ? { ...refused, retryable: true } : refused;
}

function isOfSender(words: string, { from }: SmtpConfig): boolean {
  const isNamed = unverifiedWords.test(words) && words.includes(addressOf(from));
  return senderWords.test(words) || isNamed;
}

function isSpent(words: string): boolean {
  return spentCodes.test(words) || (spentWords.test(words) && !sizeWords.test(words));
}

/** Returns the code of the server's reply; null for a fault without a reply. */
function replyOf(thrown: unknown): number | null {
  const { responseCode } = thrown as SmtpError;
  return typeof responseCode === 'number' ? responseCode : null;
}

const refused: Verdict = { code: 'mail-refused', stage: 'mail' };

function waits(stage: Stage): Verdict {
  return { code: 'mail-unavailable', stage };
}

function wordsOf(thrown: unknown, secrets: readonly string[]): string {
  const { command, response } = thrown as SmtpError;
  const answer = typeof response === 'string' ? response : null;
  const text = answer === null ? failureOf(thrown) : `answered ${asked(command)} with ${messageOf(answer)}`;
  const safe = withoutSecrets(secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text));
  const characters = Array.from(safe.replace(/\p{C}/gu, '\ufffd'));
  return characters.length <= maxWords ? characters.join('') : `${characters.slice(0, maxWords).join('')} ...`;
}

/** Describes a failed connection. A name with several addresses fails with one error per address. */
function failureOf(thrown: unknown): string {
  if (isPlain(thrown)) return 'this port does not begin with TLS';
  return thrown instanceof AggregateError ? thrown.errors.map(messageOf).join('; ') : messageOf(thrown);
}

function asked(command: unknown): string {
  return typeof command === 'string' && command !== 'CONN' && command !== 'API' ? command : 'the connection';
}

/** True if the server sent text before TLS began (OpenSSL: wrong version number, or packet length too long). */
function isPlain(thrown: unknown): boolean {
  return /wrong version number|packet length too long|ERR_SSL_WRONG_VERSION_NUMBER/i.test(messageOf(thrown));
}

function greetingAdvice({ helo }: SmtpConfig): { readonly advice: string } {
  const name = 'the full name of this machine in DNS, as the server sees it';
  return { advice: `Write ${helo === null ? '' : 'another '}helo="..." into <smtp>: ${name}.` };
}

function adviceFor(smtp: SmtpConfig, thrown: unknown): { readonly advice?: string } {
  const { security } = smtp;
  const { code, command, originalCode, response } = thrown as SmtpError;
  const advice = tlsAdvice([code, originalCode, messageOf(thrown)].join(' '), 'smtp');
  if (advice !== null) return { advice };
  if (typeof response === 'string') {
    if (isOfSender(response, smtp)) return { advice: 'Write an address that this login may send as into <smtp from>.' };
    if ((replyOf(thrown) ?? 0) >= 500) {
      if (isSpent(response))
        return {
          advice: 'Nothing, if it passes; else ask the provider for a higher limit, or to unblock the account.',
        };
      if (unprovenWords.test(response))
        return {
          advice:
            'Let SPF or DKIM of the domain of <smtp from> allow this server, ' +
            'or send through the server of that domain.',
        };
    }
    if (relayWords.test(response)) {
      const login = smtp.username === null ? 'write username and passwordFile into <smtp>, or ' : '';
      return { advice: `It passes on no mail of this machine to others: ${login}have it allow this machine.` };
    }
  }
  if (security === 'starttls' && command === 'STARTTLS') {
    // RFC 3207, section 4.
    if (replyOf(thrown) === 454)
      return { advice: 'Its TLS is out of order: see its certificate, its key and its log.' };
    return {
      advice: 'It offers no STARTTLS: write security="tls" and its port, or security="none" on a trusted network.',
    };
  }
  if (isPlain(thrown)) {
    return { advice: 'Write security="starttls", or the port of the server that begins with TLS (465).' };
  }
  if (thrown instanceof TooLong) return { advice: 'Check host, port and security of <smtp>, and the network.' };
  if (code === 'EAUTH') return { advice: loginAdvice(thrown) };
  if (replyOf(thrown) !== 530) return {};
  if (/starttls/i.test(String(response))) return { advice: 'Write security="starttls" into <smtp>: it demands TLS.' };
  return smtp.username === null ? { advice: 'Write username and passwordFile into <smtp>: it demands a login.' } : {};
}

/** The answers of providers to a login that takes no password, or another one than that of the account. */
const passwordAdvices: readonly (readonly [words: RegExp, advice: string])[] = [
  [
    /\bSmtpClientAuthentication is disabled\b|\bbasic authentication is disabled\b|\bBasicAuthBlocked\b/i,
    'The provider has switched off logins by password (SMTP AUTH, basic authentication): switch them on for this ' +
      'mailbox there, or use another server.',
  ],
  [
    /\bapp(?:lication)?[- ](?:specific )?passwords?\b|\bInvalidSecondFactor\b|\bweb login required\b/i,
    'Make an app password at the provider, and write it in place of that of the account.',
  ],
  [/\bnot enabled for IMAP\b/i, 'Switch on IMAP in the settings of this mailbox.'],
];

/** Returns what to do about a login that a mail server has refused with these words; null if they do not say. */
export function passwordAdvice(words: string): string | null {
  return passwordAdvices.find(([said]) => said.test(words))?.[1] ?? null;
}

const wrongLogin = 'Check username and password of <smtp>.';

/** Tells a wrong password from a server, or a port, that knows no login by one (RFC 4954, section 4). */
function loginAdvice(thrown: unknown): string {
  const reply = replyOf(thrown) ?? 0;
  if (reply >= 400 && reply < 500) return 'Nothing, if it passes; else see what the provider says of this account.';
  if (!commandReplies.includes(reply) && !argumentReplies.includes(reply)) {
    const words = String((thrown as SmtpError).response);
    const isGmail = /\bBadCredentials\b.*\bgsmtp\b/s.test(words);
    return passwordAdvice(words) ?? (isGmail ? `${wrongLogin} Gmail takes app passwords alone.` : wrongLogin);
  }
  return 'It takes no login by password here: leave username out, or name the port for logins (587, or 465 with TLS).';
}
