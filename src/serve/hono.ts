/** The parts of Hono that the server uses. */
export { getRequestListener, type HttpBindings } from '@hono/node-server';
export { type Context, Hono, type MiddlewareHandler } from 'hono';
export { compress } from 'hono/compress';
export { etag } from 'hono/etag';
export { secureHeaders } from 'hono/secure-headers';
export { streamSSE } from 'hono/streaming';
