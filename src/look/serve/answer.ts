import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** A request that passed the limits. */
export interface Asked {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** The parts of the path that match `:name` and `#name` in the route's path, by name. */
  readonly parts: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** A complete answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** The tag of the body, and the body compressed, from the process that made it. Default: made by `send`. */
  readonly packed?: PackedBody;
  /** True if the request had a wrong token in its path, which costs its address as in a header. Default: false. */
  readonly isGuess?: boolean;
}

/** A body as browsers keep and unpack it. */
export interface PackedBody {
  /** A weak tag, because it identifies the text, compressed or not. */
  readonly tag: string;
  /** The compressed body; null for a small one. */
  readonly gzip: Uint8Array | null;
}

/** Returns an answer; null if it writes to `outgoing` itself. */
export type Answerer = (asked: Asked) => Promise<Answer | null> | Answer | null;

/** Returns an answer in plain text for a person. */
export function words(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body, headers: { 'Content-Type': 'text/plain; charset=UTF-8', ...headers } };
}

/** The least size for compression: smaller answers fit into one packet anyway. */
const minPackedBytes = 1_024;

export interface SendOptions {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** True if the answer gets an ETag and may be compressed. */
  readonly isPacked: boolean;
}

/**
 * Sends a complete answer. Streams and Node's `Response`, which loads an HTTP client, took 12 MB more of resident
 * memory.
 */
export function send({ status, headers, body, packed }: Answer, { incoming, outgoing, isPacked }: SendOptions): void {
  if (outgoing.destroyed || outgoing.headersSent) return;
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  let bytes: Uint8Array = typeof body === 'string' ? Buffer.from(body) : body;
  if (isPacked) {
    outgoing.setHeader('Vary', 'Accept-Encoding');
    const { tag, gzip } = packed ?? packedBody(bytes);
    if (status === 200) {
      outgoing.setHeader('ETag', tag);
      if (isKnown(incoming.headers['if-none-match'], tag)) {
        outgoing.removeHeader('Content-Type');
        outgoing.writeHead(304).end();
        return;
      }
    }
    if (gzip !== null && takesGzip(incoming.headers['accept-encoding'])) {
      bytes = gzip;
      outgoing.setHeader('Content-Encoding', 'gzip');
    }
  }
  outgoing.setHeader('Content-Length', bytes.length);
  outgoing.writeHead(status).end(incoming.method === 'HEAD' ? undefined : bytes);
}

/** Returns the tag of a body, and the compressed body. */
export function packedBody(bytes: Uint8Array): PackedBody {
  const tag = `W/"${createHash('sha256').update(bytes).digest('base64url')}"`;
  return { tag, gzip: bytes.length >= minPackedBytes ? gzipSync(bytes) : null };
}

function isKnown(header: string | undefined, tag: string): boolean {
  const known = (header ?? '').split(',').map((one) => one.trim().replace(/^(?!W\/)/, 'W/'));
  return known.includes(tag) || header?.trim() === '*';
}

/** True if an Accept-Encoding header names gzip, or everything, and does not refuse it. */
function takesGzip(header: string | string[] | undefined): boolean {
  const weights = new Map<string, number>();
  for (const one of String(header ?? '').split(',')) {
    const [name = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((part) => part.startsWith('q='))?.slice(2) ?? '1';
    weights.set(name, Number(weight));
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}
