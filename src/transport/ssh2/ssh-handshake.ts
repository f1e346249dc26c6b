import { FleetError, messageOf, type ErrorCode } from '../../platform/errors/errors.ts';
import { abortedError } from '../connection/aborted.ts';
import { oneLine } from '../../text/plain-text.ts';
import { connectSsh2, onServerSignatures } from './connect-ssh2.ts';
import { checkHostKey, type HostKeyCheck } from '../known-hosts/host-key-check.ts';
import { LoginAhead, OutOfStep } from './pipelining.ts';
import { describeRefusal, planLogin, type Login } from './login.ts';
import { Sha1Refused } from '../credentials/private-key.ts';
import { offerBytes, serverOffer, sharesNoAlgorithm } from './server-offer.ts';
import type { SshSession } from './ssh-connection.ts';
import { newClient, type Client, type ClientChannel } from '../connection/ssh2.ts';
import type { ConnectOptions } from '../transport.ts';
import { lateHandshake, otherProtocol, otherProtocolAdvice } from '../connection/other-protocol.ts';
import {
  addServerWords,
  closedLogin,
  closedSession,
  halfwayAdvice,
  saidWords,
  sessionAdvice,
  waitingWords,
} from '../connection/server-words.ts';
import { noticeBytes, sshdRejection } from '../connection/sshd-rejection.ts';
import type { Wire } from '../connection/wire.ts';
import type { SshTarget } from './target.ts';
import { type Credentials } from '../credentials/credentials.ts';

/** The error if the server rejects pipelining: another connection has to wait for each answer. */
export class MustWait extends Error {
  /** True if the server refused the first attempt, which then is not made again. */
  readonly firstWasRefused: boolean;

  constructor(firstWasRefused: boolean) {
    super('the server takes nothing ahead of its answers');
    this.firstWasRefused = firstWasRefused;
  }
}

interface HandshakeParts<T> {
  readonly target: SshTarget;
  readonly options: ConnectOptions;
  readonly credentials: Credentials;
  readonly wire: Wire;
  readonly startedMs: number;
  readonly take: (session: SshSession) => T;
  /** The command to send with the login; null for none. */
  readonly ahead: string | null;
  /** True if the first attempt was refused on another connection. */
  readonly withoutFirst: boolean;
}

/** The version line of a server, which RFC 4253 wants to name a software: some send `SSH-2.0-` alone. */
const versionLine = /(?:^|\n)(SSH-2\.0[^\r\n]{0,100})/;

/** The servers that do not look at what they have read before more arrives: TinySSH. */
const waitsForAnswers = /(?:^|\n)SSH-2\.0-tinyssh/;

/** The remedies for what the built-in client refuses of a server during the login. */
const brokenAdvices: readonly (readonly [RegExp, string])[] = [
  [/exchanges keys more than once/, 'Raise RekeyLimit in its sshd_config, or write transport="openssh".'],
  [
    /Bad packet length/,
    'A packet (a long Banner?) has more bytes than the built-in client reads, or is damaged: try transport="openssh".',
  ],
];

/** The SSH handshake and the login, under one deadline, and the first command's channel if it is sent ahead. */
export class Handshake<T> {
  readonly #parts: HandshakeParts<T>;
  readonly #socket: Wire;
  readonly #ssh: Client = newClient();
  readonly #check: HostKeyCheck;
  readonly #login: Login;
  readonly #loginAhead: LoginAhead;
  #progress: 'handshake' | 'login' | 'channel' = 'handshake';
  #problem: string | null = null;
  /** The last lines of text that the server sent during the login. */
  #words: readonly string[] = [];
  /** The first bytes that the server sent. */
  #greeting = '';
  readonly #localAddress: string | null;
  #timer: NodeJS.Timeout | undefined;
  #connectMs = 0;
  #settle: ((outcome: { readonly taken: T } | FleetError | MustWait) => void) | null = null;

  constructor(parts: HandshakeParts<T>) {
    const { target, credentials, wire, withoutFirst } = parts;
    this.#parts = parts;
    this.#socket = wire;
    this.#localAddress = wire.localAddress ?? null;
    this.#check = checkHostKey(target);
    const refuse = (why: string): void => this.#fail('auth-failed', why);
    this.#login = planLogin({ username: target.username, credentials, refuse, withoutFirst });
    this.#loginAhead = new LoginAhead(this.#login);
  }

  run(): Promise<T> {
    const { startedMs, target, options } = this.#parts;
    const { signal, connectTimeoutMs } = options;
    return new Promise((resolve, reject) => {
      const left = Math.max(1, connectTimeoutMs - (performance.now() - startedMs));
      this.#timer = setTimeout(() => this.#timeUp(), left);
      const onAbort = (): void => this.#end(abortedError(signal, this.#progress, target.client));
      this.#settle = (outcome) => {
        this.#settle = null;
        clearTimeout(this.#timer);
        signal.removeEventListener('abort', onAbort);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome.taken);
      };
      this.#socket.once('close', () => this.#closed());
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      const onData = (data: Buffer): void => {
        this.#greeting += data.toString('latin1', 0, offerBytes);
        const other = otherProtocol(this.#greeting);
        if (other !== null) this.#fail('handshake-failed', other, undefined, otherProtocolAdvice);
        if (this.#greeting.length >= offerBytes) this.#socket.removeListener('data', onData);
      };
      this.#socket.on('data', onData);
      this.#begin();
    });
  }

  #begin(): void {
    const ssh = this.#ssh;
    ssh.on('error', (error) => this.#onError(error)).on('end', () => this.#socket.destroy());
    ssh.on('banner', (text) => (this.#words = addServerWords(this.#words, text)));
    ssh.once('handshake', () => {
      this.#progress = 'login';
      try {
        this.#check.proved();
      } catch (thrown) {
        this.#end(thrown as FleetError);
        return;
      }
      // ssh2 sends the service request, and reads what the server sent behind its last message, when this has returned.
      const { ahead } = this.#parts;
      if (ahead !== null && !waitsForAnswers.test(this.#greeting)) queueMicrotask(() => this.#sendAhead(ahead));
    });
    ssh.on('change password', () => this.#fail('auth-failed', 'the password has expired'));
    ssh.once('ready', () => this.#ready());
    try {
      connectSsh2(ssh, {
        sock: this.#socket,
        username: this.#parts.target.username,
        keepaliveInterval: this.#parts.target.keepaliveMs ?? 0,
        kex: this.#parts.target.kex,
        hostKeyAlgorithms: this.#check.algorithms,
        acceptHostKey: (blob) => {
          const wrong = this.#check.check(blob);
          if (wrong !== null) this.#end(wrong);
          return wrong === null;
        },
        authHandler: (authsLeft, partial, next) => {
          // ssh2 accepts `false` for "nothing left", but its type declaration lacks that.
          next(this.#loginAhead.next(authsLeft, partial) as never);
        },
      });
      onServerSignatures(ssh, this.#login.noteSignatures);
    } catch (thrown) {
      this.#fail('handshake-failed', messageOf(thrown), thrown);
    }
  }

  #sendAhead(command: string): void {
    if (this.#settle === null) return;
    const onChannel = (channel: ClientChannel | Error): void => {
      if (channel instanceof OutOfStep || this.#progress !== 'channel') this.#end(new MustWait(false));
      else this.#handOver({ command, channel });
    };
    this.#loginAhead.send({ ssh: this.#ssh, username: this.#parts.target.username, command, onChannel });
  }

  #ready(): void {
    this.#connectMs = Math.round(performance.now() - this.#parts.startedMs);
    if (!this.#loginAhead.isPending) {
      this.#handOver(null);
      return;
    }
    this.#progress = 'channel';
    clearTimeout(this.#timer);
    if (this.#settle !== null) this.#timer = setTimeout(() => this.#timeUp(), this.#channelTimeoutMs);
  }

  #handOver(opened: SshSession['opened']): void {
    if (this.#settle === null) return;
    this.#ssh.removeAllListeners('error');
    this.#ssh.removeAllListeners('end');
    const session = {
      client: this.#parts.target.client,
      ssh: this.#ssh,
      socket: this.#socket,
      ...{ connectMs: this.#connectMs, byKey: this.#login.byKey() },
      channelTimeoutMs: this.#channelTimeoutMs,
      signal: this.#parts.options.signal,
      opened,
    };
    this.#settle({ taken: this.#parts.take(session) });
  }

  get #channelTimeoutMs(): number {
    return this.#parts.options.channelTimeoutMs ?? this.#parts.options.connectTimeoutMs;
  }

  #onError(error: Error & { level?: string; code?: unknown }): void {
    const text = messageOf(error);
    // A fault of the agent or the key: ssh2 continues with the next attempt by itself.
    if (error.level === 'agent' || error instanceof Sha1Refused) this.#problem ??= text;
    else if (error.level === 'client-authentication') this.#refused();
    else if (this.#progress === 'login' && typeof error.code === 'number') this.#refused(text, error);
    else if (this.#progress === 'handshake') this.#handshakeFailed(text, error);
    else
      this.#fail(
        'connect-failed',
        `the connection broke: ${text}`,
        error,
        brokenAdvices.find(([words]) => words.test(text))?.[1],
      );
  }

  #refused(reason: string | null = null, cause?: unknown): void {
    const { agent, problem: unread } = this.#parts.credentials;
    const ofAgent = agent?.problem ?? null;
    const problem = unread ?? ofAgent?.message ?? this.#problem;
    const message = describeRefusal({
      username: this.#parts.target.username,
      login: this.#login,
      problem,
      certificates: this.#parts.credentials.certificates,
      reason,
    });
    // Without an attempt the server has refused nothing.
    const isOwn = problem !== null && !this.#login.wasRefused();
    const half = this.#login.taken().length > 0 ? halfwayAdvice : undefined;
    const advice = isOwn && unread === null ? ofAgent?.advice : half;
    this.#fail(isOwn ? 'credentials-unusable' : 'auth-failed', message + saidWords(this.#words), cause, advice);
  }

  #timeUp(): void {
    const limit = `within ${this.#parts.options.connectTimeoutMs} ms`;
    if (this.#progress === 'channel') {
      this.#fail('channel-timeout', `no channel for a command within ${this.#channelTimeoutMs} ms`);
    } else if (this.#progress === 'login') {
      const silence = this.#parts.credentials.agent?.silence(limit) ?? null;
      const { words, advice } = waitingWords(this.#words);
      if (silence !== null) this.#fail('credentials-unusable', silence.message, undefined, silence.advice);
      else this.#fail('auth-timeout', `no answer to the login ${limit}${words}`, undefined, advice);
    } else this.#fail('handshake-timeout', lateHandshake(this.#greeting, limit));
  }

  #closed(): void {
    if (this.#progress === 'login') {
      const words = this.#loginAhead.isUnanswered ? [] : this.#words;
      const silence = this.#parts.credentials.agent?.silence('until the client closed the connection') ?? null;
      const { code, message, advice } = closedLogin(this.#parts.target.username, words);
      if (silence !== null) this.#fail('credentials-unusable', silence.message, undefined, silence.advice);
      else this.#fail(code, message, undefined, advice);
    } else if (this.#progress === 'channel') this.#fail('connect-failed', closedSession, undefined, sessionAdvice);
    else this.#handshakeFailed('the client closed the connection during the handshake');
  }

  #handshakeFailed(message: string, cause?: unknown): void {
    const [, version] = message === 'Invalid identification string' ? (versionLine.exec(this.#greeting) ?? []) : [];
    if (version !== undefined) {
      const unread = `the built-in client does not read the version of the server, ${JSON.stringify(oneLine(version))}`;
      this.#fail('handshake-failed', unread, cause, 'Write transport="openssh", which reads it.');
      return;
    }
    const notice = sshdRejection(this.#greeting.slice(0, noticeBytes), this.#localAddress);
    if (notice !== null) this.#fail('sshd-rejection', notice, cause);
    else {
      // Without a byte there was no error of the protocol: the other side, or the network, ended the connection.
      const code =
        this.#greeting === ''
          ? 'handshake-closed'
          : sharesNoAlgorithm(message)
            ? 'no-common-algorithm'
            : 'handshake-failed';
      // A server that turns callers away in words of its own, as after a ban.
      const said = /(?:^|\n)SSH-/.test(this.#greeting) ? '' : saidWords(addServerWords([], this.#greeting));
      this.#fail(code, message + serverOffer(message, this.#greeting) + said, cause);
    }
  }

  #fail(code: ErrorCode, message: string, cause?: unknown, advice?: string): void {
    // A broken bastion is the cause if it ended before the client's connection.
    const broken = this.#socket.brokenBy ?? null;
    const { client } = this.#parts.target;
    if (broken !== null) this.#end(broken);
    else if (code === 'connect-failed' && this.#loginAhead.isUnanswered) this.#end(new MustWait(true));
    else this.#end(new FleetError({ client, code, stage: this.#progress, message, cause, advice }));
  }

  #end(why: FleetError | MustWait): void {
    this.#settle?.(why);
    this.#socket.destroy();
  }
}
