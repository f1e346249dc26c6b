/** A header as it stands in the message: unfolded, and not decoded. */
export interface RawHeader {
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
export function rawHeaders(source: Uint8Array): readonly RawHeader[] {
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
