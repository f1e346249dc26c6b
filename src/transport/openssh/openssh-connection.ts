import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError, messageOf, type ErrorCode } from '../../errors.ts';
import { abortedError } from '../connection/aborted.ts';
import { hasEnded, killGroup } from '../connection/kill-group.ts';
import { commandArguments } from './openssh-arguments.ts';
import { wordsOf } from './openssh-fault.ts';
import { lastFault } from './openssh-last-fault.ts';
import type { OpensshLogReader } from './openssh-log.ts';
import type { Channel, ChannelExit, Connection } from '../transport.ts';

/** What openssh.ts hands over after the login. */
export interface OpensshSession {
  /** Name in errors. */
  readonly client: string;
  /** Logged in, in a process group of its own. */
  readonly master: ChildProcess;
  readonly socket: string;
  /** Of the master's stderr. */
  readonly log: OpensshLogReader;
  readonly connectMs: number;
  readonly channelTimeoutMs: number;
  readonly signal: AbortSignal;
  /** What a machine before the client has written down of its end; null where there is none. */
  readonly whyBroken: (() => FleetError | null) | null;
}

/** How long a connection that was left may take to close before its processes are killed. */
const lingerMs = 5_000;
/** How long `leave` waits for a client that takes no more input; then the linger timer alone has it. */
const leaveMs = 250;
/** How long the master's words on a command that has ended may take to be read. */
const verdictMs = 500;
/** How often a command is looked at that the log does not say has begun. */
const lookMs = 50;

/** What ssh ends with when it has failed itself; also what a command may end with. */
const ambiguousStatus = 255;

type Command = ChildProcess & { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable };

/** The connection over an ssh that is logged in. From here on its processes are this object's to end. */
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
    // Their ends of the pipes close with them, so that readers come to an end.
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

  /** False: what is under way is told by `breakOff`, which takes its time. */
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
      // A version that words its log differently is not to be waited for: what the command prints says as much.
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
      // Nothing is lost by ending the master now: the command has had its input, and its output was of no more use.
      child.once('exit', () => master.kill('SIGTERM'));
      await Promise.race([endInput(child), sleep(leaveMs, undefined, { ref: false })]);
    },
    destroy: () => end(fault('connect-failed', 'the connection was ended here')),
  };
}

function startCommand(socket: string, command: string): Command {
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', LANG: 'C' };
  const child = spawn('ssh', commandArguments(socket, command), { detached: true, cwd: '/', env, stdio: 'pipe' });
  // A command that ends without reading its input is no fault of ours (EPIPE).
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined);
  return child;
}

/** Ends a command's input and drops its output; resolves when the input was handed over or nobody takes it. */
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
 * How a command ended. 255 alone says too little: the master's log tells a command that ended with it from one that a
 * signal ended (whose name ssh keeps to itself), from one that was refused, and from a connection that broke.
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

/** What went through the pipes of the commands; what SSH adds on the wire is ssh's own affair. */
function pipeBytes(commands: readonly Command[]): { in: number; out: number } {
  const bytes = { in: 0, out: 0 };
  for (const { stdin, stdout, stderr } of commands) {
    for (const source of [stdout, stderr]) if (source instanceof Socket) bytes.in += source.bytesRead;
    if (stdin instanceof Socket) bytes.out += stdin.bytesWritten;
  }
  return bytes;
}
