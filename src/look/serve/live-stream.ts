import type { IncomingMessage, ServerResponse } from 'node:http';

import type { LiveEvents } from './live-events.ts';

/** The source of a stream's events. `signal` ends the stream. */
export type LiveSource = Pick<LiveEvents, 'listen' | 'signal'>;

/** The interval of comments that keep the connection open through proxies. */
const heartbeatMs = 15_000;
/** The most unsent bytes of a stream. A reader beyond them no longer reads. */
const maxWaitingBytes = 16_384;

/**
 * The headers that keep proxies from holding the stream back: nginx and what is built on it buffer answers unless the
 * server says no, and several compressors leave alone what must not be transformed.
 */
const streamHeaders = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
} as const;

/** Sends the stream of finished runs: one small event per run (Server-Sent Events). The stream ends with the server. */
export function sendEvents({ method }: IncomingMessage, outgoing: ServerResponse, events: LiveSource): void {
  outgoing.writeHead(200, streamHeaders);
  if (method === 'HEAD') {
    outgoing.end();
    return;
  }
  const send = (text: string): void => {
    if (outgoing.writableLength > maxWaitingBytes) outgoing.destroy();
    else outgoing.write(text);
  };
  const stop = events.listen(({ program, finishedAtMs }) => {
    const finished_at = new Date(finishedAtMs).toISOString();
    send(`event: run\ndata: ${JSON.stringify({ program, finished_at })}\n\n`);
  });
  const timer = setInterval(() => send(': still here\n\n'), heartbeatMs);
  const end = (): void => void outgoing.end();
  events.signal.addEventListener('abort', end, { once: true });
  outgoing.once('close', () => {
    clearInterval(timer);
    stop();
    events.signal.removeEventListener('abort', end);
  });
  // A proxy passes the head on with the first bytes.
  send(': open\n\nretry: 5000\n\n');
}
