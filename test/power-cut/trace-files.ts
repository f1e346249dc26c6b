/**
 * Records what a run does to the files of a folder: the names and contents after each call of fs, each sync, and each
 * promise that the run makes to somebody. `forgetting-disk.ts` replays the record and says what a power cut could leave
 * at each step. A replay serves better than functions that simulate a disk: the product runs on the real fs, nothing
 * has to answer reads, and one run shows all of its cuts. The names and contents are read from the real folder after
 * each call, not derived from its arguments, so a call that is not watched only merges two steps.
 *
 * SQLite promises itself that a commit survives. Of its files only the fleet's database is kept, as of the last commit.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type fs from 'node:fs';
import path from 'node:path';

import { errnoOf } from '../../src/platform/errors/errors.ts';

/** A name in a folder: the folder's inode and the name. */
export type Name = `${string}/${string}`;

export type Step =
  /** A name that appeared, went, or moved. `to` is null if it went, `from` if it is new. */
  | { readonly kind: 'name'; readonly from: Name | null; readonly to: Name | null; readonly node: string }
  | { readonly kind: 'content'; readonly node: string; readonly content: Buffer }
  /** A sync begins, or has ended. Only what was there at its beginning is on the disk at its end. */
  | { readonly kind: 'begin' | 'end'; readonly node: string; readonly sync: number }
  | { readonly kind: 'database'; readonly files: ReadonlyMap<string, Buffer> }
  | { readonly kind: 'promise'; readonly promise: string };

/** The files of a folder: its names, and the contents of files. A node without a content is a folder. */
export interface Snapshot {
  readonly root: string;
  readonly names: ReadonlyMap<Name, string>;
  readonly contents: ReadonlyMap<string, Buffer>;
}

export interface Trace {
  readonly before: Snapshot;
  readonly steps: readonly Step[];
}

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

const files = createRequire(import.meta.url)('node:fs') as typeof fs;
const { closeSync, existsSync, fstatSync, lstatSync, openSync, readdirSync, readFileSync, statSync } = files;

const changes = ['open', 'writeFile', 'appendFile', 'rename', 'link', 'unlink', 'rm', 'rmdir', 'mkdir', 'copyFile'];
const handleChanges = ['write', 'writeFile', 'appendFile', 'truncate'];

/** The tracer of the running work. The functions of fs stay watched after it: Node keeps some of them elsewhere too. */
let current: Tracer | null = null;
let isWatching = false;

/**
 * Runs work, which may change only the folder and calls `promise` at the moment when somebody is told that a thing is
 * safe. Returns the record. Only one at a time.
 */
export async function traceFiles(
  dir: string,
  work: (promise: (what: string) => void) => Promise<unknown>,
): Promise<Trace> {
  if (!isWatching) await watchFiles();
  isWatching = true;
  const tracer = new Tracer(dir);
  current = tracer;
  try {
    await work((promise) => tracer.promise(promise));
    tracer.note();
  } finally {
    current = null;
  }
  return { before: tracer.before, steps: tracer.steps };
}

class Tracer {
  readonly before: Snapshot;
  readonly steps: Step[] = [];
  readonly #dir: string;
  #last: Snapshot;
  #database = '';
  #syncs = 0;

  constructor(dir: string) {
    this.#dir = dir;
    this.before = snapshot(dir);
    this.#last = this.before;
    this.noteDatabase();
  }

  promise(promise: string): void {
    this.note();
    this.steps.push({ kind: 'promise', promise });
  }

  /** Records what has changed since the last note. */
  note(): void {
    this.noteDatabase();
    const now = snapshot(this.#dir);
    this.steps.push(...changesBetween(this.#last, now));
    this.#last = now;
  }

  /** Records the beginning of a sync. Returns a function that records its end. */
  sync(descriptor: number): () => void {
    this.note();
    const node = nodeOf(fstatSync(descriptor, { bigint: true }));
    const sync = this.#syncs++;
    this.steps.push({ kind: 'begin', node, sync });
    return () => {
      this.note();
      this.steps.push({ kind: 'end', node, sync });
    };
  }

  /** Records the database if it has changed. */
  noteDatabase(): void {
    const names = ['fleet.db', 'fleet.db-wal'].map((name) => path.join(this.#dir, 'state', name));
    const facts = names.map((name) => statSync(name, { throwIfNoEntry: false, bigint: true }));
    const state = facts.map((one) => `${one?.ino} ${one?.size} ${one?.mtimeNs}`).join();
    if (state === this.#database) return;
    this.#database = state;
    const there = names.filter((_, index) => facts[index] !== undefined);
    this.steps.push({ kind: 'database', files: new Map(there.map((name) => [name, readFileSync(name)])) });
  }
}

/** Replaces the functions of fs by watched ones. */
async function watchFiles(): Promise<void> {
  const synchronous = files as unknown as Methods;
  const promised = files.promises as unknown as Methods;
  const handle = await files.promises.open(import.meta.filename, 'r');
  const handles = Object.getPrototypeOf(handle) as Methods;
  await handle.close();
  const changing: Around = (tracer, work) => {
    tracer.noteDatabase();
    return afterwards(work, () => tracer.note());
  };
  for (const name of changes) {
    replace(synchronous, `${name}Sync`, changing);
    replace(promised, name, changing);
  }
  replace(synchronous, 'writeSync', changing);
  for (const name of handleChanges) replace(handles, name, changing);
  for (const name of ['sync', 'datasync']) {
    replace(synchronous, `f${name}Sync`, (tracer, work, _, fd) => afterwards(work, tracer.sync(Number(fd))));
    replace(handles, name, (tracer, work, self) => afterwards(work, tracer.sync((self as Handle).fd)));
  }
  syncBuiltinESMExports();
}

type Handle = { readonly fd: number };
type Around = (tracer: Tracer, work: () => unknown, self: unknown, first: unknown) => unknown;

function replace(object: Methods, name: string, around: Around): void {
  const method = object[name];
  if (method === undefined) return;
  object[name] = function (...args) {
    const work = (): unknown => method.apply(this, args);
    return current === null ? work() : around(current, work, this, args[0]);
  };
}

/** Does work and calls `then` if it does not fail. */
function afterwards(work: () => unknown, then: () => void): unknown {
  const result = work();
  if (!(result instanceof Promise)) {
    then();
    return result;
  }
  return result.then((value: unknown) => {
    then();
    return value;
  });
}

const nodeOf = ({ ino }: { readonly ino: bigint }): string => String(ino);

/** The files of SQLite, and the one under which `makeMigrated` makes a database. */
const isDatabase = /\.db([-.]\w+)?$/;

/** Reads the folder, again if a call that another thread still works on has moved a file meanwhile. */
function snapshot(dir: string): Snapshot {
  for (;;) {
    try {
      return readNow(dir);
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT' || !existsSync(dir)) throw thrown;
    }
  }
}

function readNow(dir: string): Snapshot {
  const names = new Map<Name, string>();
  const contents = new Map<string, Buffer>();
  const visit = (folder: string, node: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (isDatabase.test(entry.name)) continue;
      const place = path.join(folder, entry.name);
      const own = nodeOf(lstatSync(place, { bigint: true }));
      names.set(`${node}/${entry.name}`, own);
      if (entry.isDirectory()) visit(place, own);
      else contents.set(own, readWhole(place));
    }
  };
  const root = nodeOf(lstatSync(dir, { bigint: true }));
  visit(dir, root);
  return { root, names, contents };
}

/** Reads a file without a watched function. */
function readWhole(file: string): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function changesBetween(before: Snapshot, now: Snapshot): readonly Step[] {
  const steps: Step[] = [];
  for (const [node, content] of now.contents) {
    // The content comes before the name: a new name never shows less than what was written.
    if (before.contents.get(node)?.equals(content) !== true) steps.push({ kind: 'content', node, content });
  }
  const gone = new Map<Name, string>();
  for (const [name, node] of before.names) if (now.names.get(name) !== node) gone.set(name, node);
  for (const [to, node] of now.names) {
    if (before.names.get(to) === node) continue;
    const from = [...gone].find(([name, other]) => other === node && !now.names.has(name))?.[0] ?? null;
    if (from !== null) gone.delete(from);
    gone.delete(to);
    steps.push({ kind: 'name', from, to, node });
  }
  for (const [from, node] of gone) steps.push({ kind: 'name', from, to: null, node });
  return steps;
}
