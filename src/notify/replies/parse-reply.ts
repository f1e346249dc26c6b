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
/** Headers that may contain the address of the recipient, in the order of the search. */
const addressed = ['to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to'];

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
  if (has('message-id', new RegExp(token, 'i'))) return 'itself';
  const isReport =
    has('content-type', /^multipart\/report\b/i) ||
    has('from', /(^|<|\s|")(mailer-daemon|postmaster)(@|>|$)/i) ||
    has('x-failed-recipients', /./);
  if (!isReport) return has('auto-submitted', /^auto-replied\b/i) ? 'answer' : 'itself';
  const text = decodeText(source);
  if (/^Action: *(delayed|delivered|relayed|expanded)\b/im.test(text)) return 'answer';
  const [, reason] = /^Diagnostic-Code:[ \t]*(?:[\w-]+;)?(.*(?:\r?\n[ \t].*)*)/im.exec(text) ?? [];
  const subject = headers.find(({ name }) => name === 'subject')?.value;
  return { bounce: oneLine(reason ?? decodeWords(headerText(subject ?? ''))).slice(0, maxReasonChars) };
}

type ParsedMail = Awaited<ReturnType<typeof PostalMime.parse>>;

async function parse(source: Uint8Array): Promise<ParsedMail | null> {
  try {
    const limits = { maxNestingDepth: maxNesting, maxHeadersSize: maxHeaderBytes };
    return await PostalMime.parse(source, { ...limits, forceRfc822Attachments: true });
  } catch {
    // The message exceeds the limits, which no ordinary reply does.
    return null;
  }
}

/** Headers whose presence marks automatic mail, unless their value is `no`. */
const automaticNames =
  /^(?:list-(?:id|unsubscribe)|x-(?:mail-)?auto-?(?:repl(?:y|ied)|respond|responder|generated)(?:-.+)?|x-(?:failed-recipients|vacation|cron-env|fc-machinegenerated))$/;

/** True if a message has a mark of automatic mail (RFC 3834, RFC 3464, RFC 2919, and older programs). */
function isAutomatic(headers: ReturnType<typeof rawHeaders>): boolean {
  const has = (name: string, value: RegExp): boolean =>
    headers.some((header) => header.name === name && value.test(header.value.trim()));
  return (
    headers.some(({ name, value }) => automaticNames.test(name) && !/^no\b/i.test(value.trim())) ||
    has('auto-submitted', /^(?!no\b)/i) ||
    has('precedence', /^(bulk|list|junk|auto[-_]?repl(y|ied))\b/i) ||
    has('x-auto-response-suppress', /^all$/i) ||
    has('delivered-to', /^autoresponder\b/i) ||
    has('x-post-messageclass', /autoresponder/i) ||
    has('return-path', /^<\s*>$/) ||
    has('return-path', /^<?mailer-daemon(@|>|$)/i) ||
    has('from', /(^|<|\s)mailer-daemon(@|>|$)/i) ||
    has('content-type', /^multipart\/report\b/i)
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
