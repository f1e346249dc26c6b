import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { FleetError, type ErrorCode, type Stage } from '../../platform/errors/errors.ts';
import { abortedError } from '../connection/aborted.ts';
import { killGroup, withStreams } from '../../platform/child-process.ts';
import { masterArguments, opensshEnvironment, type OpensshSecrets, type OpensshTarget } from './openssh-arguments.ts';
import { OpensshConnection } from './openssh-connection.ts';
import { confirmAdvice, silentAgent } from '../credentials/agent-problem.ts';
import {
  agentSocket,
  lastFault,
  lateStart,
  opensshFault,
  otherServer,
  startFault,
  wordsOf,
  type OpensshQuestion,
} from './openssh-fault.ts';
import { readOpensshLog, type OpensshLog, type OpensshLogReader } from './openssh-log.ts';
import { checkCredentials, jumpConfig } from './openssh-hop-config.ts';
import { opensshVersion, questionOf } from './openssh-program.ts';
import { waitingWords } from '../connection/server-words.ts';
import { askpassEnvironment, createPrompter } from './openssh-prompts.ts';
import { openHops, type OpensshHops } from './openssh-hops.ts';
import type { Connection, ConnectOptions, Transport } from '../transport.ts';

/** The first version of ssh with SSH_ASKPASS_REQUIRE. */
const askpassVersion = 804;

/**
 * Creates a transport over the installed OpenSSH client. `connect` starts an ssh that logs in and listens on a control
 * socket (ControlMaster). Each command is a second, small ssh over that socket. Login faults thus have their own
 * stages, and several commands share one login. Throws the errors of the built-in transport, `unsupported` without
 * OpenSSH, and `config-invalid` if ssh rejects its files.
 */
export function createOpensshTransport(target: OpensshTarget): Transport {
  return {
    connect: async (options) => {
      const startedMs = performance.now();
      const { signal } = options;
      const { client } = target;
      if (signal.aborted) throw abortedError(signal, 'connect', client);
      const secrets = target.secrets();
      checkCredentials(target, secrets);
      const version = await opensshVersion(client);
      if (version < askpassVersion && (secrets.password !== null || secrets.passphrase !== null)) {
        const message = 'a password or passphrase with transport="openssh" needs OpenSSH 8.4 or newer';
        throw new FleetError({ client, code: 'unsupported', stage: 'login', message });
      }
      const question = await questionOf(target, options);
      return await new OpensshLogin({ target, options, secrets, version, question, startedMs }).run();
    },
  };
}

interface LoginParts {
  readonly target: OpensshTarget;
  readonly options: ConnectOptions;
  readonly secrets: OpensshSecrets;
  readonly version: number;
  readonly question: OpensshQuestion;
  readonly startedMs: number;
}

/** A login, from the start of ssh, under the deadlines. */
class OpensshLogin {
  readonly #parts: LoginParts;
  readonly #log: OpensshLogReader;
  readonly #mark = randomBytes(16).toString('hex');
  readonly #answer: ReturnType<typeof createPrompter>;
  /** The route that config.xml configures. null if config.xml configures none. */
  #hops: OpensshHops | null = null;
  #dialled = false;
  #master: ChildProcess | null = null;
  #settle: ((outcome: Connection | FleetError) => void) | null = null;

  constructor(parts: LoginParts) {
    this.#parts = parts;
    this.#log = readOpensshLog(this.#mark, (prompt) => this.#asked(prompt));
    this.#answer = createPrompter(parts.secrets, parts.target.privateKey);
  }

  async run(): Promise<Connection> {
    const { target, options, version, question, startedMs } = this.#parts;
    const { signal, tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs = connectTimeoutMs } = options;
    const guard = opensshGuard();
    const socket = guard.newSocket();
    const { client } = target;
    const route = target.route === 'direct' ? null : target.route;
    const hops = route === null ? null : openHops({ client, route, dir: `${socket}.hops`, tcpTimeoutMs, version });
    this.#hops = hops;
    const jumpFile = target.route === null && question.jumps ? `${socket}.config` : null;
    if (jumpFile !== null) writeFileSync(jumpFile, jumpConfig(target, question.knownHosts.slice(1)), { mode: 0o600 });
    const master = started(client, () => this.#spawn(socket, hops, jumpFile));
    this.#master = master;
    const release = master.pid === undefined ? (): void => undefined : guard.watch(master.pid);
    master.once('exit', release);
    // The logs of the machines are read until then.
    master.once('exit', () => setTimeout(() => hops?.remove(), 4 * lastWordsMs));
    if (jumpFile !== null) master.once('exit', () => rmSync(jumpFile, { force: true }));
    master.stdin.on('error', () => undefined);

    return await new Promise((resolve, reject) => {
      const left = (timeoutMs: number): number => Math.max(1, timeoutMs - (performance.now() - startedMs));
      const tcpTimer = setTimeout(() => this.#tcpTimeUp(), left(Math.min(tcpTimeoutMs, connectTimeoutMs)));
      const timer = setTimeout(() => this.#timeUp(), left(this.#limitMs));
      const looking = hops === null ? undefined : setInterval(() => this.#lookAtHops(), tcpTimeoutMs);
      const onAbort = (): void => this.#end(abortedError(signal, stages[this.#log.progress], target.client));
      const onData = (chunk: Buffer): void => {
        this.#log.push(chunk);
        const other = otherServer(question, this.#log);
        if (other !== null) this.#end(other);
        else if (this.#log.excessive) this.#fail(this.#late(), 'the client talks without end');
        else if (existsSync(socket)) this.#loggedIn(master, socket, channelTimeoutMs);
      };
      // `close`, because all output is read by then; `exit` too, because a surviving child process may delay `close`.
      const ofHops = hops === null ? null : (): FleetError | null => this.#faultOfHops();
      const onEnd = (): void =>
        void lastFault(master, ofHops).then((fault) => this.#end(fault ?? opensshFault(question, this.#ownLog)));
      const onExit = (): void => void setTimeout(onEnd, lastWordsMs).unref();
      const onError = (error: Error): void => this.#end(startFault(client, error));
      this.#settle = (outcome) => {
        this.#settle = null;
        clearTimeout(tcpTimer);
        clearTimeout(timer);
        clearInterval(looking);
        signal.removeEventListener('abort', onAbort);
        master.stderr.removeListener('data', onData);
        master.removeListener('close', onEnd);
        master.removeListener('exit', onExit);
        if (outcome instanceof FleetError) reject(outcome);
        else resolve(outcome);
      };
      master.stderr.on('data', onData);
      master.once('close', onEnd);
      master.once('exit', onExit);
      master.on('error', onError);
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #spawn(socket: string, hops: OpensshHops | null, jumpFile: string | null) {
    const { target, secrets, version, question } = this.#parts;
    const asks = secrets.password !== null || secrets.passphrase !== null;
    const proxyCommand = hops?.proxyCommand ?? null;
    const files = { otherKnownHosts: question.knownHosts.slice(1), jumpConfig: jumpFile };
    const args = masterArguments(target, { socket, secrets, version, proxyCommand, ...files });
    return withStreams(
      spawn('ssh', args, {
        // A process group of its own, so that child processes, above all a ProxyCommand, are killed with ssh.
        detached: true,
        cwd: '/',
        env: { ...opensshEnvironment(target), ...(asks ? askpassEnvironment(this.#mark) : {}), ...hops?.environment },
        stdio: ['pipe', 'ignore', 'pipe'],
      }),
    );
  }

  #loggedIn(master: ChildProcess, socket: string, channelTimeoutMs: number): void {
    if (this.#settle === null) return;
    const { target, options, startedMs } = this.#parts;
    const connectMs = Math.round(performance.now() - startedMs);
    const { client } = target;
    const parts = { client, master, socket, log: this.#log, connectMs, channelTimeoutMs, signal: options.signal };
    const whyBroken = this.#hops === null ? null : (): FleetError | null => this.#faultOfHops();
    this.#settle(new OpensshConnection({ ...parts, whyBroken }));
  }

  #asked(prompt: string): void {
    if (this.#settle === null) return;
    const reply = this.#answer(prompt, this.#log);
    if ('answer' in reply) this.#master?.stdin?.write(`${reply.answer}\n`);
    else {
      const { tried, wanted } = this.#log;
      const facts = [
        `${this.#parts.question.username} was refused`,
        ...(tried.length > 0 ? [`tried ${tried.join(', ')}`] : []),
        ...(wanted === null ? [] : [`the client takes ${wanted.join(', ')}`]),
        reply.refusal,
      ];
      this.#fail(reply.code, facts.join('; '), 'login');
    }
  }

  #tcpTimeUp(): void {
    const { question } = this.#parts;
    const limit = `within ${Math.min(this.#parts.options.tcpTimeoutMs, this.#parts.options.connectTimeoutMs)} ms`;
    if (this.#log.proxied) return;
    if (this.#log.progress === 'start') this.#end(lateStart(question, this.#log, limit));
    else if (this.#log.progress === 'connect')
      this.#fail('connect-timeout', `no answer from ${question.address} port ${question.port} ${limit}`);
  }

  /** The login deadline, in milliseconds. Each machine on the route adds the time of one client. */
  get #limitMs(): number {
    const { target, options } = this.#parts;
    const { route } = target;
    return options.connectTimeoutMs * (route === null || route === 'direct' ? 1 : route.hops.length + 1);
  }

  /** The log without the proxy that this program configured, because faults name only ssh_config's proxies. */
  get #ownLog(): OpensshLog {
    return this.#hops === null ? this.#log : { ...this.#log, proxied: false };
  }

  #faultOfHops(late?: string): FleetError | null {
    return this.#log.progress === 'start' ? null : (this.#hops?.fault(this.#log.lines, late) ?? null);
  }

  /** Ends the login if the last machine was dialling the client at the previous check and still has no answer. */
  #lookAtHops(): void {
    const dialling = this.#hops?.dialling() === true;
    const { tcpTimeoutMs } = this.#parts.options;
    const fault = dialling && this.#dialled ? this.#faultOfHops(`within ${tcpTimeoutMs} ms`) : null;
    this.#dialled = dialling;
    if (fault !== null) this.#end(fault);
  }

  #timeUp(): void {
    const limit = `within ${this.#limitMs} ms`;
    const { proxied, progress } = this.#ownLog;
    const code = this.#late();
    const fault = this.#faultOfHops(limit);
    if (fault !== null) this.#end(fault);
    else if (progress === 'in') this.#fail('auth-timeout', `ssh opened no control socket ${limit}`);
    else if (progress === 'login') this.#loginTimeUp(limit);
    else if (progress === 'greeted') this.#fail(code, `the key exchange did not end ${limit}`);
    else if (!proxied) this.#fail(code, `TCP stands, but nothing that speaks SSH answered ${limit}`);
    else {
      const message = `the route there, which ssh_config names, did not answer ${limit}: ${wordsOf(this.#log)}`;
      this.#fail('connect-timeout', message, 'connect');
    }
  }

  #loginTimeUp(limit: string): void {
    const { asking, said } = this.#log;
    const { agent } = this.#parts.question;
    if (asking === 'agent' && agent !== null && agent !== 'none') {
      const silence = silentAgent(agentSocket(agent), limit);
      this.#fail('credentials-unusable', silence.message, undefined, silence.advice);
    } else if (asking === 'signature') {
      const message = `no answer to the login ${limit}, since the ssh-agent was asked for a signature`;
      this.#fail('auth-timeout', message, undefined, `${confirmAdvice} If it signs: check PAM on the client.`);
    } else {
      const { words, advice } = waitingWords(said);
      this.#fail('auth-timeout', `no answer to the login ${limit}${words}`, undefined, advice);
    }
  }

  #late(): ErrorCode {
    return stages[this.#log.progress] === 'login' ? 'auth-timeout' : 'handshake-timeout';
  }

  #fail(code: ErrorCode, message: string, stage: Stage = stages[this.#log.progress], advice?: string): void {
    this.#end(new FleetError({ client: this.#parts.target.client, code, stage, message, advice }));
  }

  #end(why: FleetError): void {
    this.#settle?.(why);
    if (this.#master !== null) killGroup(this.#master);
  }
}

/** Returns the child that a function starts. Throws FleetError if this machine cannot start it. */
function started<Child extends ChildProcess>(client: string, start: () => Child): Child {
  try {
    return start();
  } catch (thrown) {
    throw thrown instanceof FleetError ? thrown : startFault(client, thrown);
  }
}

/** The time to read the last output of an ended ssh, in milliseconds. */
const lastWordsMs = 250;

const stages = {
  start: 'resolve',
  connect: 'connect',
  silent: 'handshake',
  greeted: 'handshake',
  login: 'login',
  in: 'login',
} as const satisfies Record<OpensshLogReader['progress'], Stage>;

/** The control sockets and the watchdog that all ssh processes of this process share. */
interface OpensshGuard {
  /** Returns the path of a new control socket, in a folder that only this user can enter. */
  newSocket(): string;
  /**
   * Registers a process group to be killed once this process has ended, however it ends. The returned function cancels
   * the registration.
   */
  watch(pid: number): () => void;
}

/**
 * The watchdog, a shell script. An ssh that waits on its control socket does not notice that this process is gone. The
 * shell reads the process groups from its stdin, which closes when this process ends, even by SIGKILL. The shell then
 * gives the groups 3 seconds to send their last bytes, kills them, and removes the folder.
 */
const watchman =
  'l=;while read -r o g;do case $o in +)l="$l $g";;-)n=;for i in $l;do [ $i = $g ]||n="$n $i";done;l=$n;;esac;done;' +
  '[ -z "$l" ]||{ sleep 3;for i in $l;do kill -KILL -$i;done;};rm -rf "$1"';

/**
 * The longest folder name, in bytes. sockaddr_un(7) takes 107 bytes, and ssh appends 17 to the name while it creates
 * the socket.
 */
const maxFolderBytes = 80;

let current: OpensshGuard | null = null;

/**
 * Returns the guard of this process. Starts it at its first use. Throws the system's error if its folder cannot be
 * created.
 */
function opensshGuard(): OpensshGuard {
  current ??= startGuard();
  return current;
}

function startGuard(): OpensshGuard {
  const own = tmpdir();
  // ssh hands the name of its file to the ssh of a jump through a shell, without quotes.
  const isUsable = Buffer.byteLength(own) <= maxFolderBytes - 10 && /^[\w/.-]+$/.test(own);
  const dir = mkdtempSync(path.join(isUsable ? own : '/tmp', 'fh-'));
  const shell: ChildProcess = withStreams(
    spawn('/bin/sh', ['-c', watchman, 'fleet-health', dir], {
      // A process group of its own, so that a signal to this process's group does not end the guard.
      detached: true,
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
    }),
  );
  const lost = (): void => {
    current = null;
  };
  shell.once('error', lost);
  shell.once('exit', lost);
  shell.stdin?.on('error', () => undefined);
  shell.unref();
  // The guard must not keep this process alive. It ends after this process.
  (shell.stdin as unknown as { unref?: () => void }).unref?.();
  const tell = (line: string): void => void shell.stdin?.write(line);
  let sockets = 0;
  return {
    newSocket: () => {
      sockets += 1;
      return path.join(dir, String(sockets));
    },
    watch: (pid) => {
      tell(`+ ${pid}\n`);
      return () => tell(`- ${pid}\n`);
    },
  };
}
