import { MailComposer, encodeWord } from './nodemailer.ts';

/** A mail in words: all of it but who sends it to whom, and when. */
export interface MailText {
  readonly subject: string;
  /** Lines end with LF. */
  readonly text: string;
  readonly html: string;
  /** `<...@...>`, as are the next two. */
  readonly messageId: string;
  /** What it continues; null: nothing. */
  readonly inReplyTo: string | null;
  /** The last one is what it continues. */
  readonly references: readonly string[];
  /** Beside those that every mail has; ASCII. A list becomes one header a member. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

export interface FreezeOptions {
  readonly mail: MailText;
  /** An address, or `Name <address>`. */
  readonly from: string;
  /** One address; null: whom it is for is not said (a command, a file). */
  readonly to: string | null;
  readonly dateMs: number;
  /** A whole mail that it carries (message/rfc822). */
  readonly enclosed?: string;
}

/**
 * A mail in its bytes (RFC 5322, RFC 2045): text and HTML as alternatives, CRLF, lines under 998 bytes, ASCII throughout
 * unless an address is not. The same words give the same bytes.
 */
export async function freezeMail({ mail, from, to, dateMs, enclosed }: FreezeOptions): Promise<string> {
  const { subject, text, html, messageId, inReplyTo, references, headers } = mail;
  const composer = new MailComposer({
    from,
    to: to === null ? 'undisclosed-recipients:;' : { name: '', address: to },
    // What looks encoded already would be decoded by the reader's program, into whatever its author hid there (RFC 2047).
    subject: subject.includes('=?') ? encodeWord(subject, 'B', 52) : subject,
    messageId,
    ...(inReplyTo === null ? {} : { inReplyTo }),
    ...(references.length === 0 ? {} : { references: [...references] }),
    date: mailDate(dateMs),
    text,
    html,
    ...(enclosed === undefined ? {} : { attachments: [{ contentType: 'message/rfc822', content: enclosed }] }),
    headers: Object.entries(headers).flatMap(([key, value]) => [value].flat().map((one) => ({ key, value: one }))),
    baseBoundary: messageId.replace(/[^A-Za-z0-9]/g, '').slice(0, 32),
    newline: 'win',
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const content = await composer.compile().build();
  return content.toString('utf8');
}

/** A mail that waited, with the time of its sending for a date: by its date people's inboxes sort it. */
export function dateMail(content: string, dateMs: number): string {
  return content.replace(/^Date: .*?\r$/m, `Date: ${mailDate(dateMs)}\r`);
}

function mailDate(dateMs: number): string {
  return new Date(dateMs).toUTCString().replace('GMT', '+0000');
}
