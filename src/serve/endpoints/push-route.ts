import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, Readable } from 'node:stream';

import { RememberedReports } from '../../collector/receive/kept-reports.ts';
import { openReceiver, type Receiver } from '../../collector/receive/receiver.ts';
import { receiveSite } from '../../collector/receive/receive-site.ts';
import { receiveVisit } from '../../collector/receive/receive-visit.ts';
import type { Config } from '../../config/config.ts';
import { limitRequest, provenBodyMs } from '../../platform/request-limits.ts';
import { minuteMs, secondMs } from '../../platform/units.ts';
import { answerMac, encodeAnswerHeader, maxPushBytes, parsePushHeader, pushPath, sha256 } from '../../seal/push.ts';
import { folderOfClient } from '../../state/client-folder.ts';
import type { Answer } from '../answer.ts';
import { InUse, Rates } from '../rates.ts';
import type { Route } from '../routes.ts';
import { type Refusal, refuse, refuseNow, refuseUnkept, strange } from './push-refusal.ts';
import { pushSenders, type Sender } from './push-sender.ts';

/** The most bytes of bodies in memory. Each byte counts twice: its pieces are joined, and its reports are written. */
const mostHeldBytes = 4 * maxPushBytes;
/** The part of these bytes for one client: its largest body. Two slow clients leave room for others. */
const mostHeldOfClient = mostHeldBytes / 2;
/** The most bodies of one client that are read at a time. A slow or forged body does not block the next. */
const mostReadOfClient = 2;
/** The rate of pushes of one client. A long spool arrives in several dozens. */
const rate = { burst: 64, perSecond: 1 } as const;
/** The rate of an identical request. No client repeats one, but a proxy may, or somebody who has recorded it. */
const repeatRate = { burst: 2, perSecond: 1 / 3600 } as const;
/** The most that a sender's clock may be ahead. */
const mostAheadMs = minuteMs;
/** The interval for reading the keys and the size of the spool. */
const receiverMs = 10 * secondMs;

export interface PushRouteOptions {
  /** Returns the current configuration. */
  readonly settings: () => Config;
  /** Aborts pushes under way. */
  readonly signal: AbortSignal;
  /**
   * Called for each refused push, and for a site's push with a refused part. `client` is the name in the request; null
   * if there is none.
   */
  readonly onRefused: (refused: RefusedPush) => void;
}

/** A refused push. */
export interface RefusedPush {
  readonly client: string | null;
  readonly status: number;
  readonly reason: string;
  readonly incoming: IncomingMessage;
}

const tooMuch = 'Too much is pushed at a time';
const othersUnderWay = 'Other pushes of this client are under way';

/** The bytes that a body takes up. Each counts twice. */
interface Held {
  bytes: number;
}

/**
 * Returns a record of the complete requests of each sender's newest second. A request that is in the record, or older,
 * may be a recording.
 */
function newestRequests() {
  const requests = new Map<string, { readonly time: number; readonly macs: ReadonlySet<string> }>();
  const isNew = ({ name, mac, time }: Sender): boolean => {
    const last = requests.get(name);
    return last === undefined || time > last.time || (time === last.time && !last.macs.has(mac));
  };
  return {
    isNew,
    add: (sender: Sender): void => {
      const { name, mac, time } = sender;
      // A single request with a fast clock must not make all later requests look old.
      if (!isNew(sender) || time * secondMs > Date.now() + mostAheadMs) return;
      const last = requests.get(name);
      requests.set(name, { time, macs: new Set([...(last?.time === time ? last.macs : []), mac]) });
    },
  };
}

/**
 * Returns the route of clients' pushes. The MAC is checked by the headers alone: the body is read only after its sender
 * is known, and used only after its digest matches the headers.
 */
export function pushRoute(options: PushRouteOptions): Route {
  const taker = new PushTaker(options);
  return {
    path: pushPath,
    purpose: null,
    isPacked: false,
    isPost: true,
    pool: 'endpoints',
    answer: async ({ incoming, outgoing }): Promise<Answer | null> => {
      const refused = await taker.take(incoming, outgoing);
      if (refused === null) return null;
      const { answer, reason } = refused;
      const client = parsePushHeader(String(incoming.headers['fleet-health'] ?? ''))?.client ?? null;
      options.onRefused({ client, status: answer.status, reason, incoming });
      return answer;
    },
  };
}

/** Handles the pushes under way, and the limits that they share. */
class PushTaker {
  readonly #options: PushRouteOptions;
  readonly #identify: ReturnType<typeof pushSenders>;
  readonly #receiverNow = createReceiverSource();
  readonly #sameRead = new InUse(1);
  readonly #read = new InUse(mostReadOfClient);
  readonly #rates = new Rates(rate);
  readonly #repeats = new Rates(repeatRate);
  readonly #remembered = new RememberedReports();
  readonly #pushing = new Set<string>();
  readonly #newest = newestRequests();
  #heldBytes = 0;
  readonly #heldOf = new Map<string, number>();

  constructor(options: PushRouteOptions) {
    this.#options = options;
    this.#identify = pushSenders(options.settings);
  }

  /** Handles one push. Returns the refusal; null if the push was answered. */
  async take(incoming: IncomingMessage, outgoing: ServerResponse): Promise<Refusal | null> {
    const sender = this.#identify(incoming.headers);
    if ('reason' in sender) return sender;
    const length = incoming.headers['content-length'];
    if (length === undefined) return refuse(411, 'Content-Length is needed');
    if (Number(length) > maxPushBytes) return refuse(413, `A push has at most ${maxPushBytes} bytes`);
    if (this.#heldBytes >= mostHeldBytes) return refuseNow(503, tooMuch);
    const held: Held = { bytes: 0 };
    if (this.#newest.isNew(sender)) limitRequest(incoming, outgoing, provenBodyMs);
    try {
      // The client's clocks are those at the beginning of its request.
      const arrivedAtMs = Date.now();
      const body = await this.#readBody(incoming, held, sender);
      return Buffer.isBuffer(body) ? await this.#keep({ ...sender, body, arrivedAtMs }, incoming, outgoing) : body;
    } finally {
      this.#hold(sender.name, -held.bytes);
    }
  }

  /** Reads the body that the headers describe. Returns the refusal of an unknown client for another body. */
  async #readBody(incoming: IncomingMessage, held: Held, sender: Sender): Promise<Buffer | Refusal> {
    const { name, digest, mac } = sender;
    // A recorded request can be sent again, but each one only once at a time.
    const endSame = this.#sameRead.take(mac);
    if (endSame === null) return refuseNow(429, 'This push is under way');
    const endRead = this.#read.take(folderOfClient(name));
    try {
      if (endRead === null) return refuseNow(429, othersUnderWay);
      const chunks: Buffer[] = [];
      // Recorded headers reserve nothing: only received bytes count.
      for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        const bytes = 2 * chunk.length;
        if (this.#heldBytes + bytes > mostHeldBytes) return refuseNow(503, tooMuch);
        if ((this.#heldOf.get(name) ?? 0) + bytes > mostHeldOfClient) return refuseNow(429, othersUnderWay);
        held.bytes += bytes;
        this.#hold(name, bytes);
        chunks.push(chunk);
      }
      const body = Buffer.concat(chunks);
      if (!sha256(body).equals(digest)) return strange('the body is not the one of its digest');
      this.#newest.add(sender);
      return body;
    } finally {
      endRead?.();
      endSame();
    }
  }

  #hold(name: string, bytes: number): void {
    this.#heldBytes += bytes;
    const own = (this.#heldOf.get(name) ?? 0) + bytes;
    if (own === 0) this.#heldOf.delete(name);
    else this.#heldOf.set(name, own);
  }

  async #keep(push: Push, incoming: IncomingMessage, outgoing: ServerResponse): Promise<Refusal | null> {
    const { name, key, mac } = push;
    if (!this.#repeats.take(mac) || !this.#rates.take(folderOfClient(name))) {
      return refuseNow(429, 'Too many pushes of this client');
    }
    if (this.#pushing.has(name)) return refuseNow(429, 'Another push of this client is under way');
    this.#pushing.add(name);
    try {
      const acknowledgements = await this.#receive(push, incoming);
      outgoing.writeHead(200, {
        'Content-Type': 'application/octet-stream',
        'Content-Length': acknowledgements.length,
        'Cache-Control': 'no-store',
        'Fleet-Health': encodeAnswerHeader(answerMac(key, mac, acknowledgements)),
      });
      outgoing.end(acknowledgements);
      return null;
    } catch (thrown) {
      return refuseUnkept(thrown);
    } finally {
      this.#pushing.delete(name);
    }
  }

  /** Returns the acknowledgements. Throws FleetError if nothing of the push can be kept here. */
  async #receive({ name, from, config, body, arrivedAtMs }: Push, incoming: IncomingMessage): Promise<Buffer> {
    const { signal, onRefused } = this.#options;
    const stream = {
      receiver: await this.#receiverNow(config),
      config,
      input: Readable.from([body]),
      signal,
      now: () => arrivedAtMs,
      remembered: this.#remembered,
    };
    if (typeof from === 'string') {
      const { answer, fault } = await receiveSite({ ...stream, site: from });
      if (fault !== null) onRefused({ client: name, status: 200, reason: fault.message, incoming });
      return answer;
    }
    const output = new PassThrough();
    const chunks: Buffer[] = [];
    output.on('data', (chunk: Buffer) => chunks.push(chunk));
    const { acknowledged, fault } = await receiveVisit({ ...stream, output, client: from });
    if (acknowledged === 0 && fault?.stage === 'spool') throw fault;
    return Buffer.concat(chunks);
  }
}

interface Push extends Sender {
  readonly body: Buffer;
  readonly arrivedAtMs: number;
}

/** Returns a function that opens the receiver. Pushes within `receiverMs` share it. */
function createReceiverSource(): (config: Config) => Promise<Receiver> {
  let opened: Promise<Receiver> | null = null;
  let openedAt = 0;
  return (config) => {
    const now = performance.now();
    if (opened === null || now - openedAt >= receiverMs) {
      openedAt = now;
      opened = openReceiver(config, Date.now());
      opened.catch(() => (opened = null));
    }
    return opened;
  };
}
