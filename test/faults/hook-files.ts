/** The instants at which a program changes or syncs files, or uses its standard streams. */
import { createRequire, syncBuiltinESMExports } from 'node:module';

import type { AtInstant } from './kill-hook.ts';

type Method = (...args: never[]) => unknown;
type Methods = Record<string, Method>;

const kinds: Readonly<Record<string, string>> = {
  writeFileSync: 'file-write',
  appendFileSync: 'file-append',
  fsyncSync: 'fsync',
  fdatasyncSync: 'fsync',
  renameSync: 'rename',
  linkSync: 'link',
  symlinkSync: 'symlink',
  unlinkSync: 'unlink',
  rmSync: 'unlink',
  mkdirSync: 'mkdir',
  rename: 'rename',
  link: 'link',
  unlink: 'unlink',
  rm: 'unlink',
  mkdir: 'mkdir',
};
const handleKinds: Readonly<Record<string, string>> = {
  writeFile: 'file-write',
  write: 'file-write',
  appendFile: 'file-append',
  sync: 'fsync',
  datasync: 'fsync',
};

export function watchFiles(atInstant: AtInstant): void {
  const require = createRequire(process.execPath);
  const files = require('node:fs') as Methods & { promises: Methods };
  watch(files, kinds, atInstant);
  watch(files.promises, kinds, atInstant);
  watchDescriptors(files, atInstant);
  watchCallbacks(files, atInstant);
  const open = files.promises['open'] as (...args: unknown[]) => Promise<Methods>;
  files.promises['open'] = async (...args: unknown[]) => {
    const handle = await open(...args);
    watch(handle, handleKinds, atInstant);
    return handle;
  };
  syncBuiltinESMExports();
}

function watch(object: Methods, kindOf: Readonly<Record<string, string>>, atInstant: AtInstant): void {
  for (const [name, kind] of Object.entries(kindOf)) {
    const method = object[name] as ((...args: unknown[]) => unknown) | undefined;
    if (typeof method !== 'function') continue;
    object[name] = (...args: unknown[]) => atInstant(kind, () => method.apply(object, args));
  }
}

/**
 * Watches descriptors 0 and 1: an agent's acknowledgements and its frames. The version that a node says before its
 * agent runs is no instant: without it the client takes another node, which keeps no ledger.
 */
function watchDescriptors(files: Methods, atInstant: AtInstant): void {
  const write = files['writeSync'] as (...args: unknown[]) => number;
  const read = files['readSync'] as (...args: unknown[]) => number;
  files['writeSync'] = (...args: unknown[]) => {
    if (args[1] === process.version) return write(...args);
    const kind = args[0] === 1 ? 'send' : args[0] === 2 ? 'complain' : 'file-write';
    return atInstant(kind, () => write(...args));
  };
  files['readSync'] = (...args: unknown[]) =>
    args[0] === 0 ? atInstant('acknowledgement', () => read(...args)) : read(...args);
}

/** Watches functions with a callback, whose instant lasts until the callback. */
function watchCallbacks(files: Methods, atInstant: AtInstant): void {
  for (const [name, kind] of [
    ['write', 'file-write'],
    ['fsync', 'fsync'],
  ] as const) {
    const method = files[name] as (...args: unknown[]) => void;
    files[name] = (...args: unknown[]) => {
      const done = args.pop() as (...answer: unknown[]) => void;
      const work = (): Promise<unknown[]> =>
        new Promise((resolve) => {
          method(...args, (...answer: unknown[]) => resolve(answer));
        });
      // This calls the program's own callback, which is not part of the promise here.
      // oxlint-disable-next-line promise/no-callback-in-promise
      void atInstant(kind, work).then((answer) => done(...answer));
    };
  }
}
