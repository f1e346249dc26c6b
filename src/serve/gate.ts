import type { IncomingMessage } from 'node:http';

import type { Admission } from './admission.ts';
import { type Context, type HttpBindings, type MiddlewareHandler, secureHeaders } from './hono.ts';
import { InUse, Rates } from './rates.ts';
import type { TokenPurpose } from './tokens.ts';
import type { Visitor } from './visitor.ts';

export interface Env {
  readonly Bindings: HttpBindings;
  readonly Variables: { visitor: Visitor };
}

/** Longer addresses are refused. */
const longestUrl = 2_048;
/** The most requests of an address at a time. */
const mostPerAddress = 16;
/** A page costs up to four requests: itself, its style, its program and its events. */
const rate = { burst: 120, perSecond: 20 } as const;
/** A wrong token costs as much as so many requests: six at once, then one a second. */
const guessCost = 20;

/** Stops requests before they cost anything. */
export interface Gate {
  /** Refuses what no part of the server takes, and who asks too much. */
  readonly limits: MiddlewareHandler<Env>;
  /** Lets in who may see it. */
  readonly only: (what: TokenPurpose) => MiddlewareHandler<Env>;
}

export interface GateOptions {
  readonly visitorOf: (request: IncomingMessage) => Visitor;
  readonly admit: Admission;
  /** True if the server has as many connections as it takes. */
  readonly isFull: (request: IncomingMessage) => boolean;
  readonly onGuess: (visitor: Visitor) => void;
}

export function createGate({ visitorOf, admit, isFull, onGuess }: GateOptions): Gate {
  const rates = new Rates(rate);
  const inUse = new InUse(mostPerAddress);
  return {
    limits: async (c, next) => {
      const { incoming, outgoing } = c.env;
      const { method = '', url = '' } = incoming;
      if (method !== 'GET' && method !== 'HEAD') {
        return c.text('Only GET and HEAD are answered.\n', 405, { Allow: 'GET, HEAD', Connection: 'close' });
      }
      if (hasBody(incoming)) return c.text('A request has no body here.\n', 400, { Connection: 'close' });
      if (url.length > longestUrl) return c.text('The address is too long.\n', 414, { Connection: 'close' });
      if (isFull(incoming)) return busy(c, 503, 'Too many connections.\n');
      const visitor = visitorOf(incoming);
      if (!rates.take(visitor.address)) return busy(c, 429, 'Too many requests.\n');
      const giveBack = inUse.take(visitor.address);
      if (giveBack === null) return busy(c, 429, 'Too many requests at a time.\n');
      outgoing.once('close', giveBack);
      c.set('visitor', visitor);
      return next();
    },
    only: (what) => async (c, next) => {
      const visitor = c.get('visitor');
      const { host, authorization } = c.env.incoming.headers;
      const refusal = admit({ visitor, host, authorization }, what);
      if (refusal === null) return next();
      if (refusal.isGuess) {
        rates.take(visitor.address, guessCost);
        onGuess(visitor);
      }
      return c.text(`${refusal.words}\n`, refusal.status, {
        'Cache-Control': 'no-store',
        ...(refusal.status === 401 ? { 'WWW-Authenticate': challenge } : {}),
      });
    },
  };
}

const challenge = 'Basic realm="fleet-health", charset="UTF-8"';

function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function busy(c: Context<Env>, status: 429 | 503, words: string): Response {
  return c.text(words, status, { 'Retry-After': '5', 'Cache-Control': 'no-store', Connection: 'close' });
}

/** Headers of every answer. The policy of a page is set beside them. */
export function headers(policy: string, hasTls: boolean): MiddlewareHandler<Env> {
  const secure = secureHeaders({ xFrameOptions: 'DENY', strictTransportSecurity: hasTls ? 'max-age=15552000' : false });
  return async (c, next) => {
    await secure(c, next);
    if (!c.res.headers.has('Content-Security-Policy')) c.res.headers.set('Content-Security-Policy', policy);
  };
}
