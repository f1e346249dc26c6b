/** An HTTP proxy that forwards requests and opens tunnels (CONNECT), and records both. */
import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

import { listenOn } from './free-port.ts';

export interface HttpProxy {
  readonly port: number;
  /** The first line of each request, with `Proxy-Authorization` after it if the request has one. */
  readonly asked: readonly string[];
}

/**
 * The proxy's answer to CONNECT: a tunnel, a tunnel whose first bytes from the server come in one segment with the
 * answer, a refusal with this status, or silence.
 */
export type ProxyMode = 'open' | 'joined' | 'silent' | 403 | 407 | 502;

/** Starts a proxy until the end of the test. */
export async function openProxy(t: TestContext, mode: ProxyMode = 'open'): Promise<HttpProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    asked.push([method, url, headers['proxy-authorization'] ?? ''].join(' ').trim());
    const own = request(url, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(own.on('error', () => outgoing.destroy()));
  });
  server.on('connect', ({ url = '', headers }, socket: Socket) => {
    asked.push(['CONNECT', url, headers['proxy-authorization'] ?? ''].join(' ').trim());
    sockets.add(socket.on('error', () => undefined));
    if (mode === 'silent') return;
    if (typeof mode === 'number') return void socket.end(`HTTP/1.1 ${mode} No\r\nContent-Length: 0\r\n\r\n`);
    const [host = '', port = ''] = url.split(/:(?=\d+$)/);
    const own = connect(Number(port), host);
    sockets.add(own.on('error', () => socket.destroy()));
    own.once(mode === 'open' ? 'connect' : 'data', (first?: Buffer) => {
      socket.write(`HTTP/1.1 200 Established\r\n\r\n${String(first ?? '')}`);
      own.pipe(socket).pipe(own);
    });
  });
  const port = await listenOn(server);
  t.after(() => {
    server.close();
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
  });
  return { port, asked };
}
