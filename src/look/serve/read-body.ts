import type { IncomingMessage } from 'node:http';

/** The most bytes of a form. */
export const maxFormBytes = 1024;

/** Reads a body to its end, and returns its first bytes. Throws if the connection breaks. */
export async function readBody(incoming: IncomingMessage, maxKept: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= maxKept) parts.push(part);
  }
  return Buffer.concat(parts);
}
