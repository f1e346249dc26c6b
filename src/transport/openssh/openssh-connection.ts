import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError, messageOf, type ErrorCode } from '../../errors.ts';
import { abortedError } from '../connection/aborted.ts';
import { pipeBytes } from '../connection/local.ts';
import { hasEnded, killGroup } from '../../platform/kill-group.ts';
import { commandArguments } from './openssh-arguments.ts';
import { lastFault, wordsOf } from './openssh-fault.ts';
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

/** The exit status of an ssh that failed. A remote command may end with the same status. */
const ambiguousStatus = 255;

type Command = ChildProcess & { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable };

/** Returns the connection over a logged-in ssh. The connection ends that ssh's processes. */
export function opensshConnection(session: OpensshSession): Connection {
  const { client, master, socket, log, signal } = session;
  const commands: Command[] = [];
  let broken: FleetError | null = null;
  let left = false;
  const onBroken = new Set<(why: FleetError) => void>();
  const onLog = new Set<() => void>();

  const fault = (code: ErrorCode, message: string, cause?: unknown): FleetError =>
    new FleetError({ client, code, stage: 'channel', message, cause });
  const end = (why: FleetError): void => {
    broken ??= why;
    signal.removeEventListener('abort', onAbort);
    // Killing the processes closes their ends of the pipes, so that readers end.
    for (const child of [...commands, master]) killGroup(child);
    for (const tell of onBroken) tell(broken);
    onBroken.clear();
  };
  const onAbort = (): void => end(abortedError(signal, 'channel', client));
  const breakOff = async (): Promise<void> => {
    const own = fault('connect-failed', `the connection broke: ${wordsOf(log)}`);
    end((await lastFault(master, session.whyBroken)) ?? own);
  };

  master.stderr?.on('data', (chunk: Buffer) => {
    log.push(chunk);
    for (const look of onLog) look();
  });
  master.once('exit', () => {
    rmSync(socket, { force: true });
    if (!left) void breakOff();
  });
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  if (hasEnded(master)) end(fault('connect-failed', 'the client closed the connection'));

  /** False if the connection is broken. `breakOff` then reports the fault to pending commands, after a delay. */
  const alive = (): boolean => broken === null && (left || !hasEnded(master));

  const open = (command: string): Promise<Channel> =>
    new Promise((resolve, reject) => {
      if (broken !== null) {
        reject(broken);
        return;
      }
      const { accepted: acceptedBefore, refused: refusedBefore } = log;
      const child = startCommand(socket, command);
      commands.push(child);
      const accepted = (): boolean => log.accepted > acceptedBefore;
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        clearInterval(looking);
        onBroken.delete(fail);
        onLog.delete(look);
        child.removeListener('exit', onExit);
        outcome();
      };
      const fail = (why: FleetError): void => settle(() => reject(why));
      const exit = exitOf(child, { log, accepted, onBroken, onLog, fault, alive });
      const begin = (): void =>
        settle(() => resolve({ stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit }));
      // Output from the command also counts as a start, for versions of ssh with different log messages.
      const look = (): void => {
        if (log.refused > refusedBefore) {
          killGroup(child);
          fail(fault('channel-failed', 'the client refused to run a command'));
        } else if (accepted() || printed(child)) begin();
      };
      const onExit = (): void => void exit.then(begin, fail);
      const timer = setTimeout(() => {
        end(fault('channel-timeout', `no channel for a command within ${session.channelTimeoutMs} ms`));
      }, session.channelTimeoutMs);
      const looking = setInterval(look, lookMs);
      onBroken.add(fail);
      onLog.add(look);
      child.once('error', (error) =>
        fail(fault('channel-failed', `ssh cannot be started: ${messageOf(error)}`, error)),
      );
      child.once('exit', onExit);
    });

  return {
    connectMs: session.connectMs,
    byKey: log.method === 'publickey' && !log.tried.some((method) => /^(?:password|keyboard-)/.test(method)),
    // Without the overhead of the SSH protocol.
    bytes: () => pipeBytes(commands),
    exec: open,
    leave: async () => {
      if (left || broken !== null) return;
      left = true;
      signal.removeEventListener('abort', onAbort);
      const child = commands.at(-1);
      const linger = setTimeout(() => {
        for (const one of [...commands, master]) killGroup(one);
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
    },
    destroy: () => end(fault('connect-failed', 'the connection was ended here')),
  };
}

function startCommand(socket: string, command: string): Command {
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', LANG: 'C' };
  const child = spawn('ssh', commandArguments(socket, command), { detached: true, cwd: '/', env, stdio: 'pipe' });
  // A command may end without reading its input (EPIPE).
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined);
  return child;
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

interface ExitParts {
  readonly log: OpensshLogReader;
  readonly accepted: () => boolean;
  readonly onBroken: Set<(why: FleetError) => void>;
  readonly onLog: Set<() => void>;
  readonly fault: (code: ErrorCode, message: string) => FleetError;
  readonly alive: () => boolean;
}

/**
 * Returns the exit of a command. Status 255 is ambiguous. The master's log tells these cases apart: the command ended
 * with 255, a signal ended it (ssh does not report which), the client refused it, or the connection broke.
 */
function exitOf(child: Command, { log, accepted, onBroken, onLog, fault, alive }: ExitParts): Promise<ChannelExit> {
  const exit = new Promise<ChannelExit>((resolve, reject) => {
    const fail = (why: FleetError): void => settle(() => reject(why));
    let verdict: NodeJS.Timeout | undefined;
    const settle = (outcome: () => void): void => {
      clearTimeout(verdict);
      onBroken.delete(fail);
      onLog.delete(look);
      outcome();
    };
    const look = (): void => {
      const ended = accepted() ? log.ended : null;
      if (ended === 'status') settle(() => resolve({ status: ambiguousStatus, signal: null }));
      else if (ended === 'signal') settle(() => resolve({ status: null, signal: null }));
    };
    onBroken.add(fail);
    child.once('exit', (status) => {
      if (status !== null && status !== ambiguousStatus) {
        settle(() => resolve({ status, signal: null }));
        return;
      }
      if (!alive()) return;
      onLog.add(look);
      verdict = setTimeout(() => {
        if (!alive()) return;
        if (accepted()) settle(() => resolve({ status: null, signal: null }));
        else fail(fault('channel-failed', `the client runs no command: ${wordsOf(log)}`));
      }, verdictMs);
      look();
    });
  });
  exit.catch(() => undefined);
  return exit;
}

function printed(child: Command): boolean {
  return [child.stdout, child.stderr].some((stream) => stream instanceof Socket && stream.bytesRead > 0);
}
