import type { Readable } from 'node:stream';

/** The beginning of a stream. */
export interface StreamStart {
  readonly text: () => Buffer;
  readonly ended: Promise<void>;
}

/** Reads a stream to its end and keeps the first `maxBytes`. Calls `onMore` after each piece with the length so far. */
export function readStart(stream: Readable, maxBytes: number, onMore?: (lengthBytes: number) => void): StreamStart {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    if (length < maxBytes) chunks.push(chunk);
    length += chunk.length;
    onMore?.(length);
  });
  return {
    text: () => Buffer.concat(chunks).subarray(0, maxBytes),
    ended: new Promise((resolve) => {
      stream.once('end', resolve).once('close', resolve);
    }),
  };
}
