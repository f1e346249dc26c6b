/** The bytes of a connection's beginning that hold the version line and the offer of a usual server. */
export const offerBytes = 4096;

/** ssh2's words for the lists of an SSH_MSG_KEXINIT (RFC 4253, section 7.1), in their order. */
const lists = [
  ...['key exchange algorithm', 'host key format', 'C->S cipher', 'S->C cipher', 'C->S MAC', 'S->C MAC'],
  ...['C->S compression', 'S->C compression'],
];
const maxNames = 10;
const kexInit = 20;

/** True if this is ssh2's message that the server offers no algorithm of a list that ssh2 has. */
export function sharesNoAlgorithm(message: string): boolean {
  return lists.some((list) => !list.endsWith('compression') && message.endsWith(`no matching ${list}`));
}

/**
 * Returns the algorithms that a server offered, for the message of ssh2 that none of them fits: `; the client offers
 * ssh-dss`. Returns an empty text for other messages, and if the beginning of the connection has no offer. `beginning`
 * has one character for each byte.
 */
export function serverOffer(message: string, beginning: string): string {
  const index = lists.findIndex((list) => message.endsWith(`no matching ${list}`));
  const version = /(?:^|\n)SSH-2\.0-[^\n]*\n/.exec(beginning);
  if (version === null) return '';
  const bytes = Buffer.from(beginning.slice(version.index + version[0].length), 'latin1');
  // Packet length, padding length, message number and a cookie of 16 bytes stand before the lists.
  let at = 22;
  if (bytes[5] !== kexInit) return '';
  for (let list = 0; at + 4 <= bytes.length; list += 1) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return '';
    if (list === index) {
      const names = bytes.toString('latin1', at + 4, end).split(',');
      const shown = names.filter((name) => /^[!-~]{1,64}$/.test(name)).slice(0, maxNames);
      return `; the client offers ${shown.join(', ') || 'nothing'}`;
    }
    at = end;
  }
  return '';
}
