import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, generateKeyPairSync, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

import { killGroup } from '../platform/child-process.ts';
import { fingerprint, hostKeyOf, type HostKey } from '../transport/known-hosts/fingerprint.ts';
import { opensshPrivateKey } from '../transport/credentials/private-key.ts';
import { newSshServer, type AuthContext, type ServerChannel } from './ssh-server.ts';
import { parseKey } from '../transport/connection/ssh2.ts';

export interface LoopbackOptions {
  /** A private key in OpenSSH's format (see `generateHostKey`); default: a new key. */
  readonly hostKey?: string;
  /** The port, for a restart on the same port; default: chosen by the kernel. */
  readonly port?: number;
  readonly username: string;
  /** The right password; null or absent if no password is accepted. */
  readonly password?: string | null;
  /** The right key as a line of authorized_keys; null or absent if no key is accepted. */
  readonly publicKey?: string | null;
  /** The HOME and working directory of the commands. */
  readonly home: string;
}

export interface LoopbackServer {
  readonly port: number;
  readonly hostKey: HostKey;
  readonly fingerprint: string;
  /** Returns the number of logins so far. */
  connections(): number;
  /** Returns the number of commands so far. */
  execs(): number;
  /** Ends connections and commands, and stops listening. */
  close(): Promise<void>;
}

/**
 * The time that a command has to end after its client has left: an agent still reads acknowledgements from its input.
 */
const lingerMs = 10_000;

/**
 * Generates an Ed25519 host key in OpenSSH's format. ssh2 cannot read about one in a few hundred keys of its own
 * generator.
 */
export function generateHostKey(): string {
  return opensshPrivateKey(generateKeyPairSync('ed25519').privateKey);
}

/**
 * Starts a small SSH server for the demo, which runs each command in a real shell. The server has one account, no
 * terminals and no forwarding. Commands get only HOME, USER, LOGNAME, SHELL, PATH and LANG in their environment.
 */
export async function startLoopbackServer(options: LoopbackOptions): Promise<LoopbackServer> {
  const parsedKey = parseKey(options.hostKey ?? generateHostKey());
  if (parsedKey instanceof Error) throw parsedKey;
  const key = hostKeyOf(parsedKey.getPublicSSH());
  if (key === null) throw new Error('the host key cannot be read');
  const children = new Set<ChildProcess>();
  let connections = 0;
  let execs = 0;

  const server = newSshServer(parsedKey, (client) => {
    // A client that breaks off the connection is no error of the server.
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => {
      if (isRight(attempt, options)) attempt.accept();
      else attempt.reject(['password', 'publickey']);
    });
    client.on('ready', () => {
      connections += 1;
      client.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          execs += 1;
          run(command, acceptExec(), options, children);
        });
      });
    });
  });
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    server.injectSocket(socket);
  });
  listener.listen(options.port ?? 0, '127.0.0.1');
  await once(listener, 'listening');

  return {
    port: (listener.address() as AddressInfo).port,
    hostKey: key,
    fingerprint: fingerprint(key.key),
    connections: () => connections,
    execs: () => execs,
    close: async () => {
      const closed = once(listener, 'close');
      listener.close();
      for (const child of children) killGroup(child);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function isRight(attempt: AuthContext, { username, password, publicKey }: LoopbackOptions): boolean {
  const rightUser = isSame(attempt.username, username);
  if (attempt.method === 'password') return isSame(attempt.password, password ?? '') && rightUser && Boolean(password);
  if (attempt.method !== 'publickey' || !publicKey) return false;
  const known = parseKey(publicKey);
  if (known instanceof Error || !isSame(attempt.key.data, known.getPublicSSH()) || !rightUser) return false;
  // A request without a signature only asks if the key is acceptable.
  if (attempt.signature === undefined || attempt.blob === undefined) return true;
  // ssh2 returns an Error, which is truthy, where its declaration says boolean.
  const verdict: unknown = known.verify(attempt.blob, attempt.signature, attempt.hashAlgo);
  return verdict === true;
}

/** Compares in a time that does not depend on the position of a difference. */
function isSame(given: string | Buffer, right: string | Buffer): boolean {
  const digest = (value: string | Buffer): Buffer => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(right));
}

function run(command: string, channel: ServerChannel, options: LoopbackOptions, children: Set<ChildProcess>): void {
  const { home, username } = options;
  const { PATH = '/usr/local/bin:/usr/bin:/bin', LANG } = process.env;
  const env = { HOME: home, USER: username, LOGNAME: username, SHELL: '/bin/sh', PATH, ...(LANG ? { LANG } : {}) };
  const child = spawn('/bin/sh', ['-c', command], { cwd: home, env, detached: true, stdio: 'pipe' });
  children.add(child);
  let linger: NodeJS.Timeout | undefined;
  child.on('error', () => {
    children.delete(child);
    channel.exit(127);
    channel.end();
  });
  // A command may ignore its input, and a client may leave before the output ends: neither is an error.
  child.stdin.on('error', () => undefined);
  channel.on('error', () => undefined);
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on('close', (status, signal) => {
    children.delete(child);
    clearTimeout(linger);
    if (signal === null) channel.exit(status ?? 255);
    else channel.exit(signal.replace(/^SIG/, ''));
    channel.end();
  });
  channel.on('close', () => {
    if (!children.has(child)) return;
    // Output without a reader would block the command.
    for (const stream of [child.stdout, child.stderr]) stream.unpipe().resume();
    child.stdin.end();
    linger = setTimeout(() => killGroup(child), lingerMs);
  });
}
