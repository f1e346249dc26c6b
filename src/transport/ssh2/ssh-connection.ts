import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError, messageOf, type ErrorCode } from '../../platform/errors/errors.ts';
import { abortedError } from '../connection/aborted.ts';
import { endOfEarlier } from '../connection/further-logins.ts';
import type { Client, ClientChannel } from '../connection/ssh2.ts';
import type { Channel, ChannelExit, Connection } from '../transport.ts';
import type { Wire } from '../connection/wire.ts';

/** An SSH session after the login. */
export interface SshSession {
  /** The name in errors. */
  readonly client: string;
  readonly ssh: Client;
  readonly socket: Wire;
  readonly connectMs: number;
  /** See `byKey` of Connection. */
  readonly byKey: boolean;
  readonly channelTimeoutMs: number;
  readonly signal: AbortSignal;
  /** The command that was sent ahead of the login, with its channel or error; null if none was sent. */
  readonly opened: { readonly command: string; readonly channel: ClientChannel | Error } | null;
}

/** The time that a connection has to close after `leave`, before it is destroyed. */
const lingerMs = 5_000;
/** The longest wait of `leave` for a client that reads no input; then the linger timer ends the connection. */
const leaveMs = 250;
/**
 * Limits below which a well-behaved peer stays, in bytes. ssh2 grants 2 MiB of window as long as either stream holds
 * less than 2 MiB: up to 6 MiB can gather. But ssh2 also accepts data beyond the window, and it answers requests of a
 * peer that does not read the answers.
 */
const maxUnreadBytes = 8 * 1024 * 1024;
const maxUnsentBytes = 16 * 1024 * 1024;

/** A command that was sent ahead of the login. */
interface CommandAhead {
  readonly command: string;
  readonly channel: Channel | FleetError;
}

/** Makes the connection of a session after the login. The returned connection owns the session and ends it. */
export function sshConnection(session: SshSession): Connection {
  return new SshConnection(session);
}

/** A connection after the login. Its methods are properties, so that a copy by spreading has them. */
class SshConnection implements Connection {
  readonly connectMs: number;
  readonly byKey: boolean;
  readonly #session: SshSession;
  #ahead: CommandAhead | null = null;
  #current: ClientChannel | null = null;
  /** Resolves when the current channel is closed. */
  #closed: Promise<unknown> = Promise.resolve();
  #broken: FleetError | null = null;
  #left = false;
  readonly #onBroken = new Set<(why: FleetError) => void>();

  constructor(session: SshSession) {
    const { ssh, socket, signal, opened } = session;
    this.connectMs = session.connectMs;
    this.byKey = session.byKey;
    this.#session = session;
    if (opened !== null) {
      const { command, channel } = opened;
      // Listens without a delay: the command's output and its end may have arrived together with the channel.
      if (!(channel instanceof Error)) this.#hold(channel);
      const taken =
        channel instanceof Error
          ? this.#fault('channel-failed', messageOf(channel), channel)
          : channelOf(channel, this.#onBroken);
      this.#ahead = { command, channel: taken };
    }
    ssh.on('error', (error) => this.#break(`the connection broke: ${messageOf(error)}`, error));
    socket.on('close', () => this.#break('the client closed the connection'));
    socket.on('data', () => this.#checkBacklog());
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
    if (socket.destroyed) this.#break('the client closed the connection');
  }

  readonly bytes = () => ({ in: this.#session.socket.bytesRead, out: this.#session.socket.bytesWritten });

  readonly exec = (command: string): Promise<Channel> =>
    this.#ahead === null ? this.#openNext(command) : this.#takeAhead(this.#ahead, command);

  readonly leave = async (): Promise<void> => {
    if (this.#left || this.#broken !== null) return;
    this.#left = true;
    const { socket, signal } = this.#session;
    signal.removeEventListener('abort', this.#onAbort);
    const linger = setTimeout(() => socket.destroy(), lingerMs);
    linger.unref();
    socket.once('close', () => clearTimeout(linger));
    const input = this.#current === null ? Promise.resolve() : endInput(this.#current, socket);
    const ended = input.then(() => socket.end());
    await Promise.race([ended, sleep(leaveMs, undefined, { ref: false })]);
  };

  readonly destroy = (): void => this.#break('the connection was ended here');

  readonly #onAbort = (): void => {
    const { signal, client } = this.#session;
    this.#end(abortedError(signal, 'channel', client));
  };

  #fault(code: ErrorCode, message: string, cause?: unknown): FleetError {
    return new FleetError({ client: this.#session.client, code, stage: 'channel', message, cause });
  }

  #break(message: string, cause?: unknown): void {
    this.#end(this.#fault('connect-failed', message, cause));
  }

  #end(why: FleetError): void {
    const { socket, signal } = this.#session;
    // A broken bastion is the cause if it ended before the client's connection.
    this.#broken ??= socket.brokenBy ?? why;
    signal.removeEventListener('abort', this.#onAbort);
    const current = this.#current;
    // A stream without an end would block its reader for ever.
    if (current !== null && !socket.destroyed) for (const part of [current, current.stderr]) part.push(null);
    socket.destroy();
    for (const listener of this.#onBroken) listener(this.#broken);
  }

  #checkBacklog(): void {
    const current = this.#current;
    const unread = current === null ? 0 : current.readableLength + current.stderr.readableLength;
    if (unread > maxUnreadBytes) this.#break('the client sends more than its window allows');
    else if (this.#session.socket.writableLength > maxUnsentBytes) this.#break('the client does not read');
  }

  async #takeAhead({ command, channel }: CommandAhead, asked: string): Promise<Channel> {
    this.#ahead = null;
    if (asked !== command) throw new Error('another command was sent ahead of the login');
    if (channel instanceof FleetError) throw channel;
    if (this.#broken !== null) throw this.#broken;
    return await Promise.resolve(channel);
  }

  #hold(channel: ClientChannel): void {
    this.#current = channel;
    this.#closed = new Promise((resolve) => channel.once('close', resolve));
  }

  /** Opens a channel once the one before is closed: a command's exit status arrives before its channel closes. */
  async #openNext(command: string): Promise<Channel> {
    const current = this.#current;
    if (current !== null && this.#broken === null) {
      const output = [current, current.stderr];
      await endOfEarlier({ output, ended: this.#closed, onBroken: this.#onBroken });
    }
    return await this.#open(command);
  }

  #open(command: string): Promise<Channel> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== null) {
        reject(this.#broken);
        return;
      }
      const { ssh, channelTimeoutMs } = this.#session;
      const timer = setTimeout(() => {
        const limit = String(channelTimeoutMs);
        this.#end(this.#fault('channel-timeout', `no channel for a command within ${limit} ms`));
      }, channelTimeoutMs);
      const fail = (why: FleetError): void => {
        clearTimeout(timer);
        reject(why);
      };
      this.#onBroken.add(fail);
      try {
        ssh.exec(command, (error, channel) => {
          if (error !== undefined) {
            fail(this.#fault('channel-failed', messageOf(error), error));
            return;
          }
          clearTimeout(timer);
          this.#hold(channel);
          resolve(channelOf(channel, this.#onBroken));
        });
      } catch (thrown) {
        fail(this.#fault('connect-failed', messageOf(thrown), thrown));
      }
    });
  }
}

/** Ends a channel's input and drops its output. Resolves when the socket has taken the end or is closed. */
function endInput(channel: ClientChannel, socket: Wire): Promise<void> {
  channel.resume();
  channel.stderr.resume();
  if (channel.writableFinished || socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    channel.once('finish', resolve);
    channel.once('close', resolve);
    socket.once('close', () => resolve());
    channel.end();
  });
}

function channelOf(channel: ClientChannel, onBroken: Set<(why: FleetError) => void>): Channel {
  const exit = new Promise<ChannelExit>((resolve, reject) => {
    onBroken.add(reject);
    const done = (status: number | null | undefined, name: string | null | undefined): void =>
      resolve({ status: status ?? null, signal: name ?? null });
    channel.once('exit', done);
    channel.once('close', done);
  });
  exit.catch(() => undefined);
  channel.on('error', () => undefined);
  channel.stderr.on('error', () => undefined);
  return { stdin: channel, stdout: channel, stderr: channel.stderr, exit };
}
