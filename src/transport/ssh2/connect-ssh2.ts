/** src/transport/ssh2: the built-in SSH client, and the limits of a peer. */
import { groupExchange } from '../../config/values/key-exchanges.ts';
import { boundGroupExchanges } from './group-exchange.ts';
import { offeredKeyExchanges } from '../route/offered-key-exchanges.ts';
import { privatePartsFit, privatePartsOf } from './private-parts.ts';
import type { Client, ConnectConfig, ServerHostKeyAlgorithm } from '../connection/ssh2.ts';

export interface Ssh2Options extends Pick<ConnectConfig, 'sock' | 'username' | 'keepaliveInterval' | 'authHandler'> {
  /** The value of the `kex` setting; default: the usual key exchanges. */
  readonly kex?: string | null | undefined;
  readonly hostKeyAlgorithms: ServerHostKeyAlgorithm[];
  /** Returns false if the server's host key is to be rejected. */
  readonly acceptHostKey: (blob: Buffer) => boolean;
}

/** Starts a connection of ssh2 with the bounds of this folder, without deadlines and without compression. */
export function connectSsh2(
  ssh: Client,
  { kex = null, hostKeyAlgorithms, acceptHostKey, ...options }: Ssh2Options,
): void {
  // Only private parts of ssh2 allow a check of the group that the server chooses.
  const exchanges = offeredKeyExchanges(kex).filter((name) => name !== groupExchange || privatePartsFit());
  // ssh2 would offer all its key exchanges for an empty list.
  if (exchanges.length === 0) throw new Error('none of the key exchanges of `kex` can be offered');
  ssh.connect({
    ...options,
    readyTimeout: 0,
    algorithms: { kex: exchanges, serverHostKey: hostKeyAlgorithms, compress: ['none'] },
    hostVerifier: (blob: Buffer) => {
      boundRequests(ssh);
      return acceptHostKey(blob);
    },
  });
  boundGroupExchanges(ssh);
}

/**
 * Calls back with the algorithms of signatures that the server names (`server-sig-algs` of RFC 8308): at once with
 * none, and with each of the server's lists. ssh2 keeps the first; OpenSSH sends another one once it knows the user.
 * Never calls back if the private parts of ssh2 do not fit.
 */
export function onServerSignatures(ssh: Client, note: (named: readonly string[]) => void): void {
  const handlers = privatePartsOf(ssh)?.handlers;
  const handle = handlers?.['EXT_INFO'];
  if (handlers === undefined || handle === undefined) return;
  note([]);
  handlers['EXT_INFO'] = (...args: readonly unknown[]) => {
    const [, extensions] = args as readonly [unknown, readonly { readonly name: string; readonly algs: string[] }[]];
    const list = extensions.find(({ name }) => name === 'server-sig-algs');
    if (list !== undefined) note(list.algs);
    handle(...(args as never[]));
  };
}

/** The most requests of a connection, plus one for each second: sshd may send a keepalive that often. */
const maxRequests = 64;

/** True if a message needs an answer. Each answer stays in memory until the server reads it. */
export const wantsAnswer: Readonly<Record<string, (args: readonly unknown[]) => boolean>> = {
  GLOBAL_REQUEST: (args) => args[2] === true,
  CHANNEL_REQUEST: (args) => args[3] === true,
  CHANNEL_OPEN: () => true,
  // A login has a dozen of these. ssh2 answers each of them, and an acceptable key with a signature.
  SERVICE_ACCEPT: () => true,
  USERAUTH_FAILURE: () => true,
  USERAUTH_PK_OK: () => true,
  USERAUTH_INFO_REQUEST: () => true,
};

/** True for data of a channel that is not open, as in OpenSSH's client, and for stderr of a forwarded connection. */
const breaksProtocol: Readonly<Record<string, (channel: { readonly type?: string } | null) => boolean>> = {
  CHANNEL_DATA: (channel) => channel === null,
  CHANNEL_EXTENDED_DATA: (channel) => channel === null || channel.type === 'direct-tcpip',
};

/**
 * True if a message announces host keys; such messages are ignored. OpenSSH announces its host keys after a login
 * (PROTOCOL of its sources, section 2.5). ssh2 would request a proof of each for an event that has no listener here: a
 * round trip, and a signature and its verification for each key. Only known_hosts decides which key is right.
 */
function announcesHostKeys([, request, wantsReply]: readonly unknown[]): boolean {
  return request === 'hostkeys-00@openssh.com' && wantsReply !== true;
}

const bounded = new WeakSet<Client>();

/**
 * Ends a connection whose server sends requests without end, exchanges keys more than once a minute, or sends data of
 * no open channel, as sshd does (serverloop.c, channel_lookup). Ignores announced host keys. Call it during a client's
 * first key exchange, before any request. Later calls do nothing.
 */
export function boundRequests(ssh: Client): void {
  if (bounded.has(ssh)) return;
  bounded.add(ssh);
  const parts = privatePartsOf(ssh);
  const handlers = parts?.handlers ?? {};
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  let requests = 0;
  let exchanges = 0;
  let ended = false;
  const end = (why: string): void => {
    ended = true;
    ssh.emit('error', new Error(why));
    ssh.destroy();
  };
  for (const [name, counts] of Object.entries(wantsAnswer)) {
    const handle = handlers[name];
    if (handle === undefined) continue;
    handlers[name] = (...args) => {
      if (ended) return;
      if (counts(args)) requests += 1;
      if (requests > maxRequests + seconds()) end('the server sends requests without end');
      else if (name !== 'GLOBAL_REQUEST' || !announcesHostKeys(args)) handle(...args);
    };
  }
  // Data without a reader would fill the memory as fast as the server sends it.
  for (const [name, isWrong] of Object.entries(breaksProtocol)) {
    const handle = handlers[name];
    if (handle === undefined) continue;
    handlers[name] = (...args: readonly unknown[]) => {
      if (ended) return;
      const channel = parts?.openChannel(args[1]) ?? null;
      if (isWrong(channel)) end('the server sends data that no channel is open for');
      else handle(...(args as never[]));
    };
  }
  // The limit is the first exchange and one more each minute.
  ssh.on('handshake', () => {
    exchanges += 1;
    if (!ended && exchanges > 2 + seconds() / 60) end('the server exchanges keys more than once a minute');
  });
}
