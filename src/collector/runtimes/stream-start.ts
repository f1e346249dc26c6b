import type { Readable } from 'node:stream';

import { maxGreetingBytes } from '../../report/wire.ts';

/** A stream that is read to its end, and the beginning of it: at most the length of a greeting. */
export interface StreamStart {
  readonly text: () => Buffer;
  /** Resolves as soon as the condition holds. It is checked after each piece. */
  readonly until: (holds: () => boolean) => Promise<void>;
  readonly ended: Promise<void>;
}

/** Reads a stream to its end and keeps its beginning. */
export function readStart(stream: Readable): StreamStart {
  const chunks: Buffer[] = [];
  let length = 0;
  let onMore = (): void => undefined;
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    if (length < maxGreetingBytes) chunks.push(chunk);
    length += chunk.length;
    onMore();
  });
  const text = (): Buffer => Buffer.concat(chunks).subarray(0, maxGreetingBytes);
  return {
    text,
    until: (holds) =>
      new Promise((resolve) => {
        onMore = () => {
          if (holds()) resolve();
        };
        onMore();
      }),
    ended: new Promise((resolve) => {
      stream.once('end', resolve).once('close', resolve);
    }),
  };
}
