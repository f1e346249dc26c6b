import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Admission } from './admission.ts';
import { type Answer, words } from './answer.ts';
import { maxFormBytes } from './read-body.ts';
import { InUse, Rates } from './rates.ts';
import type { Pool, ServedRoute } from './routes.ts';
import type { Visitor } from './visitor.ts';

/** The most characters of a URL. */
const longestUrl = 2_048;
/** The most requests of an address at a time. */
const maxPerAddress = 16;
/**
 * The rate of requests per address. A page needs up to four requests: itself, its style, its program and its events.
 */
const rate = { burst: 120, perSecond: 20 } as const;
/** The requests that a wrong token costs: this allows six at once, then one a second. */
const guessCost = 20;

/**
 * Refuses a request before it causes work: one that no part of the server accepts, of a sender over its limits, or of a
 * visitor without permission. Returns null if the request is allowed.
 */
interface Gate {
  readonly refuse: (incoming: IncomingMessage, outgoing: ServerResponse, route: ServedRoute) => Answer | null;
  /** Charges the sender of a request for a wrong token. */
  readonly charge: (incoming: IncomingMessage) => void;
}

export interface GateOptions {
  readonly visitorOf: (request: IncomingMessage) => Visitor;
  readonly admit: Admission;
  /** True if the server has its most connections, or the most of this pool. */
  readonly isFull: (request: IncomingMessage, pool: Pool) => boolean;
  readonly onGuess: (visitor: Visitor) => void;
}

export function createGate({ visitorOf, admit, isFull, onGuess }: GateOptions): Gate {
  const rates = new Rates(rate);
  const inUse = new InUse(maxPerAddress);
  const guessed = (visitor: Visitor): void => {
    rates.charge(visitor.address, guessCost);
    onGuess(visitor);
  };
  const refuse: Gate['refuse'] = (incoming, outgoing, { takes = null, takesForm = false, pool = 'look', purpose }) => {
    const { method = '', url = '' } = incoming;
    const methods = takes !== null ? [takes] : takesForm ? ['GET', 'HEAD', 'POST'] : ['GET', 'HEAD'];
    if (!methods.includes(method)) {
      const text = `Only ${methods.join(' and ')} ${takes === null ? 'are' : 'is'} answered.\n`;
      return words(405, text, { Allow: methods.join(', '), Connection: 'close' });
    }
    const isForm = takesForm && method === 'POST';
    const length = incoming.headers['content-length'];
    if (isForm && length === undefined) return words(411, 'A form needs a Content-Length.\n', { Connection: 'close' });
    if (isForm && !(Number(length) <= maxFormBytes))
      return words(413, `A form has at most ${maxFormBytes} bytes.\n`, { Connection: 'close' });
    if (takes === null && !isForm && hasBody(incoming))
      return words(400, 'A request has no body here.\n', { Connection: 'close' });
    if (url.length > longestUrl) return words(414, 'The address is too long.\n', { Connection: 'close' });
    if (isFull(incoming, pool)) return busy(503, 'Too many connections.\n');
    const visitor = visitorOf(incoming);
    if (takes === null && !rates.take(visitor.address)) return busy(429, 'Too many requests.\n');
    const giveBack = inUse.take(visitor.address);
    if (giveBack === null) return busy(429, 'Too many requests at a time.\n');
    outgoing.once('close', giveBack);
    if (purpose === null) return null;
    const { host, authorization } = incoming.headers;
    const refusal = admit({ visitor, host, authorization }, purpose);
    if (refusal === null) return null;
    if (refusal.isGuess) guessed(visitor);
    return words(refusal.status, `${refusal.words}\n`, {
      'Cache-Control': 'no-store',
      ...(refusal.status === 401 ? { 'WWW-Authenticate': challenge } : {}),
    });
  };
  return { refuse, charge: (incoming) => guessed(visitorOf(incoming)) };
}

const challenge = 'Basic realm="fleet-health", charset="UTF-8"';

function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function busy(status: 429 | 503, text: string): Answer {
  return words(status, text, { 'Retry-After': '5', 'Cache-Control': 'no-store', Connection: 'close' });
}

/** Returns the headers of every answer. A page may set a policy of its own. */
export function commonHeaders(policy: string, hasTls: boolean): Readonly<Record<string, string>> {
  return {
    'Content-Security-Policy': policy,
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Origin-Agent-Cluster': '?1',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-DNS-Prefetch-Control': 'off',
    'X-Download-Options': 'noopen',
    'X-Frame-Options': 'DENY',
    'X-Permitted-Cross-Domain-Policies': 'none',
    'X-XSS-Protection': '0',
    ...(hasTls ? { 'Strict-Transport-Security': 'max-age=15552000' } : {}),
  };
}
