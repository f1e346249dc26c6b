import { type Context, streamSSE } from './hono.ts';
import type { Env } from './gate.ts';
import type { LiveEvents } from './live-events.ts';

/** Nothing else keeps the connection open through proxies. */
const heartbeatMs = 15_000;
/** A reader who is so far behind does not read. */
const mostWaitingBytes = 16_384;

/** The stream of finished runs: one small event a run (Server-Sent Events). */
export function liveStream(c: Context<Env>, events: LiveEvents): Response {
  const { outgoing } = c.env;
  return streamSSE(c, async (stream) => {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    stream.onAbort(leave);
    // Nobody reads the body of an answer to HEAD, so nobody aborts it.
    outgoing.once('close', leave);
    events.signal.addEventListener('abort', leave, { once: true });
    const send = (text: string): void => {
      if (outgoing.writableLength > mostWaitingBytes) outgoing.destroy();
      else void stream.write(text).catch(leave);
    };
    const stop = events.listen(({ program, finishedAtMs }) => {
      const finished_at = new Date(finishedAtMs).toISOString();
      send(`event: run\ndata: ${JSON.stringify({ program, finished_at })}\n\n`);
    });
    const timer = setInterval(() => send(': still here\n\n'), heartbeatMs);
    send('retry: 5000\n\n');
    try {
      await new Promise<void>((resolve) => {
        if (gone.signal.aborted) resolve();
        else gone.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      clearInterval(timer);
      stop();
      events.signal.removeEventListener('abort', leave);
    }
  });
}
