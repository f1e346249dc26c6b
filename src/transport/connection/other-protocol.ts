import { oneLine } from '../../text/plain-text.ts';
import { shortened } from '../../text/shortened.ts';
import { addServerWords, saidWords } from './server-words.ts';

/** The beginnings of servers that are not SSH. A server of SSH may send other lines before its version (RFC 4253). */
const protocols: readonly (readonly [beginning: RegExp | string, name: string])[] = [
  [/^220[ -].*ftp/i, 'FTP'],
  [/^(?:220|421|554)[ -]/, 'SMTP'],
  [/^\* (?:OK|PREAUTH|BYE)\b/, 'IMAP'],
  [/^\+OK\b/, 'POP3'],
  [/^HTTP\/\d/, 'HTTP'],
  [/^<(?:!DOCTYPE|html|\?xml)\b/i, 'HTTP'],
  [/^RFB \d{3}\./, 'VNC'],
  // An alert of TLS, and the request of telnet for an option.
  ['\x15\x03', 'TLS'],
  [/^\xff[\xfb-\xfe]/, 'telnet'],
  [/^[^]\0\0\0(?:\n|\xff)/, 'MySQL'],
];
const maxCharacters = 100;
/** The version of a server without SSH 2. Version 1.99 has both (RFC 4253, section 5.1). */
const oldSsh = /(?:^|\n)SSH-(1\.(?!99)\d+)-([^\r\n]{0,100})/;

/**
 * Returns a sentence for a server that begins like one of another protocol: `SMTP answers there, not SSH: "220 mx"`.
 * Returns null for any other beginning. `beginning` has one character for each byte.
 */
export function otherProtocol(beginning: string): string | null {
  const name = protocols.find(([start]) =>
    typeof start === 'string' ? beginning.startsWith(start) : start.test(beginning),
  )?.[1];
  const old = oldSsh.exec(beginning);
  if (old !== null) {
    return `SSH ${old[1] ?? ''} alone answers there (${oneLine(old[2] ?? '')}), which is neither safe nor spoken here`;
  }
  if (name === undefined) return null;
  const [line = ''] = beginning.split(/\r?\n/);
  const words = /^[\x20-\x7e]+$/.test(line) ? `: ${JSON.stringify(shortened(oneLine(line), maxCharacters))}` : '';
  return `${name} answers there, not SSH${words}`;
}

/** The remedy for a port that belongs to another program. */
export const otherProtocolAdvice = 'Check port= of the client, or Port in ssh_config.';

/** Returns the message of a handshake that did not end by the deadline, `late`, from the first bytes of the server. */
export function lateHandshake(beginning: string, late: string): string {
  if (beginning.includes('SSH-')) return `the key exchange did not end ${late}`;
  return `TCP stands, but nothing that speaks SSH answered ${late}${saidWords(addServerWords([], beginning))}`;
}
