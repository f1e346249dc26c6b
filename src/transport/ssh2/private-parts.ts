/**
 * The only file that uses private parts of ssh2, where ssh2 has no public interface: for the pipelined login, the
 * limits on a server's requests, and the check of groups that a server chooses. If the installed version differs from
 * the known releases, `privatePartsOf` returns null, and connections work without these.
 */
import { Duplex } from 'node:stream';

import { newClient, ssh2Version, type Client, type ClientChannel, type ParsedKey } from '../connection/ssh2.ts';

/** The releases of ssh2 for whose source this file was written. */
const knownRelease = /^1\.17\./;

/** A function that ssh2 calls with each message of one type (lib/client.js, `messageHandlers`). */
export type MessageHandler = (...args: never[]) => void;

/** The Protocol of lib/protocol/Protocol.js. */
interface Protocol {
  readonly _handlers: Record<string, MessageHandler | undefined>;
  _kex?: { readonly type: string };
  authPK(
    username: string,
    key: ParsedKey,
    algorithm: string | undefined,
    sign: (data: Buffer, done: (signature: Buffer) => void) => void,
  ): void;
  session(channel: number, windowBytes: number, packetBytes: number): void;
  exec(channel: number, command: string, wantReply: boolean): void;
  ping(): void;
}

interface Opening {
  (error: Error | undefined, channel?: OpenedChannel): void;
  type: 'session';
}

/** The ChannelManager of lib/utils.js. */
interface ChannelManager {
  add(opening: Opening): number;
  remove(channel: number): void;
  get(channel: unknown): { readonly type?: string } | null | undefined;
}

/** The Channel of lib/Channel.js. */
type OpenedChannel = ClientChannel & {
  readonly outgoing: { readonly id: number };
  readonly _callbacks: ((failed: boolean | Error) => void)[];
  subtype: string;
  allowHalfOpen: boolean;
};

/** The DHGroupExchange of lib/protocol/kex.js. */
interface GroupExchange {
  readonly type: 'groupex';
  _prime: Buffer | null;
  _generator: Buffer | null;
  _prefBits: number;
  _maxBits: number;
  _public: Buffer | null;
  _dh: GroupKeys | null;
  setDHParams: (prime: Buffer, generator: Buffer) => void;
  generateKeys: () => void;
}

/** The methods of Node's DiffieHellman that ssh2 calls. */
export interface GroupKeys {
  getPrime(): Buffer;
  getGenerator(): Buffer;
  computeSecret(otherPublicKey: Buffer): Buffer;
}

export interface GroupPolicy {
  readonly maxBits: number;
  /** Throws if the group is unacceptable. */
  readonly check: (prime: Buffer, generator: Buffer) => void;
  readonly generate: (prime: Buffer, generator: Buffer) => { readonly publicKey: Buffer; readonly keys: GroupKeys };
}

/** A session channel that is requested before the login is done. */
export interface EarlyChannel {
  /** Sends the request for the channel and, to the expected number of the server's side, the command. */
  send(serverChannel: number, command: string): void;
  /** Removes the channel, because the server will not answer. */
  remove(): void;
}

export interface PrivateParts {
  /** The handler of each message name. ssh2 calls a replaced entry from then on. */
  readonly handlers: Record<string, MessageHandler | undefined>;
  /** Sends a signed login by public key. */
  readonly sendKeyLogin: Protocol['authPK'];
  /** Reserves a channel. Calls `onOpen` with the channel and the server's number of it, or with an error. */
  readonly reserveChannel: (onOpen: (opened: OpenedEarly | Error) => void) => EarlyChannel;
  /** Returns the open channel of a number; null if none is open. */
  readonly openChannel: (id: unknown) => { readonly type?: string } | null;
  /** Calls the handler of an accepted service, with which ssh2 starts its own login. */
  readonly beginLogin: () => void;
  /** Asks something that the server refuses, as keepalives do. Calls back with the answer, which comes in its turn. */
  readonly ping: (answered: () => void) => void;
}

export interface OpenedEarly {
  readonly serverChannel: number;
  /** Calls back with the answer to the command: its channel, or an error if it does not run. */
  readonly onCommand: (done: (channel: ClientChannel | Error) => void) => void;
}

/** The MAX_WINDOW and PACKET_SIZE of lib/Channel.js. */
const windowBytes = 2 * 1024 * 1024;
const packetBytes = 32 * 1024;

let fit: boolean | null = null;

/** True if the installed ssh2 is a known release with the expected private parts. Checks once a process. */
export function privatePartsFit(): boolean {
  return (fit ??= knownRelease.test(ssh2Version) && areThere());
}

/** True if the private parts exist. Connects to a stream without a peer, because ssh2 creates its parts on connect. */
function areThere(): boolean {
  const ssh = newClient();
  ssh.on('error', () => undefined);
  const sock = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  try {
    ssh.connect({ sock, username: 'nobody', readyTimeout: 0 });
    return rawPartsOf(ssh) !== null;
  } catch {
    return false;
  } finally {
    ssh.destroy();
    sock.destroy();
  }
}

interface RawParts {
  readonly protocol: Protocol;
  readonly channels: ChannelManager;
  /** The callbacks of requests without a channel, in the order of the requests. */
  readonly callbacks: (() => void)[];
}

function rawPartsOf(ssh: Client): RawParts | null {
  const {
    _protocol: protocol,
    _chanMgr: channels,
    _callbacks: callbacks,
  } = ssh as unknown as {
    readonly _protocol?: Partial<Protocol>;
    readonly _chanMgr?: Partial<ChannelManager>;
    readonly _callbacks?: (() => void)[];
  };
  const handlers = protocol?._handlers;
  const functions: readonly unknown[] = [
    ...[
      protocol?.authPK,
      protocol?.session,
      protocol?.exec,
      protocol?.ping,
      channels?.add,
      channels?.remove,
      channels?.get,
    ],
    ...['SERVICE_ACCEPT', 'USERAUTH_FAILURE', 'GLOBAL_REQUEST'].map((name) => handlers?.[name]),
  ];
  if (!functions.every((value) => typeof value === 'function') || !Array.isArray(callbacks)) return null;
  return { protocol: protocol as Protocol, channels: channels as ChannelManager, callbacks };
}

/** Returns the private parts of a client whose `connect` was called; null if they do not fit. */
export function privatePartsOf(ssh: Client): PrivateParts | null {
  const raw = privatePartsFit() ? rawPartsOf(ssh) : null;
  if (raw === null) return null;
  const { protocol, channels, callbacks } = raw;
  return {
    handlers: protocol._handlers,
    sendKeyLogin: (...args) => protocol.authPK(...args),
    reserveChannel: (onOpen) => {
      const opening: Opening = (error, channel) => {
        if (error === undefined && channel !== undefined) onOpen(openedEarly(channel));
        else onOpen(error ?? new Error('no channel'));
      };
      opening.type = 'session';
      const local = channels.add(opening);
      return {
        send: (serverChannel, command) => {
          protocol.session(local, windowBytes, packetBytes);
          protocol.exec(serverChannel, command, true);
        },
        remove: () => channels.remove(local),
      };
    },
    openChannel: (id) => channels.get(id) ?? null,
    beginLogin: () =>
      (protocol._handlers['SERVICE_ACCEPT'] as ((...args: unknown[]) => void) | undefined)?.(protocol, 'ssh-userauth'),
    ping: (answered) => {
      callbacks.push(answered);
      protocol.ping();
    },
  };
}

function openedEarly(channel: OpenedChannel): OpenedEarly {
  return {
    serverChannel: channel.outgoing.id,
    onCommand: (done) => {
      channel._callbacks.push((failed) => {
        if (failed !== false) {
          done(failed === true ? new Error('Unable to exec') : failed);
          return;
        }
        // The same state in which Client.exec leaves a channel.
        channel.subtype = 'exec';
        channel.allowHalfOpen = true;
        done(channel);
      });
    },
  };
}

/**
 * Applies a policy to the groups of later key exchanges. Call it before the server's first bytes. A group exchange
 * whose private parts are unknown ends the connection.
 */
export function takeGroupExchanges(ssh: Client, policy: GroupPolicy): void {
  const protocol = (privatePartsFit() ? rawPartsOf(ssh) : null)?.protocol;
  if (protocol === undefined) return;
  let exchange = protocol._kex;
  Object.defineProperty(protocol, '_kex', {
    get: () => exchange,
    set: (next: Protocol['_kex']) => {
      exchange = next;
      if (next?.type === 'groupex') applyPolicy(next as GroupExchange, policy);
    },
  });
}

function applyPolicy(exchange: GroupExchange, { maxBits, check, generate }: GroupPolicy): void {
  const { _prefBits: preferred, _maxBits: most, setDHParams, generateKeys } = exchange as Partial<GroupExchange>;
  const isKnown =
    [preferred, most].every(Number.isInteger) &&
    [setDHParams, generateKeys].every((value) => typeof value === 'function');
  if (!isKnown) throw new Error('group exchange cannot be checked with this version of ssh2');
  exchange._maxBits = maxBits;
  exchange._prefBits = Math.min(exchange._prefBits, maxBits);
  exchange.setDHParams = (prime, generator) => {
    check(prime, generator);
    [exchange._prime, exchange._generator] = [prime, generator];
  };
  exchange.generateKeys = () => {
    const { _prime: prime, _generator: generator } = exchange;
    if (exchange._dh !== null || prime === null || generator === null) return;
    const { publicKey, keys } = generate(prime, generator);
    [exchange._public, exchange._dh] = [publicKey, keys];
  };
}
