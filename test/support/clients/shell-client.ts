/** Clients without node, read by the shell agent: child processes with a shell and an awk that a test chooses. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { visit, type Visited, type VisitOptions } from './agent-visit.ts';
import { shellConnection, type ShellConnection } from './shell-connection.ts';
import { tempFolder } from '../temp-folder.ts';

const PATH = process.env['PATH'] ?? '';

/** The shells that the agent is written for. */
export const shells = ['dash', 'bash', 'mksh', 'busybox ash'] as const;
/** The awks that the agent is written for. */
export const awks = ['mawk', 'gawk', 'busybox awk'] as const;

/** Returns the path of a program; `null` if this machine lacks it. */
export function whereIs(name: string): string | null {
  const dirs = [...PATH.split(':'), '/usr/sbin', '/sbin'];
  return dirs.map((dir) => path.join(dir, name)).find((file) => existsSync(file)) ?? null;
}

/** Returns a program with its first arguments, as words of a command line; `null` if this machine lacks it. */
export function commandOf(program: string): readonly [string, ...string[]] | null {
  const [name = '', ...args] = program.split(' ');
  const found = whereIs(name);
  return found === null ? null : [found, ...args];
}

/** True if a shell runs its own `stat` whatever PATH contains, as the static BusyBox does. */
export function prefersOwnApplets(shell: string): boolean {
  const command = commandOf(shell);
  if (command === null) return false;
  const [program, ...args] = command;
  return spawnSync(program, [...args, '-c', 'stat /'], { env: { PATH: '/nowhere' }, stdio: 'ignore' }).status === 0;
}

export interface ShellClientOptions {
  /** The shell. Default: /bin/sh, unchanged. */
  readonly shell?: string;
  /** The awk. Default: mawk. */
  readonly awk?: string;
  /** The programs that this client lacks. */
  readonly without?: readonly string[];
  /** Further programs of the client: shell text by name. */
  readonly own?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface ShellClient {
  readonly home: string;
  /** The folder of the client's programs. Tests may add some. */
  readonly bin: string;
  /** Opens a connection for up to three execs. */
  readonly connection: () => ShellConnection;
  readonly visit: (options?: Partial<VisitOptions>) => Promise<Visited>;
}

const programs = (
  'cat chmod cp cut date df dd env find grep head id ln ls mkdir mv od printf readlink rm sed sha256sum sleep sort ' +
  'stat systemctl tail timeout tr true uname wc'
).split(' ');

/** Makes a machine whose PATH has the programs of a small system, and no node anywhere. */
export function shellClient(context: TestContext, options: ShellClientOptions = {}): ShellClient {
  const home = tempFolder(context);
  const bin = path.join(home, 'bin');
  mkdirSync(bin);
  const script = (name: string, text: string): void =>
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755, flag: 'wx' });
  for (const name of programs) {
    const found = whereIs(name);
    // A program of the client's own must not be a link: writing through the link would change this machine's program.
    const isOwn = options.own !== undefined && name in options.own;
    if (found !== null && !isOwn && options.without?.includes(name) !== true) symlinkSync(found, path.join(bin, name));
  }
  const awk = commandOf(options.awk ?? 'mawk');
  const hasAwk = options.own?.['awk'] === undefined && options.without?.includes('awk') !== true;
  if (awk !== null && hasAwk) script('awk', `exec ${awk.join(' ')} "$@"`);
  for (const [name, text] of Object.entries(options.own ?? {})) script(name, text);

  const shell = commandOf(options.shell ?? 'dash') ?? ['/bin/sh'];
  // The usual folders of node and of programs belong to this machine. The text replaces them, and replaces /bin/sh by
  // the test's shell.
  const text =
    `COMMAND=$(printf %s "$COMMAND" | ${whereIs('sed') ?? 'sed'} "s:found /usr/local [^;]*;go /snap/bin/node:found ` +
    `/nowhere:")\n` +
    `eval "set -- $COMMAND"; shift; exec ${shell.join(' ')} "$@"`;
  const connection = (): ShellConnection =>
    shellConnection({ env: { HOME: home, PATH: bin, ...options.env }, scripts: [text, text, text] });
  return { home, bin, connection, visit: (more = {}) => visit({ connection: connection(), node: null, ...more }) };
}
