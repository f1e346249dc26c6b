/** The transport to a client that is polled over HTTP, where `fleet-health-agent spoke` answers. */
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { connect as connectTls } from 'node:tls';

import { FleetError, messageOf } from '../../errors.ts';
import { postSigned } from '../../platform/signed-post.ts';
import { secondMs } from '../../platform/units.ts';
import { urlAddress } from '../../text/url-address.ts';
import { acknowledgePath, encodePolledVisit, maxPushBytes, pushPath, type SignedPath } from '../../seal/push.ts';
import { abortedError } from '../connection/aborted.ts';
import { dial } from '../connection/dial.ts';
import { noExit, type ChannelExit, type ConnectOptions, type PolledConnection, type Transport } from '../transport.ts';
import { answerFault, dialFault, keyMissing, requestFault, strangerFault } from './http-faults.ts';

export interface HttpTarget {
  /** The name in errors, and in requests. */
  readonly client: string;
  /** The client's URL; null if config.xml has a fault. */
  readonly url: string | null;
  /** Returns the key of the enrolment; null if the client is not enrolled. */
  readonly key: () => Buffer | null;
}

/** The time limit of an acknowledgement. After a lost one the client sends the reports again. */
const acknowledgeMs = 10 * secondMs;
/** The most bytes of the answer to an acknowledgement, which is empty. */
const mostAcknowledgedBytes = 1024;

/**
 * Creates a transport over HTTP. `connect` opens a connection, on which the client has to prove that it knows the key.
 * Throws FleetError as SSH does, and `spoke-refused` in place of a refused login.
 */
export function createHttpTransport(target: HttpTarget): Transport<PolledConnection> {
  return {
    connect: async (options) => {
      const startedMs = performance.now();
      const key = target.key();
      if (key === null || target.url === null) throw keyMissing(target.client);
      const link = new Link({ ...target, url: new URL(target.url), key }, options);
      try {
        await link.post(acknowledgePath, randomBytes(16), options.connectTimeoutMs);
        return connectionOf(link, performance.now() - startedMs);
      } catch (thrown) {
        link.end();
        throw thrown;
      }
    },
  };
}

interface LinkTarget extends Pick<HttpTarget, 'client'> {
  readonly url: URL;
  readonly key: Buffer;
}

/** Sends requests to one client, over one connection if the client keeps it open. */
class Link {
  readonly #target: LinkTarget;
  readonly #options: ConnectOptions;
  readonly #agent: Agent;
  readonly #ended = new AbortController();
  readonly #sockets: Socket[] = [];

  constructor(target: LinkTarget, options: ConnectOptions) {
    this.#target = target;
    this.#options = options;
    const kept = { keepAlive: true, maxSockets: 1 } as const;
    this.#agent = target.url.protocol === 'https:' ? new TlsAgent(kept) : new Agent(kept);
    // The errors of this agent's connections are those of the other transports.
    Object.assign(this.#agent, {
      createConnection: (_: unknown, opened: (error: Error | null, socket?: Socket) => void): void => {
        void this.#open().then((socket) => opened(null, socket), opened);
      },
    });
  }

  get client(): string {
    return this.#target.client;
  }

  bytes(): { readonly in: number; readonly out: number } {
    return {
      in: this.#sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
      out: this.#sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    };
  }

  /** Posts a body and returns the client's answer. Throws FleetError. */
  async post(path: SignedPath, body: Buffer, timeoutMs: number): Promise<Buffer> {
    const { client, url: base, key } = this.#target;
    const { signal } = this.#options;
    const late = AbortSignal.timeout(timeoutMs);
    const url = new URL(`.${path}`, base.pathname.endsWith('/') ? base : `${base.href}/`);
    const maxAnswerBytes = path === pushPath ? maxPushBytes : mostAcknowledgedBytes;
    const own = { url, path, client, key, body, maxAnswerBytes, agent: this.#agent };
    const post = { ...own, signal: AbortSignal.any([signal, late, this.#ended.signal]) };
    const {
      status,
      body: answer,
      isSigned,
    } = await postSigned(post).catch((thrown: unknown) => {
      if (thrown instanceof FleetError) throw thrown;
      if (signal.aborted) throw abortedError(signal, path === pushPath ? 'agent' : 'connect', client);
      const isLate = late.aborted;
      const why = isLate ? ` did not answer within ${timeoutMs} ms` : `: the connection broke: ${messageOf(thrown)}`;
      throw requestFault({ client, path, message: url.href + why, isLate, cause: thrown });
    });
    if (status !== 200) throw answerFault(client, url.href, status);
    if (!isSigned) throw strangerFault(client, url.href);
    return answer;
  }

  end(): void {
    this.#ended.abort();
    this.#agent.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #open(): Promise<Socket> {
    const { client, url } = this.#target;
    const { tcpTimeoutMs: timeoutMs, signal } = this.#options;
    const isTls = url.protocol === 'https:';
    const { host, port } = urlAddress(url);
    const socket = await dial({ client, host, port, timeoutMs, signal }).catch((thrown: unknown) => {
      throw dialFault(thrown);
    });
    this.#sockets.push(socket);
    if (this.#ended.signal.aborted) socket.destroy();
    return isTls ? connectTls({ socket, host, servername: /[^\d.:]/.test(host) ? host : '' }) : socket;
  }
}

function connectionOf(link: Link, connectMs: number): PolledConnection {
  let acknowledged: Promise<ChannelExit> = Promise.resolve(noExit);
  return {
    connectMs,
    bytes: () => link.bytes(),
    poll: async (request) => {
      const answer = await link.post(pushPath, encodePolledVisit(request), request.timeoutMs);
      const written: Buffer[] = [];
      let finish: (exit: Promise<ChannelExit>) => void = () => undefined;
      const exit = new Promise<ChannelExit>((resolve) => (finish = resolve));
      exit.catch(() => undefined);
      const stdin = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          written.push(chunk);
          done();
        },
        final: (done) => {
          // Random bytes before the marker, so that this request differs from the last one.
          const body = Buffer.concat([randomBytes(16), ...written]);
          acknowledged = link.post(acknowledgePath, body, acknowledgeMs).then(() => noExit);
          finish(acknowledged);
          done();
        },
      });
      return { stdin, stdout: Readable.from([answer]), stderr: Readable.from([]), exit };
    },
    leave: async () => {
      // After a lost acknowledgement the client sends the reports again.
      await acknowledged.catch(() => undefined);
      link.end();
    },
    destroy: () => link.end(),
  };
}
