import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError, type ErrorCode } from '../../platform/errors/errors.ts';
import { abortedError } from '../connection/aborted.ts';
import { endOfEarlier } from '../connection/further-logins.ts';
import { pipeBytes } from '../connection/local.ts';
import { hasEnded, killGroup, withStreams } from '../../platform/child-process.ts';
import { commandArguments } from './openssh-arguments.ts';
import { lastFault, startFault, wordsOf } from './openssh-fault.ts';
import type { OpensshLogReader } from './openssh-log.ts';
import type { Channel, ChannelExit, Connection } from '../transport.ts';

/** The parts of a connection after the login. */
export interface OpensshSession {
  /** The client's name in errors. */
  readonly client: string;
  /** The logged-in ssh, in a process group of its own. */
  readonly master: ChildProcess;
  readonly socket: string;
  /** The reader of the master's stderr. */
  readonly log: OpensshLogReader;
  readonly connectMs: number;
  readonly channelTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Returns the fault that a machine before the client has logged. null if no machine is before the client. */
  readonly whyBroken: (() => FleetError | null) | null;
}

/** The time after `leave` until the processes are killed. */
const lingerMs = 5_000;
/** The time that `leave` waits for a client that reads no more input. The linger timer then ends the command. */
const leaveMs = 250;
/** The time to wait for the master's log about an ended command. */
const verdictMs = 500;
/** The interval of checks for output while the log has not confirmed the command. */
const lookMs = 50;

/** The time to read the last output of an ssh that has ended. */
const lastWordsMs = 250;

/** The time without output after which an ssh whose command has ended is held open. */
const heldMs = 500;

/** The exit status of an ssh that failed. A remote command may end with the same status. */
const ambiguousStatus = 255;

type Command = ChildProcess & { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable };

/**
 * A connection over a logged-in ssh, which ends that ssh's processes. Its methods are properties, so that a copy by
 * spreading has them.
 */
export class OpensshConnection implements Connection {
  readonly connectMs: number;
  readonly byKey: boolean;
  readonly #session: OpensshSession;
  readonly #commands: Command[] = [];
  #broken: FleetError | null = null;
  #left = false;
  readonly #onBroken = new Set<(why: FleetError) => void>();
  readonly #onLog = new Set<() => void>();

  constructor(session: OpensshSession) {
    const { master, socket, log, signal } = session;
    this.#session = session;
    master.stderr?.on('data', (chunk: Buffer) => {
      log.push(chunk);
      for (const look of this.#onLog) look();
    });
    master.once('exit', () => {
      rmSync(socket, { force: true });
      if (!this.#left) void this.#breakOff();
    });
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
    if (hasEnded(master)) this.#end(fault(session, 'connect-failed', 'the client closed the connection'));
    this.connectMs = session.connectMs;
    this.byKey = log.method === 'publickey' && !log.tried.some((method) => /^(?:password|keyboard-)/.test(method));
  }

  /** Returns the bytes without the overhead of the SSH protocol. */
  readonly bytes = () => pipeBytes(this.#commands);

  readonly exec = async (command: string): Promise<Channel> => {
    const before = this.#commands.at(-1);
    if (before !== undefined && !hasEnded(before) && this.#broken === null) {
      const output = [before.stdout, before.stderr];
      await endOfEarlier({ output, ended: once(before, 'exit'), onBroken: this.#onBroken });
    }
    return await this.#start(command);
  };

  readonly #start = (command: string): Promise<Channel> =>
    new Promise((resolve, reject) => {
      if (this.#broken !== null) {
        reject(this.#broken);
        return;
      }
      const { socket, log, channelTimeoutMs } = this.#session;
      const { accepted: acceptedBefore, refused: refusedBefore } = log;
      const child = startCommand(socket, command);
      this.#commands.push(child);
      const accepted = (): boolean => log.accepted > acceptedBefore;
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        clearInterval(looking);
        this.#onBroken.delete(fail);
        this.#onLog.delete(look);
        child.removeListener('exit', onExit);
        outcome();
      };
      const fail = (why: FleetError): void => settle(() => reject(why));
      const exit = this.#exitOf(child, accepted);
      const begin = (): void =>
        settle(() => resolve({ stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit }));
      // Output from the command also counts as a start, for versions of ssh with different log messages.
      const look = (): void => {
        if (log.refused > refusedBefore) {
          killGroup(child);
          fail(fault(this.#session, 'channel-failed', 'the client refused to run a command'));
        } else if (accepted() || printed(child)) begin();
      };
      const onExit = (): void => void exit.then(begin, fail);
      const timer = setTimeout(() => {
        this.#end(fault(this.#session, 'channel-timeout', `no channel for a command within ${channelTimeoutMs} ms`));
      }, channelTimeoutMs);
      const looking = setInterval(look, lookMs);
      this.#onBroken.add(fail);
      this.#onLog.add(look);
      child.once('error', (error) => fail(startFault(this.#session.client, error, 'channel')));
      child.once('exit', onExit);
    });

  readonly leave = async (): Promise<void> => {
    if (this.#left || this.#broken !== null) return;
    this.#left = true;
    const { master, signal } = this.#session;
    signal.removeEventListener('abort', this.#onAbort);
    const child = this.#commands.at(-1);
    const linger = setTimeout(() => {
      for (const one of [...this.#commands, master]) killGroup(one);
    }, lingerMs);
    linger.unref();
    master.once('exit', () => clearTimeout(linger));
    if (child === undefined || hasEnded(child)) {
      master.kill('SIGTERM');
      return;
    }
    // Ending the master here loses nothing: the command has its input, and its output is no longer needed.
    child.once('exit', () => master.kill('SIGTERM'));
    await Promise.race([endInput(child), sleep(leaveMs, undefined, { ref: false })]);
  };

  readonly destroy = (): void => this.#end(fault(this.#session, 'connect-failed', 'the connection was ended here'));

  readonly #onAbort = (): void => {
    const { signal, client } = this.#session;
    this.#end(abortedError(signal, 'channel', client));
  };

  #end(why: FleetError): void {
    const { master, signal } = this.#session;
    this.#broken ??= why;
    signal.removeEventListener('abort', this.#onAbort);
    // Killing the processes closes their ends of the pipes, so that readers end.
    for (const child of [...this.#commands, master]) killGroup(child);
    for (const listener of this.#onBroken) listener(this.#broken);
    this.#onBroken.clear();
  }

  async #breakOff(): Promise<void> {
    const { log, master, whyBroken } = this.#session;
    // ssh ends before its last words are read.
    if (master.stderr?.closed === false) {
      await Promise.race([once(master.stderr, 'close'), sleep(lastWordsMs, undefined, { ref: false })]);
    }
    // A server may close the connection with the channel: the command's status counts, whose ssh ends a moment later.
    const child = this.#commands.at(-1);
    if (child !== undefined && !hasEnded(child)) {
      await Promise.race([once(child, 'exit'), sleep(lastWordsMs, undefined, { ref: false })]);
    }
    const own = fault(this.#session, 'connect-failed', `the connection broke: ${wordsOf(log)}`);
    this.#end((await lastFault(master, whyBroken)) ?? own);
  }

  /** True if the connection works. If it is broken, `#breakOff` reports the fault to pending commands after a delay. */
  #alive(): boolean {
    return this.#broken === null && (this.#left || !hasEnded(this.#session.master));
  }

  /**
   * Returns the exit of a command. Status 255 is ambiguous. The master's log tells these cases apart: the command ended
   * with 255, a signal ended it (ssh does not report which), the client refused it, or the connection broke.
   */
  #exitOf(child: Command, accepted: () => boolean): Promise<ChannelExit> {
    const { log } = this.#session;
    const exit = new Promise<ChannelExit>((resolve, reject) => {
      const fail = (why: FleetError): void => settle(() => reject(why));
      let verdict: NodeJS.Timeout | undefined;
      const held = whenHeld(child, () => settle(() => resolve({ status: null, signal: null })));
      const lookAtEnd = (): void => {
        if (accepted() && log.ended !== null) held.begin();
      };
      const settle = (outcome: () => void): void => {
        clearTimeout(verdict);
        held.cancel();
        this.#onBroken.delete(fail);
        this.#onLog.delete(look);
        this.#onLog.delete(lookAtEnd);
        outcome();
      };
      const look = (): void => {
        const ended = accepted() ? log.ended : null;
        if (ended === 'status') settle(() => resolve({ status: ambiguousStatus, signal: null }));
        else if (ended === 'signal') settle(() => resolve({ status: null, signal: null }));
      };
      this.#onBroken.add(fail);
      this.#onLog.add(lookAtEnd);
      child.once('exit', (status) => {
        held.cancel();
        if (status !== null && status !== ambiguousStatus) {
          settle(() => resolve({ status, signal: null }));
          return;
        }
        if (!this.#alive()) return;
        this.#onLog.add(look);
        verdict = setTimeout(() => {
          if (!this.#alive()) return;
          if (accepted()) settle(() => resolve({ status: null, signal: null }));
          else fail(fault(this.#session, 'channel-failed', `the client runs no command: ${wordsOf(log)}`));
        }, verdictMs);
        look();
      });
    });
    exit.catch(() => undefined);
    return exit;
  }
}

function fault({ client }: OpensshSession, code: ErrorCode, message: string, cause?: unknown): FleetError {
  return new FleetError({ client, code, stage: 'channel', message, cause });
}

function startCommand(socket: string, command: string): Command {
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', LANG: 'C' };
  const options = { detached: true, cwd: '/', env, stdio: 'pipe' } as const;
  const child = withStreams(spawn('ssh', commandArguments(socket, command), options));
  // A command may end without reading its input (EPIPE).
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined);
  return child;
}

/**
 * Calls `onHeld` once an ssh whose command has ended, after `begin`, goes on without output: it ends only with its
 * channel, which a process that the login shell has started in the background holds open.
 */
function whenHeld(child: Command, onHeld: () => void): { readonly begin: () => void; readonly cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const wait = (before: number): void => {
    timer = setTimeout(() => {
      const bytes = child.stdout instanceof Socket ? child.stdout.bytesRead : before;
      if (bytes === before && child.stdout.readableLength === 0) onHeld();
      else wait(bytes);
    }, heldMs);
    timer.unref();
  };
  return {
    begin: () => {
      if (timer === undefined) wait(-1);
    },
    cancel: () => clearTimeout(timer),
  };
}

/** Ends a command's input and discards its output. Resolves once the input is handed over or its pipe is closed. */
function endInput(child: Command): Promise<void> {
  child.stdout.resume();
  child.stderr.resume();
  if (child.stdin.writableFinished || child.stdin.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    child.stdin.once('finish', resolve);
    child.stdin.once('close', resolve);
    child.stdin.end();
  });
}

function printed(child: Command): boolean {
  return [child.stdout, child.stderr].some((stream) => stream instanceof Socket && stream.bytesRead > 0);
}
