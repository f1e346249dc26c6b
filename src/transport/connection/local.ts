import { spawn, type ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { Socket } from 'node:net';

import { FleetError, messageOf, type ErrorCode } from '../../platform/errors/errors.ts';
import { homeFolder } from '../../platform/account.ts';
import { abortedError } from './aborted.ts';
import { hasEnded, killGroup, withStreams } from '../../platform/child-process.ts';
import type { Channel, ChannelExit, Connection, ConnectOptions, Transport } from '../transport.ts';

/** The time that a command has to end after `leave`, before its process group is killed. */
const lingerMs = 5_000;

/** The environment variables that a command inherits: as few as a login sets, and no secrets of config.xml. */
const passedOn = /^(?:HOME|USER|LOGNAME|SHELL|PATH|LANG|LC_[A-Z]+|TZ|TMPDIR|XDG_(?:STATE_HOME|RUNTIME_DIR))$/;

/** Returns the home folder; the root folder if the account has none, as in sshd. */
function startFolder(): string {
  try {
    const home = homeFolder() ?? '/';
    return statSync(home).isDirectory() ? home : '/';
  } catch {
    return '/';
  }
}

/**
 * Creates a transport to the collector's own machine, without SSH. Each command runs under `/bin/sh -c` in a process
 * group of its own. `client` is the name in errors.
 */
export function createLocalTransport(client: string): Transport {
  return {
    connect: (options) => {
      const { signal } = options;
      if (signal.aborted) return Promise.reject(abortedError(signal, 'connect', client));
      return Promise.resolve(localConnection(client, options));
    },
  };
}

function localConnection(client: string, { signal }: ConnectOptions): Connection {
  const children: ChildProcess[] = [];
  let current: ChildProcess | null = null;
  let broken: FleetError | null = null;
  let left = false;
  let tellBroken: ((why: FleetError) => void) | null = null;

  const fault = (code: ErrorCode, message: string, cause?: unknown): FleetError =>
    new FleetError({ client, code, stage: 'channel', message, cause });
  const end = (why: FleetError): void => {
    broken ??= why;
    signal.removeEventListener('abort', onAbort);
    tellBroken?.(broken);
    tellBroken = null;
    if (current !== null) endGroup(current);
  };
  const onAbort = (): void => end(abortedError(signal, 'channel', client));
  signal.addEventListener('abort', onAbort, { once: true });

  return {
    connectMs: 0,
    bytes: () => pipeBytes(children),
    exec: (command) =>
      new Promise((resolve, reject) => {
        if (broken !== null) {
          reject(broken);
          return;
        }
        const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => passedOn.test(name)));
        const options = { detached: true, cwd: startFolder(), env, stdio: 'pipe' } as const;
        const child = withStreams(spawn('/bin/sh', ['-c', command], options));
        current = child;
        children.push(child);
        child.once('error', (error) => reject(fault('channel-failed', `/bin/sh: ${messageOf(error)}`, error)));
        child.once('spawn', () => {
          resolve(
            channelOf(child, (fail) => {
              tellBroken = fail;
            }),
          );
        });
      }),
    leave: () => {
      if (left || broken !== null) return Promise.resolve();
      left = true;
      signal.removeEventListener('abort', onAbort);
      const child = current;
      if (child === null || hasEnded(child)) return Promise.resolve();
      const linger = setTimeout(() => endGroup(child), lingerMs);
      linger.unref();
      child.once('exit', () => clearTimeout(linger));
      child.stdout?.resume();
      child.stderr?.resume();
      child.stdin?.end();
      return Promise.resolve();
    },
    destroy: () => end(fault('connect-failed', 'the connection was ended here')),
  };
}

/** Kills the process group of a command, with all processes that the command started in it. */
function endGroup(child: ChildProcess): void {
  for (const stream of child.stdio) stream?.destroy();
  killGroup(child);
}

/** Returns the bytes of the children's pipes, which are sockets with byte counters. */
export function pipeBytes(children: readonly ChildProcess[]): { in: number; out: number } {
  const bytes = { in: 0, out: 0 };
  for (const { stdin, stdout, stderr } of children) {
    for (const source of [stdout, stderr]) if (source instanceof Socket) bytes.in += source.bytesRead;
    if (stdin instanceof Socket) bytes.out += stdin.bytesWritten;
  }
  return bytes;
}

function channelOf(child: ChildProcess, onBroken: (fail: (why: FleetError) => void) => void): Channel {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('a child without its pipes');
  // A command may end without reading its input (EPIPE): that is no error.
  stdin.on('error', () => undefined);
  const exit = new Promise<ChannelExit>((resolve, reject) => {
    onBroken(reject);
    child.once('exit', (status, signal) => resolve({ status, signal }));
  });
  exit.catch(() => undefined);
  return { stdin, stdout, stderr, exit };
}
