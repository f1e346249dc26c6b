import type { Readable } from 'node:stream';

import { asFleetError, FleetError } from '../../platform/errors/errors.ts';
import { withDeadline } from '../../platform/deadline.ts';
import type { Channel, Connection } from '../transport.ts';

export interface FurtherLogins {
  /** Logs in again, for one command. Throws FleetError. */
  readonly logIn: (command: string) => Promise<Connection>;
  /** True if the server opens one channel for each connection. */
  readonly isOneChannel: () => boolean;
  /** Called when the server has opened a channel only after a further login. */
  readonly noteOneChannel: () => void;
  readonly signal: AbortSignal;
}

/** The time that a server has for a further channel before a further login is tried. */
const furtherChannelMs = 5_000;

/**
 * Makes a connection that logs in again if the server opens no further channel. Some servers open one channel for each
 * connection, with a refusal for the next (MaxSessions of sshd, while the earlier one is open), or no answer at all
 * (TinySSH). Each command gets one further login at most.
 */
export function withFurtherLogins(first: Connection, logins: FurtherLogins): Connection {
  const all = [first];
  let commands = 0;
  let left = false;
  let destroyed = false;
  const newest = (): Connection => all.at(-1) ?? first;
  const logInAgain = async (command: string, refusal: FleetError | null): Promise<Channel> => {
    await newest().leave();
    const next = await logins.logIn(command);
    all.push(next);
    if (destroyed) next.destroy();
    const channel = await next.exec(command);
    if (refusal !== null && refusal.code !== 'connect-failed') logins.noteOneChannel();
    return channel;
  };
  return {
    connectMs: first.connectMs,
    ...(first.byKey === undefined ? {} : { byKey: first.byKey }),
    bytes: () => {
      const bytes = all.map((one) => one.bytes());
      return { in: sum(bytes.map((one) => one.in)), out: sum(bytes.map((one) => one.out)) };
    },
    exec: async (command) => {
      commands += 1;
      if (commands === 1) return await first.exec(command);
      if (logins.isOneChannel()) return await logInAgain(command, null);
      try {
        return await furtherChannel(newest(), command);
      } catch (thrown) {
        const refusal = asFleetError(thrown, { code: 'channel-failed', stage: 'channel' });
        if (left || destroyed || logins.signal.aborted || !refusals.has(refusal.code)) throw thrown;
        return await logInAgain(command, refusal);
      }
    },
    leave: async () => {
      left = true;
      await newest().leave();
    },
    destroy: () => {
      destroyed = true;
      for (const one of all) one.destroy();
    },
  };
}

/** An earlier command of a connection that has not ended. */
export interface EarlierCommand {
  /** Its streams: with unread output a command does not end. */
  readonly output: readonly Readable[];
  readonly ended: Promise<unknown>;
  /** The functions that the connection calls when it breaks. */
  readonly onBroken: Set<(why: FleetError) => void>;
}

/** The time that an earlier command has to end before the next one starts. Some servers open one channel at a time. */
const endMs = 2_000;

/** Waits for the end of an earlier command: its exit status arrives before its channel is closed. */
export async function endOfEarlier({ output, ended, onBroken }: EarlierCommand): Promise<void> {
  for (const stream of output) stream.resume();
  let over = (): void => undefined;
  let timer: NodeJS.Timeout | undefined;
  const ceased = new Promise<void>((resolve) => {
    over = resolve;
    timer = setTimeout(resolve, endMs);
  });
  onBroken.add(over);
  await Promise.race([ended, ceased]);
  clearTimeout(timer);
  onBroken.delete(over);
}

/** The faults of a channel that another connection may not have. `connect-failed` is a connection that has ended. */
const refusals: ReadonlySet<string> = new Set(['channel-failed', 'channel-timeout', 'connect-failed']);

/** Opens a channel beside or after an earlier one. Ends a connection that does not answer in time. */
async function furtherChannel(connection: Connection, command: string): Promise<Channel> {
  const opened = (): Promise<Channel> => connection.exec(command);
  const late = (): FleetError => {
    const message = `no further channel within ${furtherChannelMs} ms`;
    return new FleetError({ code: 'channel-timeout', stage: 'channel', message });
  };
  return await withDeadline({ timeoutMs: furtherChannelMs, late }, async () => {
    try {
      return await opened();
    } catch (thrown) {
      // sshd counts the earlier channel until it has read its end and looked at its channels again.
      if (asFleetError(thrown, { code: 'internal', stage: 'channel' }).code !== 'channel-failed') throw thrown;
      return await opened();
    }
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
