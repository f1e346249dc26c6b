/**
 * Loaded into a program before its own first line. Records the order in which the program syncs, renames, sends,
 * acknowledges and removes. The files left by a power cut depend on that order alone. No kill can show it, because the
 * kernel keeps what was written.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

import { watchPackages } from './hook-packages.ts';
import { hookEnvironment, hookFiles } from './kill-plan.ts';

export interface OrderLine {
  readonly pid: number;
  readonly event: 'sync' | 'rename' | 'remove' | 'send' | 'acknowledge' | 'commit';
  /** The name of a file (after a rename the new one), or sent bytes in hexadecimal digits. */
  readonly what: string;
  /** The old name, for a rename. */
  readonly from?: string;
}

type Method = (...args: unknown[]) => unknown;
type Files = Record<string, Method>;
type Handle = Files & { readonly fd: number };

const files = createRequire(process.execPath)('node:fs') as Files & { readonly promises: Files };
const write = files['writeSync'] as (fd: number, text: string) => void;
const readlink = files['readlinkSync'] as (file: string) => string;
const order = (files['openSync'] as (file: string, flags: string) => number)(
  path.join(process.env[hookEnvironment.dir] ?? '', hookFiles.order),
  'a',
);

function note(event: OrderLine['event'], what: string, from?: string): void {
  const line: OrderLine = { pid: process.pid, event, what, ...(from === undefined ? {} : { from }) };
  write(order, `${JSON.stringify(line)}\n`);
}

/** Replaces a method by one that records its call once it is done. */
function after(object: Files, name: string, tell: (...args: unknown[]) => void): void {
  const method = object[name];
  if (method === undefined) return;
  object[name] = (...args) => {
    const result = method.apply(object, args);
    if (!(result instanceof Promise)) {
      tell(...args);
      return result;
    }
    return result.then((value: unknown) => {
      tell(...args);
      return value;
    });
  };
}

const nameOf = (fd: unknown): string => readlink(`/proc/self/fd/${String(fd)}`);
/** Returns the path of a file that may be named below the descriptor of a held folder. */
const pathOf = (file: unknown): string => {
  const [, held, rest = ''] = /^(\/proc\/self\/fd\/\d+)(\/.*)$/.exec(String(file)) ?? [];
  return held === undefined ? String(file) : `${readlink(held)}${rest}`;
};
const renamed = (from: unknown, to: unknown): void => note('rename', pathOf(to), pathOf(from));
const removed = (file: unknown): void => note('remove', pathOf(file));
after(files, 'fsyncSync', (fd) => note('sync', nameOf(fd)));
after(files, 'renameSync', renamed);
after(files, 'unlinkSync', removed);
after(files, 'rmSync', removed);
after(files.promises, 'rename', renamed);
after(files.promises, 'rm', removed);
const { fsync } = files;
files['fsync'] = (fd, done) =>
  fsync?.(fd, (error: Error | null) => {
    if (error === null) note('sync', nameOf(fd));
    (done as (error: Error | null) => void)(error);
  });
const { open } = files.promises;
files.promises['open'] = async (...args) => {
  const handle = (await open?.(...args)) as Handle;
  after(handle, 'sync', () => note('sync', nameOf(handle.fd)));
  return handle;
};
// Recorded before it is sent: all that has to be on the disk by then must have been synced.
const send = files['writeSync'];
files['writeSync'] = (...args) => {
  if (args[0] === 1 && Buffer.isBuffer(args[1])) note('send', args[1].toString('hex'));
  return send?.(...args);
};
syncBuiltinESMExports();
watchPackages((kind, work, bytes) => {
  if (kind === 'acknowledge') note('acknowledge', bytes?.toString('hex') ?? '');
  const result = work();
  if (kind === 'sqlite COMMIT') note('commit', '');
  return result;
});
