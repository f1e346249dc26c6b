import { spawn, type ChildProcess } from 'node:child_process';

import type { Channel, ChannelExit, Connection } from '../../../src/transport/transport.ts';

export interface ShellConnectionOptions {
  /** The environment of a login: HOME, PATH. No variable of this process is passed on. */
  readonly env: Readonly<Record<string, string>>;
  /** The program and its first arguments, before `-c COMMAND`. */
  readonly shell?: readonly [string, ...string[]];
  /** Texts that run instead of the requested commands, one for each exec, as on a faulty client. */
  readonly scripts?: readonly string[];
  readonly uid?: number;
  /** True for a server that reports no end of a command: neither status nor signal. */
  readonly withoutStatus?: boolean;
}

export interface ShellConnection extends Connection {
  /** The command lines so far. */
  readonly commands: readonly string[];
  readonly children: readonly ChildProcess[];
}

/** Returns a connection to a client that is a child process with an environment of its own. */
export function shellConnection({ env, shell, scripts, uid, withoutStatus }: ShellConnectionOptions): ShellConnection {
  const commands: string[] = [];
  const children: ChildProcess[] = [];
  return {
    commands,
    children,
    connectMs: 0,
    bytes: () => ({ in: 0, out: 0 }),
    exec: (command) => {
      const [program, ...args] = shell ?? ['/bin/sh'];
      const text = scripts?.[commands.length] ?? command;
      commands.push(command);
      const child = spawn(program, [...args, '-c', text], {
        cwd: '/',
        env: { ...env, COMMAND: command },
        ...(uid === undefined ? {} : { uid, gid: uid }),
      });
      children.push(child);
      const channel = channelOf(child);
      const unknown = channel.exit.then(() => ({ status: null, signal: null }));
      return Promise.resolve(withoutStatus === true ? { ...channel, exit: unknown } : channel);
    },
    leave: () => {
      for (const child of children) child.stdin?.end();
      return Promise.resolve();
    },
    destroy: () => {
      for (const child of children) {
        for (const stream of child.stdio) stream?.destroy();
        child.kill('SIGKILL');
      }
    },
  };
}

function channelOf(child: ChildProcess): Channel {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('a child without pipes');
  const exit = new Promise<ChannelExit>((resolve) => {
    child.once('close', (status, signal) => resolve({ status, signal }));
  });
  return { stdin, stdout, stderr, exit };
}
