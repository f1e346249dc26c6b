import type { ServerResponse } from 'node:http';

export interface SpokeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Returns an answer with one sentence, after which the connection is closed. */
export function plainAnswer(
  status: number,
  words: string,
  headers: Readonly<Record<string, string>> = {},
): SpokeAnswer {
  const type = 'text/plain; charset=utf-8';
  return {
    status,
    headers: { 'Content-Type': type, Connection: 'close', ...headers },
    body: Buffer.from(`${words}\n`),
  };
}

export function send(outgoing: ServerResponse, { status, headers, body }: SpokeAnswer): void {
  outgoing.writeHead(status, {
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  outgoing.end(body);
}
