import { createHash } from 'node:crypto';

import { oneLine } from '../../text/plain-text.ts';
import { PostalMime } from '../postal-mime.ts';
import { firstOwnLine, parseReplyCommand, type ReplyCommand } from './reply-command.ts';
import { tokenIn } from './reply-token.ts';

/** A message that is addressed as the replies to a mail are. */
export interface ParsedReply {
  readonly token: string;
  /** A digest of its Message-ID, or of the source if it has none. */
  readonly message: string;
  /** The address of From, without characters that could do harm where it is shown. */
  readonly from: string;
  /** True for what programs send by themselves: vacation messages, bounces, mailing lists. */
  readonly automatic: boolean;
  /** The command in words: `ack 4h`; null: not understood. */
  readonly line: string | null;
  readonly command: ReplyCommand | null;
}

/** Characters of the database's column. */
const mostFromChars = 255;
const mostHeaderBytes = 64 * 1024;
const mostNesting = 20;
/** Headers with the address that a message was sent to, in the order in which they are looked at. */
const addressed = ['to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to'];

/** Reads the beginning of a message. Returns null if it is addressed to no token, or cannot be read. */
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
 * Returns a digest of a message's Message-ID, or of the source if it has none: some servers make the rest anew each
 * time.
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
    // Beyond the limits: nobody writes a reply like that.
    return null;
  }
}

/** True for the marks of RFC 3834, RFC 3464, RFC 2919 and of older programs. */
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

/** Returns the lines of a reply that is HTML alone, up to what it quotes. */
function textOfHtml(html: string): string {
  const [own = ''] = html.split(/<blockquote\b/i, 1);
  return own
    .replace(/<(style|script|title)\b[^>]*>[^]*?<\/\1\s*>/gi, '')
    .replace(/\s+/g, ' ')
    .replace(/<(?:br|\/?p|\/?div|\/?tr|hr)\b[^<>]*>/gi, '\n')
    .replace(/<[^<>]*>/g, '')
    .replace(/&nbsp;|&#160;/gi, ' ');
}
