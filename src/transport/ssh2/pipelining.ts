import type { AuthenticationType, Client, ClientChannel, ParsedKey } from '../connection/ssh2.ts';
import { hasKnownPrivateParts } from '../connection/ssh2.ts';

/**
 * A login that does not wait: signed public key, session channel and exec go out behind the service request, in one
 * flight, where SSH otherwise waits for five answers (RFC 4252, section 7; RFC 4254, sections 5.1 and 6.5). sshd and
 * dropbear take the messages in order, so each is answered as if it had come in its turn.
 *
 * ssh2 offers no public way to that. This file touches its private parts, and only in the version that
 * it was written for: with any other it does nothing, and logins wait as ever.
 */

/** Client.exec of ssh2 grants the same: MAX_WINDOW and PACKET_SIZE of its lib/Channel.js. */
const windowBytes = 2 * 1024 * 1024;
const packetBytes = 32 * 1024;

/** What OpenSSH and dropbear number the first channel of a connection; RFC 4254 leaves it to them. */
const guessedChannel = 0;

interface Protocol {
  readonly _handlers: Record<string, ((...args: never[]) => void) | undefined>;
  authPK(
    username: string,
    key: ParsedKey,
    algorithm: string | undefined,
    sign: (data: Buffer, done: (signature: Buffer) => void) => void,
  ): void;
  session(channel: number, windowBytes: number, packetBytes: number): void;
  exec(channel: number, command: string, wantReply: boolean): void;
}

interface Opening {
  (error: Error | undefined, channel?: OpenedChannel): void;
  type: 'session';
}

interface ChannelManager {
  add(opening: Opening): number;
  remove(channel: number): void;
}

type OpenedChannel = ClientChannel & {
  readonly outgoing: { readonly id: number };
  readonly _callbacks: ((failed: boolean | Error) => void)[];
  subtype: string;
  allowHalfOpen: boolean;
};

interface PrivateParts {
  readonly _protocol?: Partial<Protocol>;
  readonly _chanMgr?: Partial<ChannelManager>;
}

/** The server's answers fit no order that it was asked in. The same connection is of no more use. */
export class OutOfStep extends Error {}

export interface Refusal {
  readonly left: AuthenticationType[];
  readonly partial: boolean;
}

export interface AheadOptions {
  readonly ssh: Client;
  readonly username: string;
  readonly key: ParsedKey;
  readonly command: string;
  /** The key was not taken, or was not enough. ssh2 goes on with its authHandler as if this had been its first try. */
  readonly onRefused: (refusal: Refusal) => void;
  /** The channel whose command runs; or why there is none: OutOfStep, or what the server says. Not after a refusal. */
  readonly onChannel: (channel: ClientChannel | Error) => void;
}

/**
 * To be called in the listener of ssh2's first `handshake`, once the host key is proved: ssh2 itself sends the service
 * request when the listeners have returned, and what is behind it goes out in the same turn. False: nothing is sent, and
 * the login goes the ordinary way.
 */
export function sendAhead(options: AheadOptions): boolean {
  const parts = partsOf(options.ssh);
  if (parts === null) return false;
  const { protocol, channels } = parts;
  const { username, key, command, onRefused, onChannel } = options;
  const handlers = protocol._handlers;
  const waiting = { SERVICE_ACCEPT: handlers['SERVICE_ACCEPT'], USERAUTH_FAILURE: handlers['USERAUTH_FAILURE'] };

  const opening: Opening = (error, channel) => {
    if (error !== undefined || channel === undefined) onChannel(error ?? new Error('no channel'));
    else if (channel.outgoing.id !== guessedChannel) onChannel(new OutOfStep(`channel ${channel.outgoing.id}`));
    else awaitExec(channel, onChannel);
  };
  opening.type = 'session';
  const local = channels.add(opening);

  // ssh2 would begin its own login here, and the one under way would be a second one.
  handlers['SERVICE_ACCEPT'] = () => undefined;
  handlers['USERAUTH_FAILURE'] = (_protocol: unknown, left: AuthenticationType[], partial: boolean) => {
    Object.assign(handlers, waiting);
    channels.remove(local);
    onRefused({ left, partial });
    (waiting.SERVICE_ACCEPT as ((...args: unknown[]) => void) | undefined)?.(protocol, 'ssh-userauth');
  };

  queueMicrotask(() => {
    try {
      sendLogin(protocol, username, key);
      protocol.session(local, windowBytes, packetBytes);
      protocol.exec(guessedChannel, command, true);
    } catch (thrown) {
      channels.remove(local);
      options.ssh.emit('error', thrown);
    }
  });
  return true;
}

function sendLogin(protocol: Protocol, username: string, key: ParsedKey): void {
  // RSA: SHA-256 is what every server takes that takes RSA without SHA-1 (RFC 8332, section 3).
  const [algorithm, hash] = key.type === 'ssh-rsa' ? ['rsa-sha2-256', 'sha256'] : [];
  protocol.authPK(username, key, algorithm, (data, done) => {
    const signature: unknown = key.sign(data, hash);
    if (signature instanceof Error) throw Object.assign(signature, { level: 'client-authentication' });
    done(signature as Buffer);
  });
}

function awaitExec(channel: OpenedChannel, onChannel: AheadOptions['onChannel']): void {
  channel._callbacks.push((failed) => {
    if (failed !== false) {
      onChannel(failed === true ? new Error('Unable to exec') : failed);
      return;
    }
    channel.subtype = 'exec';
    channel.allowHalfOpen = true;
    onChannel(channel);
  });
}

/** null where ssh2 is not what this file knows. */
function partsOf(ssh: Client): { readonly protocol: Protocol; readonly channels: ChannelManager } | null {
  if (!hasKnownPrivateParts) return null;
  const { _protocol: protocol, _chanMgr: channels } = ssh as unknown as PrivateParts;
  const { _handlers, authPK, session, exec } = protocol ?? {};
  if (!areFunctions(authPK, session, exec, channels?.add, channels?.remove)) return null;
  if (!areFunctions(_handlers?.['SERVICE_ACCEPT'], _handlers?.['USERAUTH_FAILURE'])) return null;
  return { protocol: protocol as Protocol, channels: channels as ChannelManager };
}

function areFunctions(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'function');
}
