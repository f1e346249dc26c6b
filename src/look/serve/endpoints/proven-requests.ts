import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { forwardingSites } from '../../../config/clients/arrival.ts';
import { clientsByName } from '../../../config/clients/select-clients.ts';

import type { Client, Config } from '../../../config/config.ts';
import { rememberedWeakly } from '../../../platform/remembered.ts';
import { limitRequest, provenBodyMs } from '../../../platform/request-limits.ts';
import {
  type SignedPath,
  answerMac,
  encodeAnswerHeader,
  isSameMac,
  maxPushBytes,
  parseContentDigest,
  parsePushHeader,
  pushKeyBytes,
  requestMac,
  sha256,
  siteOfSender,
} from '../../../report/seal/push.ts';
import { folderOfClient } from '../../../state-folder/client-folder.ts';
import { statePaths } from '../../../state-folder/paths.ts';
import { pushKeyFinder } from '../../../state-folder/push-keys.ts';
import { InUse, Rates } from '../rates.ts';
import { NewestRequests } from './newest-requests.ts';
import { type Refusal, refuse, refuseNow, refuseOld, refuseUnkept, strange } from './push-refusal.ts';

/** The most bytes of bodies in memory. Each byte counts twice: its pieces are joined, and its reports are written. */
const maxHeldBytes = 4 * maxPushBytes;
/** The part of these bytes for one sender: its largest body. Two slow senders leave room for others. */
const maxHeldOfSender = maxHeldBytes / 2;
/**
 * The limits of a client and of a site, which puts each file by itself: the bodies that are read at a time, so that a
 * slow or forged one does not block the next, the bodies that are kept at a time, and the rate of requests.
 */
const limits = {
  client: { read: 2, kept: 1, rate: { burst: 64, perSecond: 1 } },
  site: { read: 8, kept: 8, rate: { burst: 10_000, perSecond: 500 } },
} as const;
/** The rate of an identical request. No sender repeats one, but a proxy may, or somebody who has recorded it. */
const repeatRate = { burst: 2, perSecond: 1 / 3600 } as const;

const tooMuch = 'Too much is pushed at a time';
const othersUnderWay = 'Other pushes of this sender are under way';

/** A request whose sender and body are proven. */
export interface ProvenRequest extends Sender {
  readonly body: Buffer;
  /** The time at the beginning of the request. */
  readonly arrivedAtMs: number;
}

interface Request {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** The path that the MAC covers. */
  readonly path: SignedPath;
}

/** The bytes that a body takes up. Each counts twice. */
interface Held {
  bytes: number;
}

/** Proves the senders and bodies of requests. The routes of pushes share the limits. */
export class ProvenRequests {
  readonly #identify: ReturnType<typeof pushSenders>;
  readonly #sameRead = new InUse(1);
  readonly #repeats = new Rates(repeatRate);
  readonly #shares = { client: sharesOf('client'), site: sharesOf('site') };
  readonly #newest = new NewestRequests();
  #heldBytes = 0;
  readonly #heldOf = new Map<string, number>();

  constructor(settings: () => Config) {
    this.#identify = pushSenders(settings);
  }

  /**
   * Checks the MAC by the headers alone, reads the body once its sender is known, and calls `keep` if the body matches
   * the headers. Answers with the result of `keep`. Returns the refusal; null if the request was answered.
   */
  async take(request: Request, keep: (proven: ProvenRequest) => Promise<Buffer | Refusal>): Promise<Refusal | null> {
    const { incoming, outgoing, path } = request;
    const sender = this.#identify(incoming.headers, path);
    if ('reason' in sender) return sender;
    const length = incoming.headers['content-length'];
    if (length === undefined) return refuse(411, 'Content-Length is needed');
    if (Number(length) > maxPushBytes) return refuse(413, `A push has at most ${maxPushBytes} bytes`);
    if (this.#heldBytes >= maxHeldBytes) return refuseNow(503, tooMuch);
    const held: Held = { bytes: 0 };
    if (this.#newest.isNew(sender)) limitRequest(incoming, outgoing, provenBodyMs);
    try {
      // The client's clocks are those at the beginning of its request.
      const arrivedAtMs = Date.now();
      const body = await this.#readBody(incoming, held, sender);
      return Buffer.isBuffer(body) ? await this.#keep({ ...sender, body, arrivedAtMs }, outgoing, keep) : body;
    } finally {
      this.#hold(sender.name, -held.bytes);
    }
  }

  /** Reads the body that the headers describe. Returns the refusal of an unknown sender for another body. */
  async #readBody(incoming: IncomingMessage, held: Held, sender: Sender): Promise<Buffer | Refusal> {
    const { name, digest, mac } = sender;
    // A recorded request can be sent again, but each one only once at a time.
    const endSame = this.#sameRead.take(mac);
    if (endSame === null) return refuseNow(429, 'This push is under way');
    const endRead = this.#shareOf(sender).read.take(folderOfClient(name));
    try {
      if (endRead === null) return refuseNow(429, othersUnderWay);
      const chunks: Buffer[] = [];
      // Recorded headers reserve nothing: only received bytes count.
      for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        const bytes = 2 * chunk.length;
        if (this.#heldBytes + bytes > maxHeldBytes) return refuseNow(503, tooMuch);
        if ((this.#heldOf.get(name) ?? 0) + bytes > maxHeldOfSender) return refuseNow(429, othersUnderWay);
        held.bytes += bytes;
        this.#hold(name, bytes);
        chunks.push(chunk);
      }
      const body = Buffer.concat(chunks);
      if (!sha256(body).equals(digest)) return strange('the body is not the one of its digest');
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

  async #keep(
    proven: ProvenRequest,
    outgoing: ServerResponse,
    keep: (proven: ProvenRequest) => Promise<Buffer | Refusal>,
  ): Promise<Refusal | null> {
    const { name, key, mac } = proven;
    const { kept, rates } = this.#shareOf(proven);
    if (!this.#repeats.take(mac) || !rates.take(folderOfClient(name))) {
      return refuseNow(429, 'Too many pushes of this sender');
    }
    const end = kept.take(folderOfClient(name));
    if (end === null) return refuseNow(429, 'Another push of this sender is under way');
    try {
      const newest = await this.#newest.take(proven);
      if (newest !== null) return refuseOld(newest, proven.time, (body) => answerMac(key, mac, body));
      const answer = await keep(proven);
      if (!Buffer.isBuffer(answer)) return answer;
      outgoing.writeHead(200, {
        'Content-Type': 'application/octet-stream',
        'Content-Length': answer.length,
        'Cache-Control': 'no-store',
        'Fleet-Health': encodeAnswerHeader(answerMac(key, mac, answer)),
      });
      outgoing.end(answer);
      return null;
    } catch (thrown) {
      return refuseUnkept(thrown);
    } finally {
      end();
    }
  }

  #shareOf({ from }: Sender): ReturnType<typeof sharesOf> {
    return this.#shares[typeof from === 'string' ? 'site' : 'client'];
  }
}

function sharesOf(kind: keyof typeof limits) {
  const { read, kept, rate } = limits[kind];
  return { read: new InUse(read), kept: new InUse(kept), rates: new Rates(rate) };
}

/** The sender of a request, as proven by its headers. */
interface Sender {
  readonly name: string;
  /** A client, or the name of a site whose collector forwards. */
  readonly from: Client | string;
  readonly config: Config;
  readonly key: Buffer;
  /** The SHA-256 that the headers give for the body. */
  readonly digest: Buffer;
  readonly mac: string;
  /** The time of the sender's clock, in seconds since 1970. */
  readonly time: number;
}

const sitesOf = rememberedWeakly((clients: readonly Client[]) => forwardingSites(clients));

/**
 * Returns a function that identifies the sender of a request to a path by its headers alone. `settings` returns the
 * current configuration.
 */
function pushSenders(settings: () => Config): (headers: IncomingHttpHeaders, path: SignedPath) => Sender | Refusal {
  const keyOf = pushKeyFinder(statePaths(settings().stateDir).pushKeys);
  const noKey = Buffer.alloc(pushKeyBytes);
  return (headers, path) => {
    const header = parsePushHeader(String(headers['fleet-health'] ?? ''));
    const digest = parseContentDigest(String(headers['content-digest'] ?? ''));
    const config = settings();
    // The time of the answer reveals nothing: the work is the same for every name and every MAC.
    const name = header?.client ?? '';
    const from = senderOf(config, name);
    const key = keyOf(name);
    const mac = requestMac(key ?? noKey, header?.time ?? 0, (digest ?? noKey).toString('hex'), path);
    const isSame = isSameMac(header?.mac ?? '', mac);
    const isClear = typeof from === 'string' || 'ssh' in from;
    if (isSame && key !== null && digest !== null && isClear) {
      return { name, from, config, key, digest, mac, time: header?.time ?? 0 };
    }
    if (!isClear) return from;
    return strange(key === null ? 'it is not enrolled' : 'the MAC is wrong: its key was rotated, or is another one');
  };
}

function senderOf({ clients }: Config, name: string): Client | string | Refusal {
  const client = clientsByName(clients).get(name);
  const site = siteOfSender(name);
  if (client === undefined && site !== null) {
    return sitesOf(clients).has(site) ? site : strange('config.xml gives no client to this site');
  }
  if (client === undefined) return strange('config.xml has no such client');
  const pushes = client.arrival.kind === 'comes' && client.state !== 'retired';
  return pushes ? client : strange('config.xml has no transport="push" for it');
}
