import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError, messageOf, type ErrorCode } from '../../errors.ts';
import { abortedError } from '../connection/aborted.ts';
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

/** Makes the connection of a session after the login. The returned connection owns the session and ends it. */
export function sshConnection(session: SshSession): Connection {
  const { client, ssh, socket, signal } = session;
  let current: ClientChannel | null = null;
  let broken: FleetError | null = null;
  let left = false;
  const onBroken = new Set<(why: FleetError) => void>();

  const fault = (code: ErrorCode, message: string, cause?: unknown): FleetError =>
    new FleetError({ client, code, stage: 'channel', message, cause });

  let ahead: { readonly command: string; readonly channel: Channel | FleetError } | null = null;
  if (session.opened !== null) {
    const { command, channel } = session.opened;
    // Listens without a delay: the command's output and its end may have arrived together with the channel.
    if (!(channel instanceof Error)) current = channel;
    const taken =
      channel instanceof Error ? fault('channel-failed', messageOf(channel), channel) : channelOf(channel, onBroken);
    ahead = { command, channel: taken };
  }

  const end = (why: FleetError): void => {
    // A broken bastion is the cause if it ended before the client's connection.
    broken ??= socket.brokenBy ?? why;
    signal.removeEventListener('abort', onAbort);
    // A stream without an end would block its reader for ever.
    if (current !== null && !socket.destroyed) for (const part of [current, current.stderr]) part.push(null);
    socket.destroy();
    for (const tell of onBroken) tell(broken);
    onBroken.clear();
  };
  const onAbort = (): void => end(abortedError(signal, 'channel', client));

  ssh.on('error', (error) => end(fault('connect-failed', `the connection broke: ${messageOf(error)}`, error)));
  socket.on('close', () => end(fault('connect-failed', 'the client closed the connection')));
  socket.on('data', () => {
    const unread = current === null ? 0 : current.readableLength + current.stderr.readableLength;
    if (unread > maxUnreadBytes) end(fault('connect-failed', 'the client sends more than its window allows'));
    else if (socket.writableLength > maxUnsentBytes) end(fault('connect-failed', 'the client does not read'));
  });
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  if (socket.destroyed) end(fault('connect-failed', 'the client closed the connection'));

  const takeAhead = async ({ command, channel }: NonNullable<typeof ahead>, asked: string): Promise<Channel> => {
    ahead = null;
    if (asked !== command) throw new Error('another command was sent ahead of the login');
    if (channel instanceof FleetError) throw channel;
    if (broken !== null) throw broken;
    return await Promise.resolve(channel);
  };

  const open = (command: string): Promise<Channel> =>
    new Promise((resolve, reject) => {
      if (broken !== null) {
        reject(broken);
        return;
      }
      const timer = setTimeout(() => {
        const limit = String(session.channelTimeoutMs);
        end(fault('channel-timeout', `no channel for a command within ${limit} ms`));
      }, session.channelTimeoutMs);
      const fail = (why: FleetError): void => {
        clearTimeout(timer);
        onBroken.delete(fail);
        reject(why);
      };
      onBroken.add(fail);
      try {
        ssh.exec(command, (error, channel) => {
          if (broken !== null || error !== undefined) {
            fail(broken ?? fault('channel-failed', messageOf(error), error));
            return;
          }
          clearTimeout(timer);
          onBroken.delete(fail);
          current = channel;
          resolve(channelOf(channel, onBroken));
        });
      } catch (thrown) {
        fail(fault('connect-failed', messageOf(thrown), thrown));
      }
    });

  return {
    connectMs: session.connectMs,
    byKey: session.byKey,
    bytes: () => ({ in: socket.bytesRead, out: socket.bytesWritten }),
    exec: (command) => (ahead === null ? open(command) : takeAhead(ahead, command)),
    leave: async () => {
      if (left || broken !== null) return;
      left = true;
      signal.removeEventListener('abort', onAbort);
      const linger = setTimeout(() => socket.destroy(), lingerMs);
      linger.unref();
      socket.once('close', () => clearTimeout(linger));
      const ended = (current === null ? Promise.resolve() : endInput(current, socket)).then(() => socket.end());
      await Promise.race([ended, sleep(leaveMs, undefined, { ref: false })]);
    },
    destroy: () => end(fault('connect-failed', 'the connection was ended here')),
  };
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
    const fail = (why: FleetError): void => reject(why);
    onBroken.add(fail);
    const done = (status: number | null | undefined, name: string | null | undefined): void => {
      onBroken.delete(fail);
      resolve({ status: status ?? null, signal: name ?? null });
    };
    channel.once('exit', done);
    channel.once('close', done);
  });
  exit.catch(() => undefined);
  channel.on('error', () => undefined);
  channel.stderr.on('error', () => undefined);
  return { stdin: channel, stdout: channel, stderr: channel.stderr, exit };
}
