/** src/transport/http: requests to a client that answers over HTTP. */

/** The transport to a client that is polled over HTTP, where `fleet-health-agent spoke` answers. */
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { connect as connectTls } from 'node:tls';

import { FleetError, changedFault, messageOf } from '../../platform/errors/errors.ts';
import { postSigned } from '../../platform/signed-post.ts';
import { secondMs } from '../../platform/units.ts';
import { urlAddress } from '../../text/url-address.ts';
import { acknowledgePath, encodePolledVisit, maxPushBytes, pushPath, type SignedPath } from '../../report/seal/push.ts';
import { abortedError } from '../connection/aborted.ts';
import { dial } from '../connection/dial.ts';
import { noExit, type ChannelExit, type ConnectOptions, type PolledConnection, type Transport } from '../transport.ts';

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
const maxAcknowledgedBytes = 1024;

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
    const maxAnswerBytes = path === pushPath ? maxPushBytes : maxAcknowledgedBytes;
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
    // RFC 6066, section 3: an address is no name for TLS.
    return isTls ? connectTls({ socket, host, servername: isIP(host) === 0 ? host : '' }) : socket;
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

const adviceOfSpoke =
  'Check that `fleet-health-agent spoke` runs there, and the url of this client; https needs a proxy there.';

const enrolAgain = (client: string): string =>
  `Put the agent.json there that \`fleet-health enroll ${client}\` prints now, and restart its spoke.`;

/** Returns the fault of a client without an enrolment. */
function keyMissing(client: string): FleetError {
  return new FleetError({
    ...{ client, code: 'spoke-refused', stage: 'login' },
    message: `${client} is not enrolled: nothing proves who answers at its url`,
    advice: enrolAgain(client),
  });
}

/** Replaces the advice of a refused connection, which is about sshd. Returns other errors unchanged. */
function dialFault(thrown: unknown): unknown {
  if (!(thrown instanceof FleetError) || thrown.code !== 'connect-refused') return thrown;
  return changedFault(thrown, { advice: adviceOfSpoke });
}

/** A request that failed. */
interface FailedRequest {
  readonly client: string;
  readonly path: SignedPath;
  readonly message: string;
  /** True if the time was over; false if the connection broke. */
  readonly isLate: boolean;
  readonly cause?: unknown;
}

/** Returns the fault of a request without an answer. */
function requestFault({ client, path, message, isLate, cause }: FailedRequest): FleetError {
  if (path === pushPath && isLate)
    return new FleetError({ client, code: 'agent-timeout', stage: 'agent', message, cause });
  return new FleetError({
    ...{ client, code: 'connect-failed', stage: path === pushPath ? 'agent' : 'connect', message, cause },
    advice: adviceOfSpoke,
  });
}

/** Returns the fault of an answer other than 200. */
function answerFault(client: string, url: string, status: number | undefined): FleetError {
  const message = `${url} answered ${status ?? 'nothing'}`;
  if (status === 401) {
    const advice = `${enrolAgain(client)} The log of the spoke has the reason.`;
    return new FleetError({ client, code: 'spoke-refused', stage: 'login', message, advice });
  }
  const advice =
    status === 503
      ? 'Another visit is under way there; the next one is answered.'
      : 'Check that `fleet-health-agent spoke` answers at the url of this client, and its log.';
  return new FleetError({ client, code: 'connect-failed', stage: 'connect', message, advice });
}

/** Returns the fault of an answer whose MAC is wrong. */
function strangerFault(client: string, url: string): FleetError {
  return new FleetError({
    ...{ client, code: 'spoke-refused', stage: 'login' },
    message: `${url} answered without the key of ${client}`,
    advice: 'Something else answers there, or the answer was changed on the way: check the url.',
  });
}
