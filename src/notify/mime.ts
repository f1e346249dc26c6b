import { escapeMarkup } from '../text/escape-markup.ts';
import { MailComposer, encodeWord } from './nodemailer.ts';

/** The content of a mail, without sender, recipient and date. */
export interface MailText {
  readonly subject: string;
  /** Lines end with LF. */
  readonly text: string;
  readonly html: string;
  /** The Message-ID in the form `<...@...>`. `inReplyTo` and `references` have the same form. */
  readonly messageId: string;
  /** The Message-ID of the mail that this one continues; null if none. */
  readonly inReplyTo: string | null;
  /** The Message-IDs of earlier mails, `inReplyTo` last. */
  readonly references: readonly string[];
  /** Further headers, in ASCII. A list becomes one header per member. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

export interface FreezeOptions {
  readonly mail: MailText;
  /** An address, or `Name <address>`. */
  readonly from: string;
  /** An address; `null` if the mail names no recipient (for a command or a file). */
  readonly to: string | null;
  readonly dateMs: number;
  /** The address for replies; left out: the sender's. */
  readonly replyTo?: string | null;
  /** A whole mail that this mail contains (message/rfc822). */
  readonly enclosed?: string;
  /** An attached document. Its default name is `notification`. */
  readonly attached?: { readonly type: string; readonly body: string; readonly name?: string };
}

export interface NoticeOptions extends Omit<FreezeOptions, 'mail'> {
  readonly subject: string;
  readonly lines: readonly string[];
  /** The Message-ID in the form `<...@...>`. */
  readonly messageId: string;
  readonly headers?: MailText['headers'];
}

/** Returns the bytes of a mail with a few lines of text that continues no other mail. Its HTML shows the same lines. */
export function freezeNotice({ subject, lines, messageId, headers, ...options }: NoticeOptions): Promise<string> {
  const text = lines.join('\n');
  const html = `<pre>${escapeMarkup(text)}</pre>`;
  const all = { 'Auto-Submitted': 'auto-generated', ...headers };
  return freezeMail({
    ...options,
    mail: { subject, text, html, messageId, inReplyTo: null, references: [], headers: all },
  });
}

/**
 * Returns the bytes of a mail (RFC 5322, RFC 2045): text and HTML as alternatives, CRLF, lines under 998 bytes, ASCII
 * unless an address is not. The same input gives the same bytes.
 */
export async function freezeMail(options: FreezeOptions): Promise<string> {
  const { mail, from, to, dateMs, replyTo = null, enclosed, attached } = options;
  const { subject, text, html, messageId, inReplyTo, references, headers } = mail;
  const composer = new MailComposer({
    from,
    to: to === null ? 'undisclosed-recipients:;' : { name: '', address: to },
    // The reader's mail program would decode a subject that looks encoded, and show text that was hidden in it (RFC
    // 2047).
    subject: subject.includes('=?') ? encodeWord(subject, 'B', 52) : subject,
    messageId,
    ...(replyTo === null ? {} : { replyTo: { name: '', address: replyTo } }),
    ...(inReplyTo === null ? {} : { inReplyTo }),
    ...(references.length === 0 ? {} : { references: [...references] }),
    date: mailDate(dateMs),
    text,
    html,
    attachments: [
      ...(enclosed === undefined ? [] : [{ contentType: 'message/rfc822', content: enclosed }]),
      ...(attached === undefined
        ? []
        : [
            {
              contentType: attached.type,
              content: attached.body,
              filename: attached.name ?? 'notification',
              encoding: 'utf8',
            },
          ]),
    ],
    headers: Object.entries(headers).flatMap(([key, value]) => [value].flat().map((one) => ({ key, value: one }))),
    baseBoundary: messageId.replace(/[^A-Za-z0-9]/g, '').slice(0, 32),
    newline: 'win',
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const content = await composer.compile().build();
  return content.toString('utf8');
}

/** Replaces the date of a mail that waited, because inboxes sort by date. */
export function dateMail(content: string, dateMs: number): string {
  return content.replace(/^Date: .*?\r$/m, `Date: ${mailDate(dateMs)}\r`);
}

/** Puts a sentence in ASCII, of at most 76 characters, before the text of a mail and before the text of its HTML. */
export function withFirstLine(content: string, sentence: string): string {
  const plain = changedPart(content, 'plain', (text, newline) => `${sentence}${newline}${newline}${text}`);
  return changedPart(plain, 'html', (text, newline) => {
    const beginning = /^[^]*?<body[^>]*>\r?\n/i.exec(text)?.[0] ?? '';
    return `${beginning}<p>${sentence}</p>${newline}${text.slice(beginning.length)}`;
  });
}

/** Changes the first part of a type. Quoted-printable leaves ASCII without `=` in short lines as it is. */
function changedPart(
  content: string,
  type: 'plain' | 'html',
  change: (text: string, newline: string) => string,
): string {
  const head = new RegExp(`^Content-Type: text/${type}\\b[^]*?\r\n\r\n`, 'm').exec(content);
  if (head === null) return content;
  const begin = head.index + head[0].length;
  const next = content.indexOf('\r\n--', begin);
  const end = next < 0 ? content.length : next;
  const body = content.slice(begin, end);
  const isBase64 = /^Content-Transfer-Encoding: base64\r$/im.test(head[0]);
  const changed = isBase64
    ? Buffer.from(change(Buffer.from(body, 'base64').toString(), '\n'))
        .toString('base64')
        .replace(/.{76}(?=.)/g, '$&\r\n')
    : change(body, '\r\n');
  return `${content.slice(0, begin)}${changed}${content.slice(end)}`;
}

function mailDate(dateMs: number): string {
  return new Date(dateMs).toUTCString().replace('GMT', '+0000');
}
