/** A mailbox of an IMAP server. */
export interface ImapUrl {
  /** True for `imaps`: TLS from the first byte. */
  readonly implicit: boolean;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly mailbox: string;
}

/**
 * Reads `imaps://LOGIN@HOST:PORT/MAILBOX`. The port is 993, or 143 for `imap`, and the mailbox is INBOX unless written.
 * Returns null for any other text, and for a URL with a password.
 */
export function parseImapUrl(text: string): ImapUrl | null {
  if (!/^imaps?:\/\/./.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.password !== '' || url.search !== '' || url.hash !== '' || !/^[\w.:-]+$/.test(host)) return null;
  const [username, mailbox] = [decoded(url.username), decoded(url.pathname.slice(1))];
  if (username === null || username === '' || mailbox === null) return null;
  const implicit = url.protocol === 'imaps:';
  return {
    implicit,
    host,
    port: url.port === '' ? (implicit ? 993 : 143) : Number(url.port),
    username,
    mailbox: mailbox === '' ? 'INBOX' : mailbox,
  };
}

/** Decodes percent encoding. Returns null for a faulty encoding, and for control characters. */
function decoded(text: string): string | null {
  try {
    const plain = decodeURIComponent(text);
    return /\p{Cc}/u.test(plain) ? null : plain;
  } catch {
    return null;
  }
}
