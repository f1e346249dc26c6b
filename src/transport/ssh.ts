import { FleetError, messageOf, type ErrorCode, type Stage } from '../errors.ts';
import { abortedError } from './aborted.ts';
import { dial } from './dial.ts';
import { checkHostKey, type HostKeyCheck, type HostKeyQuestion } from './host-key-check.ts';
import { describeRefusal } from './describe-refusal.ts';
import { planLogin, type Credentials, type Login } from './login.ts';
import { Sha1Refused } from './private-key.ts';
import { sshConnection, type SshSession } from './ssh-connection.ts';
import { newClient, type Client } from './ssh2.ts';
import type { ConnectOptions, Transport } from './transport.ts';
import { noticeBytes, turnedAway } from './turned-away.ts';
import type { Wire } from './wire.ts';

/** Everything about the way to one client. */
export interface SshTarget extends HostKeyQuestion {
  /** Host name or IP address. */
  readonly address: string;
  readonly port: number;
  readonly username: string;
  /** Called once for each connection, when it begins; may throw FleetError. */
  readonly credentials: () => Credentials;
  /** What SSH is spoken over; default: TCP, dialled from here. Throws FleetError. */
  readonly dial?: (options: ConnectOptions) => Promise<Wire>;
  /** Of the address, where it is dialled from here; default 0: either. */
  readonly family?: 0 | 4 | 6;
  /** How often the machine is asked whether it still lives, three times at most; default: never. */
  readonly keepaliveMs?: number;
}

/**
 * SSH in this process, through ssh2. `connect` throws FleetError with stage resolve, connect, handshake or login; a
 * client that falls silent at any stage ends by the deadline of that stage, and its socket is destroyed.
 */
export function createSshTransport(target: SshTarget): Transport {
  return { connect: (options) => logIn(target, options, sshConnection) };
}

/** Logs in and hands what stands to `take`, at once: it has to listen to it before anything else happens. */
export async function logIn<T>(
  target: SshTarget,
  options: ConnectOptions,
  take: (session: SshSession) => T,
): Promise<T> {
  const startedMs = performance.now();
  const credentials = target.credentials();
  try {
    requireSomething(target, credentials);
    const wire = await (target.dial ?? dialHere(target))(options);
    return await new Handshake({ target, options, credentials, wire, startedMs, take }).run();
  } finally {
    credentials.agent?.close();
  }
}

function dialHere({ client, address, port, family = 0 }: SshTarget): (options: ConnectOptions) => Promise<Wire> {
  return ({ tcpTimeoutMs, connectTimeoutMs, signal }) =>
    dial({ client, host: address, port, family, timeoutMs: Math.min(tcpTimeoutMs, connectTimeoutMs), signal });
}

function requireSomething(target: SshTarget, { password, keys, agent, problem }: Credentials): void {
  if (password !== null || agent !== null || keys.length > 0) return;
  const { client } = target;
  const message = problem ?? 'neither password nor privateKey nor agent is configured';
  throw new FleetError({ client, code: 'credentials-unusable', stage: 'login', message });
}

interface HandshakeParts<T> {
  readonly target: SshTarget;
  readonly options: ConnectOptions;
  readonly credentials: Credentials;
  readonly wire: Wire;
  readonly startedMs: number;
  readonly take: (session: SshSession) => T;
}

/** From a connection to a login, under one deadline. */
class Handshake<T> {
  readonly #target: SshTarget;
  readonly #options: ConnectOptions;
  readonly #credentials: Credentials;
  readonly #socket: Wire;
  readonly #startedMs: number;
  readonly #take: (session: SshSession) => T;
  readonly #ssh: Client = newClient();
  readonly #check: HostKeyCheck;
  readonly #login: Login;
  #progress: 'silent' | 'greeted' | 'login' = 'silent';
  #problem: string | null = null;
  /** The first bytes that came. */
  #greeting = '';
  readonly #localAddress: string | null;
  #settle: ((outcome: { readonly taken: T } | FleetError) => void) | null = null;

  constructor({ target, options, credentials, wire, startedMs, take }: HandshakeParts<T>) {
    this.#target = target;
    this.#options = options;
    this.#credentials = credentials;
    this.#socket = wire;
    this.#startedMs = startedMs;
    this.#take = take;
    this.#localAddress = wire.localAddress ?? null;
    this.#check = checkHostKey(target);
    this.#login = planLogin(target.username, credentials, (why) => this.#fail('auth-failed', why));
  }

  run(): Promise<T> {
    const { signal, connectTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const left = Math.max(1, connectTimeoutMs - (performance.now() - this.#startedMs));
      const timer = setTimeout(() => this.#timeUp(), left);
      const onAbort = (): void => this.#end(abortedError(signal, this.#stage(), this.#target.client));
      this.#settle = (outcome) => {
        this.#settle = null;
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#socket.removeListener('close', onClose);
        if (outcome instanceof FleetError) reject(outcome);
        else resolve(outcome.taken);
      };
      const onClose = (): void => this.#closed();
      this.#socket.once('close', onClose);
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      const onData = (data: Buffer): void => {
        if (this.#progress === 'silent') this.#progress = 'greeted';
        this.#greeting += data.toString('latin1', 0, noticeBytes);
        if (this.#greeting.length >= noticeBytes) this.#socket.removeListener('data', onData);
      };
      this.#socket.on('data', onData);
      this.#begin();
    });
  }

  #begin(): void {
    const ssh = this.#ssh;
    ssh.on('error', (error) => this.#onError(error));
    ssh.on('end', () => this.#socket.destroy());
    ssh.once('handshake', () => {
      this.#progress = 'login';
      try {
        this.#check.proved();
      } catch (thrown) {
        this.#end(thrown as FleetError);
      }
    });
    ssh.on('change password', () => this.#fail('auth-failed', 'the password has expired'));
    ssh.once('ready', () => this.#ready());
    try {
      ssh.connect({
        sock: this.#socket,
        username: this.#target.username,
        readyTimeout: 0,
        keepaliveInterval: this.#target.keepaliveMs ?? 0,
        algorithms: { serverHostKey: this.#check.algorithms, compress: ['none'] },
        hostVerifier: (blob: Buffer) => {
          const wrong = this.#check.judge(blob);
          if (wrong !== null) this.#end(wrong);
          return wrong === null;
        },
        authHandler: (authsLeft, partial, next) => {
          // ssh2 takes `false` for "nothing left", which its declaration does not know.
          next(this.#login.next(authsLeft, partial) as never);
        },
      });
    } catch (thrown) {
      this.#fail('handshake-failed', messageOf(thrown), thrown);
    }
  }

  #ready(): void {
    if (this.#settle === null) return;
    const { client } = this.#target;
    const { signal, connectTimeoutMs, channelTimeoutMs = connectTimeoutMs } = this.#options;
    this.#ssh.removeAllListeners('error');
    this.#ssh.removeAllListeners('end');
    const connectMs = Math.round(performance.now() - this.#startedMs);
    const parts = { client, ssh: this.#ssh, socket: this.#socket, connectMs, channelTimeoutMs, signal };
    this.#settle({ taken: this.#take(parts) });
  }

  #onError(error: Error & { level?: string; code?: unknown }): void {
    const text = messageOf(error);
    // The agent's fault; ssh2 goes on with the next way by itself.
    if (error.level === 'agent') this.#problem ??= text;
    else if (error instanceof Sha1Refused) this.#problem ??= text;
    else if (error.level === 'client-authentication') this.#refused();
    else if (this.#progress !== 'login') this.#handshakeFailed(text, error);
    else if (typeof error.code === 'number') this.#refused(text, error);
    else this.#fail('connect-failed', `the connection broke: ${text}`, error);
  }

  #refused(said: string | null = null, cause?: unknown): void {
    const problem = this.#credentials.problem ?? this.#problem;
    const message = describeRefusal({
      username: this.#target.username,
      login: this.#login,
      problem,
      certificates: this.#credentials.certificates,
      said,
    });
    // Nothing was refused where nothing could be offered.
    const code = problem !== null && this.#login.tried().length === 0 ? 'credentials-unusable' : 'auth-failed';
    this.#fail(code, message, cause);
  }

  #timeUp(): void {
    const limit = `within ${this.#options.connectTimeoutMs} ms`;
    if (this.#progress === 'login') this.#fail('auth-timeout', `no answer to the login ${limit}`);
    else if (this.#progress === 'greeted') this.#fail('handshake-timeout', `the key exchange did not end ${limit}`);
    else this.#fail('handshake-timeout', `TCP stands, but nothing that speaks SSH answered ${limit}`);
  }

  #closed(): void {
    if (this.#progress === 'login') this.#fail('connect-failed', 'the client closed the connection during the login');
    else this.#handshakeFailed('the client closed the connection during the handshake');
  }

  #handshakeFailed(message: string, cause?: unknown): void {
    const notice = turnedAway(this.#greeting, this.#localAddress);
    if (notice === null) this.#fail('handshake-failed', message, cause);
    else this.#fail('turned-away', notice, cause);
  }

  #stage(): Stage {
    return this.#progress === 'login' ? 'login' : 'handshake';
  }

  #fail(code: ErrorCode, message: string, cause?: unknown): void {
    // What the connection goes through ended before the client did.
    const broken = this.#socket.brokenBy ?? null;
    if (broken !== null) this.#end(broken);
    else this.#end(new FleetError({ client: this.#target.client, code, stage: this.#stage(), message, cause }));
  }

  #end(why: FleetError): void {
    this.#settle?.(why);
    this.#socket.destroy();
  }
}
