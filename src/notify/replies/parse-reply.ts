import { createHash } from 'node:crypto';

import { oneLine } from '../../text/plain-text.ts';
import { PostalMime } from '../postal-mime.ts';
import { firstOwnLine, parseReplyCommand, type ReplyCommand } from './reply-command.ts';
import { tokenIn } from './reply-token.ts';

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
const mostFromChars = 255;
const mostHeaderBytes = 64 * 1024;
const mostNesting = 20;
/** Headers that may contain the address of the recipient, in the order of the search. */
const addressed = ['to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to'];

/** Reads the beginning of a message. Returns null if the message is addressed to no token, or is unreadable. */
export async function parseReply(source: Uint8Array): Promise<ParsedReply | null> {
  const mail = await parse(source);
  if (mail === null) return null;
  const valuesOf = (name: string): readonly string[] =>
    mail.headers.filter(({ key }) => key === name).map(({ value }) => value);
  const token = tokenIn(addressed.flatMap(valuesOf));
  if (token === null) return null;
  const line = firstOwnLine(mail.text ?? textOfHtml(mail.html ?? ''));
  const command = line === null ? null : parseReplyCommand(line);
  const from = oneLine(mail.from?.address ?? '').slice(0, mostFromChars);
  return {
    token,
    message: digestOf(mail, source),
    from: from === '' ? 'unknown sender' : from,
    automatic: isAutomatic(valuesOf),
    line: command === null ? null : line,
    command,
  };
}

/**
 * Returns a digest of a message's Message-ID, or of the source if it has none. Some servers generate the rest of a
 * message anew at each read.
 */
export async function messageDigest(source: Uint8Array): Promise<string> {
  return digestOf(await parse(source), source);
}

function digestOf(mail: ParsedMail | null, source: Uint8Array): string {
  const id = mail?.headers.find(({ key }) => key === 'message-id')?.value.trim();
  return createHash('sha256')
    .update(id ?? source)
    .digest('hex');
}

type ParsedMail = Awaited<ReturnType<typeof PostalMime.parse>>;

async function parse(source: Uint8Array): Promise<ParsedMail | null> {
  try {
    const limits = { maxNestingDepth: mostNesting, maxHeadersSize: mostHeaderBytes };
    return await PostalMime.parse(source, { ...limits, forceRfc822Attachments: true });
  } catch {
    // The message exceeds the limits, which no ordinary reply does.
    return null;
  }
}

/** True if a message has a mark of automatic mail (RFC 3834, RFC 3464, RFC 2919, and older programs). */
function isAutomatic(valuesOf: (name: string) => readonly string[]): boolean {
  const has = (name: string, value: RegExp): boolean => valuesOf(name).some((one) => value.test(one.trim()));
  return (
    has('auto-submitted', /^(?!no\b)/i) ||
    has('precedence', /^(bulk|list|junk|auto_reply)\b/i) ||
    ['list-id', 'list-unsubscribe', 'x-autoreply', 'x-autorespond'].some((name) => valuesOf(name).length > 0) ||
    has('return-path', /^<\s*>$/) ||
    has('content-type', /^multipart\/report\b/i)
  );
}

/** Returns the text of a reply that is HTML only, up to its first quotation. */
function textOfHtml(html: string): string {
  const [own = ''] = html.split(/<blockquote\b/i, 1);
  return own
    .replace(/<(style|script|title)\b[^>]*>[^]*?<\/\1\s*>/gi, '')
    .replace(/\s+/g, ' ')
    .replace(/<(?:br|\/?p|\/?div|\/?tr|hr)\b[^<>]*>/gi, '\n')
    .replace(/<[^<>]*>/g, '')
    .replace(/&nbsp;|&#160;/gi, ' ');
}
