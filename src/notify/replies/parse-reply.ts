import { createHash } from 'node:crypto';

import { decodeText, headerText, oneLine } from '../../text/plain-text.ts';
import { decodeWords, PostalMime } from '../postal-mime.ts';
import { firstOwnLine, parseReplyCommand, type ReplyCommand } from './reply-command.ts';
import { tokenIn } from './reply-token.ts';
import { textOfHtml } from './text-of-html.ts';

/** A message that is addressed to a reply address of a mail. */
export interface ParsedReply {
  readonly token: string;
  /** A digest of the message's Message-ID, or of the source if it has none. */
  readonly message: string;
  /** The address of From, without characters that are harmful on display. */
  readonly from: string;
  /** True for automatic messages: vacation messages, bounces, mailing lists. */
  readonly automatic: boolean;
  /** The line of the command: `ack 4h`; null if no command was understood. */
  readonly line: string | null;
  readonly command: ReplyCommand | null;
}

/** The most characters in the database's column. */
const maxFromChars = 255;
const maxHeaderBytes = 64 * 1024;
/** The most characters of the reason of a bounce. */
const maxReasonChars = 200;
const maxNesting = 20;
/**
 * Headers that may contain the address of the recipient, in the order of the search. Servers that rewrite To to a
 * person's main address, or forward, leave the address in one of the others, if only in `for` of Received.
 */
const addressed = [
  'to',
  'cc',
  'bcc',
  'delivered-to',
  'x-original-to',
  'envelope-to',
  'x-envelope-to',
  'x-delivered-to',
  'x-forwarded-to',
  'x-apparently-to',
  'x-real-to',
  'x-rcpt-to',
  'resent-to',
  'apparently-to',
  'received',
];

/**
 * Reads the beginning of a message. Returns null if the message is addressed to no token, or is unreadable. Reads only
 * the headers of a message without a token.
 */
export async function parseReply(source: Uint8Array): Promise<ParsedReply | null> {
  const headers = rawHeaders(source);
  const valuesOf = (wanted: string): readonly string[] =>
    headers.flatMap(({ name, value }) => (name === wanted ? value : []));
  const token = tokenIn(addressed.flatMap(valuesOf));
  const mail = token === null ? null : await parse(source);
  if (token === null || mail === null) return null;
  // Some programs leave the text part empty, or put only the quotation, or a hint to the HTML, into it.
  const texts = [mail.text ?? '', textOfHtml(mail.html ?? '')];
  const line = texts.map(firstOwnLine).find((one) => one !== null && parseReplyCommand(one) !== null) ?? null;
  const command = line === null ? null : parseReplyCommand(line);
  const from = oneLine(mail.from?.address ?? '').slice(0, maxFromChars);
  return {
    token,
    message: messageDigest(source),
    from: from === '' ? 'unknown sender' : from,
    automatic: isAutomatic(headers),
    line: command === null ? null : line,
    command,
  };
}

/**
 * Returns a digest of a message's Message-ID, or of the source if it has none. Some servers generate the rest of a
 * message anew at each read.
 */
export function messageDigest(source: Uint8Array): string {
  const id = rawHeaders(source).find(({ name }) => name === 'message-id')?.value;
  return createHash('sha256')
    .update(id ?? source)
    .digest('hex');
}

/**
 * Returns what a message with the token of a mail is: the mail itself, also if it was forwarded; an answer of a program
 * that got it; or the reason of a report that it was not delivered.
 */
export function kindOfCopy(source: Uint8Array, token: string): 'itself' | 'answer' | { readonly bounce: string } {
  const headers = rawHeaders(source);
  const has = (name: string, value: RegExp): boolean =>
    headers.some((header) => header.name === name && value.test(header.value));
  const ours = new RegExp(token, 'i');
  if (has('message-id', ours)) return 'itself';
  const text = decodeText(source);
  const isReport = has('content-type', /^multipart\/report\b/i);
  if (!isReport && !isOfDaemon(headers)) {
    const isReply = has('in-reply-to', ours) || has('references', ours);
    // Whoever forwards the mail passes on its text too.
    const isForwarded = !isReply || hasInBody(text, token);
    return isAutoReply(headers) || hasNullSender(headers) || (isAutomatic(headers) && !isForwarded)
      ? 'answer'
      : 'itself';
  }
  // Reports of another type, such as receipts and complaints, are of a mail that was delivered.
  const isOther = isReport && has('content-type', /\breport-type\s*=\s*"?(?!delivery-status\b)\w/i);
  if (isOther && !rejectedByProgram.test(text)) return 'answer';
  const subject = subjectOf(headers);
  const actions = Array.from(text.matchAll(/^Action:[ \t]*(\w+)/gim), ([, action = '']) => action.toLowerCase());
  // Some programs write `failure` or `error` for `failed`.
  const isOver =
    actions.length === 0
      ? !delayWords.test(subject) && !delayText.test(text)
      : actions.some((action) => /^(?:fail|error)/.test(action));
  if (!isOver) return 'answer';
  const reason = oneLine(bounceReason(text) ?? subject).slice(0, maxReasonChars);
  return { bounce: reason === '' ? 'without a reason' : reason };
}

function subjectOf(headers: Headers): string {
  return oneLine(decodeWords(headerText(headers.find(({ name }) => name === 'subject')?.value ?? '')));
}

/** The subjects of Exim, Sendmail and others for a mail that is still tried. */
const delayWords =
  /^warning\b.*\b(?:delayed|could not send|not yet been)|^(?:delayed mail|delivery delayed|mail delivery warning)\b|\(delay\)/i;
/** The sentences of other programs for such a mail. */
const delayText =
  /\bwill (?:continue to (?:be made|try|attempt)|keep trying|be retried|try again)|\bnot yet (?:been )?delivered/i;
/** A receipt (RFC 8098) of a mail that a program deleted or refused, as Dovecot answers a full mailbox and `reject`. */
const rejectedByProgram = /^Disposition:[ \t]*automatic-action\/[\w-]+[ \t]*;[ \t]*(?:deleted|denied|failed)/im;
/** The subjects of reports by programs whose sender and type are those of no report. */
const bounceWords = new RegExp(
  '(?<!\\p{L})(?:undeliver(?:able|ed)|non-?delivery|returned mail|failure notice|' +
    'deliver(?:y|ing) (?:error|fail(?:ed|ure))|delivery status notification|' +
    'mail(?: delivery)? (?:error|fail(?:ed|ure)|problem|warning)|' +
    "(?:could not|cannot|can't) be delivered|" +
    // Exchange in other languages.
    'unzustellbar|non[- ]remis(?:e|ion)?|no se puede entregar|non recapitabile|onbestelbaar|não entregue|' +
    'недоставлено|配信不能|无法送达)(?!\\p{L})',
  'iu',
);

/** True if a message is that of a mail system, which reports what became of a mail. */
function isOfDaemon(headers: Headers): boolean {
  return (
    headers.some(
      ({ name, value }) => name === 'from' && /(^|<|\s|")(m(?:ailer-)?daemon|postmaster)(@|>|$)/i.test(value),
    ) ||
    headers.some(({ name }) => name === 'x-failed-recipients' || name === 'x-ms-exchange-message-is-ndr') ||
    bounceWords.test(subjectOf(headers))
  );
}

/** The answer of a remote server, behind words that announce it or in a line of its own. */
const serverWords = new RegExp(
  '(?:^<<<(?= [45]\\d\\d[ -])|\\bRemote host said:|^ *(?:host .*)?\\bsaid:|' +
    '^ +(?=[45]\\d\\d[ -])|^(?=[45]\\d\\d \\d\\.\\d\\.\\d ))' +
    '[ \\t]*([45]\\d\\d[ -].*)',
  'm',
);

/** Returns the reason in a report: that of RFC 3464, or the remote server's words as qmail and Exim repeat them. */
function bounceReason(text: string): string | undefined {
  const [, diagnostic] = /^Diagnostic-Code:[ \t]*(?:[\w-]+;)?(.*(?:\r?\n[ \t].*)*)/im.exec(text) ?? [];
  if (diagnostic !== undefined) return diagnostic;
  const [, rejection] = /^Your message to \S+ was automatically rejected:\s+(\S.*)/m.exec(text) ?? [];
  return rejection ?? serverWords.exec(text)?.[1] ?? reasonLine(text);
}

/** Words in which mail systems give a reason, or its code (RFC 3463). */
const reasonWords = new RegExp(
  '\\b(?:[45]\\.\\d{1,3}\\.\\d{1,3}|unknown|no such|no mailbox|invalid|full|quota|exceed\\w*|disabled|suspended|' +
    'inactive|unavailable|refused|rejected|denied|blocked|too (?:large|big|many)|spam|' +
    'not (?:exist|found|known|recogni[sz]ed|listed|accept\\w*))\\b',
  'i',
);
/** The line above the mail that comes back. */
const originalLine =
  /^\s*(?:-{2,}.*\b(?:original|copy|returned?|headers?|below)\b|(?:received|return-path|message-id):)/i;
/** The most lines of a report in which a reason is looked for. */
const maxReasonLines = 60;

/** Returns the first line of a report that gives a reason, without the mail that comes back. */
function reasonLine(text: string): string | undefined {
  const lines = text.slice(/\r?\n\r?\n/.exec(text)?.index ?? text.length).split('\n', maxReasonLines);
  const end = lines.findIndex((line) => originalLine.test(line));
  return (end === -1 ? lines : lines.slice(0, end))
    .filter((line) => !/^(?:>|\s*(?:content-|subject:|to:|from:|charset|boundary))/i.test(line))
    .map((line) => line.replace(/<\/?[a-z][^<>@]*>|&nbsp;/gi, ' ').trim())
    .find((line) => reasonWords.test(line));
}

/** True if the body has a token, also in base64. */
function hasInBody(text: string, token: string): boolean {
  const [head = ''] = /^[^]*?\r?\n\r?\n/.exec(text) ?? [];
  const body = text.slice(head.length);
  const decoded = Array.from(body.matchAll(/(?:^[A-Za-z0-9+/]{4,}={0,2}\r?$\n?)+/gm), ([part]) =>
    Buffer.from(part, 'base64').toString('latin1'),
  );
  return [body, ...decoded].some((one) => one.toLowerCase().includes(token));
}

type ParsedMail = Awaited<ReturnType<typeof PostalMime.parse>>;

async function parse(source: Uint8Array): Promise<ParsedMail | null> {
  try {
    const limits = { maxNestingDepth: maxNesting, maxHeadersSize: maxHeaderBytes };
    return await PostalMime.parse(withTextType(source), { ...limits, forceRfc822Attachments: true });
  } catch {
    // The message exceeds the limits, which no ordinary reply does.
    return null;
  }
}

/** The type of a message that is text of a kind that nobody knows, or of none (`text`, as of before MIME). */
const oddTextType = /^(Content-Type:[ \t]*text)(?:\/(?!plain\b|html\b)[^;\s]*)?(?=[ \t]*(?:;|\r?$))/im;

/** Reads a text of an unknown type as a plain one (RFC 2046, section 4.1.4). The parser would call it an attachment. */
function withTextType(source: Uint8Array): Uint8Array {
  const text = Buffer.from(source).toString('latin1');
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  const head = text.slice(0, end);
  if (!oddTextType.test(head)) return source;
  return Buffer.from(`${head.replace(oddTextType, '$1/plain')}${text.slice(end)}`, 'latin1');
}

/** Headers whose presence marks the answer of a program, unless their value is `no`. */
const replyNames = /^x-(?:(?:mail-)?auto-?(?:repl(?:y|ied)|respond|responder|response(?!-suppress))(?:-.+)?|vacation)$/;
/** Headers whose presence marks other automatic mail. */
const automaticNames =
  /^(?:list-(?:id|unsubscribe)|x-(?:failed-recipients|cron-env|fc-machinegenerated|auto-?generated))$/;

type Headers = ReturnType<typeof rawHeaders>;

/** True if a message has a mark of an answer that a program gave (RFC 3834, and older programs). */
function isAutoReply(headers: Headers): boolean {
  return headers.some(
    ({ name, value }) =>
      (replyNames.test(name) && !/^no\b/i.test(value)) ||
      (name === 'auto-submitted' && /^auto-replied\b/i.test(value)) ||
      (/^(?:x-)?precedence$/.test(name) && /^auto[-_]?repl(y|ied)\b/i.test(value)) ||
      (name === 'delivered-to' && /^autoresponder\b/i.test(value)) ||
      (name === 'x-post-messageclass' && /autoresponder/i.test(value)),
  );
}

/** True if a message has the sender of a program that wants no answer (RFC 5321, section 4.5.5). */
function hasNullSender(headers: Headers): boolean {
  return headers.some(({ name, value }) => name === 'return-path' && /^<\s*>$/.test(value));
}

/** True if a message has a mark of automatic mail (RFC 3834, RFC 3464, RFC 2919, and older programs). */
function isAutomatic(headers: Headers): boolean {
  const has = (name: string, value: RegExp): boolean =>
    headers.some((header) => header.name === name && value.test(header.value));
  return (
    isAutoReply(headers) ||
    headers.some(({ name, value }) => automaticNames.test(name) && !/^no\b/i.test(value)) ||
    has('auto-submitted', /^(?!no\b)/i) ||
    ['precedence', 'x-precedence'].some((name) => has(name, /^(bulk|list|junk)\b/i)) ||
    has('x-auto-response-suppress', /^all$/i) ||
    hasNullSender(headers) ||
    has('return-path', /^<?mailer-daemon(@|>|$)/i) ||
    has('from', /(^|<|\s)mailer-daemon(@|>|$)/i) ||
    has('content-type', /^multipart\/report\b/i) ||
    // A person's answer to an alert about mails has such words behind `Re:`.
    bounceWords.exec(subjectOf(headers))?.index === 0
  );
}

/** A header as it stands in the message: unfolded, and not decoded. */
interface RawHeader {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
}

/** The most bytes of all headers. */
const maxBytes = 64 * 1024;

/**
 * Reads the headers at the beginning of a message, in time that is proportional to their size. Parsing a whole message
 * takes far longer, and most messages of a mailbox are none for us.
 */
function rawHeaders(source: Uint8Array): readonly RawHeader[] {
  const text = Buffer.from(source.buffer, source.byteOffset, Math.min(source.length, maxBytes)).toString('latin1');
  const headers: { name: string; value: string }[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end === -1 ? text.length : end).replace(/\r$/, '');
    at = end === -1 ? text.length : end + 1;
    if (line === '') break;
    const last = headers.at(-1);
    const colon = line.indexOf(':');
    if (/^[ \t]/.test(line) && last !== undefined) last.value += line;
    else if (colon > 0) headers.push({ name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1) });
  }
  return headers.map(({ name, value }) => ({ name, value: value.trim() }));
}
