const blockBytes = 512;

/** That a stream is no tar archive, or ends too early. */
export class BadArchive extends Error {
  override readonly name = 'BadArchive';
}

/** What is found of an archive: the member's path and its content as it comes. */
export interface TarMember {
  readonly path: string;
  readonly content: AsyncIterable<Buffer>;
}

/**
 * The first plain file of a tar archive (ustar, POSIX.1-1988, which pax and GNU archives keep for short paths) whose path
 * fits; null when there is none. The content must be read before anything else of the stream. Throws BadArchive.
 */
export async function findTarMember(
  source: AsyncIterable<Buffer>,
  fits: (path: string) => boolean,
): Promise<TarMember | null> {
  const reader = createReader(source);
  for (;;) {
    const header = await reader.take(blockBytes);
    if (header === null) throw new BadArchive('the archive ends too early');
    // Two blocks of zeros end an archive.
    if (header.every((byte) => byte === 0)) return null;
    if (checksumOf(header) !== octal(header, 148, 8)) throw new BadArchive('this is no tar archive');
    const size = octal(header, 124, 12);
    if (size === null) throw new BadArchive('the archive is damaged');
    const prefix = header.toString('latin1', 257, 262) === 'ustar' ? textAt(header, 345, 155) : '';
    const path = `${prefix === '' ? '' : `${prefix}/`}${textAt(header, 0, 100)}`;
    const isFile = header[156] === 0x30 || header[156] === 0;
    if (isFile && fits(path)) return { path, content: reader.pieces(size) };
    await reader.skip(Math.ceil(size / blockBytes) * blockBytes);
  }
}

interface Reader {
  /** null at the end of the stream. */
  take(length: number): Promise<Buffer | null>;
  skip(length: number): Promise<void>;
  pieces(length: number): AsyncGenerator<Buffer>;
}

function createReader(source: AsyncIterable<Buffer>): Reader {
  const iterator = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const next = await iterator.next();
    if (next.done === true) return false;
    held = held.length === 0 ? next.value : Buffer.concat([held, next.value]);
    return true;
  };
  const cut = (length: number): Buffer => {
    const piece = held.subarray(0, length);
    held = held.subarray(length);
    return piece;
  };
  async function* pieces(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      if (held.length === 0 && !(await more())) throw new BadArchive('the archive ends too early');
      const piece = cut(Math.min(left, held.length));
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
  return {
    take: async (length) => {
      while (held.length < length) if (!(await more())) return null;
      return cut(length);
    },
    skip: async (length) => {
      const skipped = pieces(length);
      while ((await skipped.next()).done !== true);
    },
    pieces,
  };
}

function textAt(header: Buffer, at: number, length: number): string {
  const end = header.subarray(at, at + length).indexOf(0);
  return header.toString('utf8', at, at + (end === -1 ? length : end));
}

function octal(header: Buffer, at: number, length: number): number | null {
  const digits = textAt(header, at, length).trim();
  return /^[0-7]{1,12}$/.test(digits) ? parseInt(digits, 8) : null;
}

/** The sum of all bytes, those of the sum itself counted as spaces. */
function checksumOf(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < blockBytes; at++) sum += at >= 148 && at < 156 ? 0x20 : (header[at] ?? 0);
  return sum;
}
