/** An HTTP server that records its requests and answers by a script. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface ReceivedPost {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type ReceiverAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Writes to the connection itself. An empty function never answers. */
  | ((socket: Socket) => void);

export interface HttpReceiver {
  /** `http://127.0.0.1:PORT`, without a path. */
  readonly origin: string;
  readonly port: number;
  /** The complete requests, in the order of arrival. */
  readonly received: readonly ReceivedPost[];
  /** Sets the answer to all later requests. Default: 200. */
  act(answer: (post: ReceivedPost) => ReceiverAnswer): void;
  stop(): void;
}

export interface ReceiverOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
}

export async function startHttpReceiver({ tls }: ReceiverOptions = {}): Promise<HttpReceiver> {
  const received: ReceivedPost[] = [];
  let act: (post: ReceivedPost) => ReceiverAnswer = () => ({ status: 200 });
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  server.on('request', (request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const post = { method, path: url, headers, body: Buffer.concat(chunks).toString('utf8') };
      received.push(post);
      const answer = act(post);
      if (typeof answer === 'function') answer(request.socket);
      else response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    received,
    act: (answer) => {
      act = answer;
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Starts a receiver that is stopped after the test. */
export async function openReceiver(t: TestContext, options: ReceiverOptions = {}): Promise<HttpReceiver> {
  const receiver = await startHttpReceiver(options);
  t.after(() => receiver.stop());
  return receiver;
}
