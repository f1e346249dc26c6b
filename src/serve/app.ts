import type { IncomingMessage } from 'node:http';

import type { ServeConfig } from '../config/config.ts';
import { assets, livePolicy } from '../page/live/live-document.ts';
import type { Admission } from './admission.ts';
import { createGate, type Env, headers } from './gate.ts';
import { compress, etag, Hono } from './hono.ts';
import type { LiveEvents } from './live-events.ts';
import { liveStream } from './live-stream.ts';
import { addDocuments, addStatus } from './look-documents.ts';
import { addPages, type LookOptions, message } from './look-pages.ts';
import { addMetrics } from './metrics-route.ts';
import type { Visitor } from './visitor.ts';

export interface AppOptions {
  readonly serve: ServeConfig;
  readonly look: LookOptions;
  readonly events: LiveEvents;
  readonly admit: Admission;
  readonly visitorOf: (request: IncomingMessage) => Visitor;
  readonly isFull: (request: IncomingMessage) => boolean;
  readonly onGuess: (visitor: Visitor) => void;
}

const yearSeconds = 365 * 24 * 3600;

/** Puts the parts of the server together. Each stands behind the limits, and says itself who may see it. */
export function createApp({ serve, look, events, ...options }: AppOptions): Hono<Env> {
  const app = new Hono<Env>();
  const gate = createGate(options);
  app.use(headers(livePolicy, serve.tls !== null));
  app.use(gate.limits);
  // Whoever asks whether this lives needs no token.
  app.get('/ping', (c) => c.text('OK\n', 200, { 'Cache-Control': 'no-store' }));
  if (serve.metrics !== null) {
    app.use('/metrics', gate.only('metrics'), compress());
    addMetrics(app, look, serve.metrics);
  }
  if (serve.look) app.route('/', lookApp(look, events, gate));
  app.notFound((c) => c.text('There is nothing here.\n', 404));
  app.onError((thrown, c) => {
    look.onFault(thrown);
    return c.text('This cannot be answered; the log of the server says why.\n', 500);
  });
  return app;
}

function lookApp(look: LookOptions, events: LiveEvents, gate: ReturnType<typeof createGate>): Hono<Env> {
  const app = new Hono<Env>();
  app.use('/api/v1/status', gate.only('status'), compress(), etag());
  addStatus(app, look);
  const rest = new Hono<Env>();
  rest.use(gate.only('look'));
  rest.get('/live', (c) => {
    c.header('Cache-Control', 'no-store');
    return liveStream(c, events);
  });
  rest.use(compress(), etag());
  for (const { path, type, content } of assets) {
    rest.get(path, (c) =>
      c.body(content, 200, { 'Content-Type': type, 'Cache-Control': `private, max-age=${yearSeconds}, immutable` }),
    );
  }
  addPages(rest, look);
  addDocuments(rest, look);
  rest.get('*', (c) => message(c, 404, 'Not there', 'There is no such page.', look.zone()));
  app.route('/', rest);
  return app;
}
