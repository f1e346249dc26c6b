/** Replays a record of `trace-files.ts` on a disk that forgets, and says what a power cut could leave. */
import { groupBy } from '../../src/platform/group-by.ts';
import type { Name, Snapshot, Step, Trace } from './trace-files.ts';

/** Names and contents that a power cut could leave. */
export interface Remains {
  /** The choice among the possible remains, for people. */
  readonly what: string;
  /** The contents by the path from the folder; null: a folder. Parents come before what they hold. */
  readonly tree: ReadonlyMap<string, Buffer | null>;
}

/** A cut of the power after a step. */
export interface Cut {
  readonly step: number;
  /** The promises that were made by then. */
  readonly promises: readonly string[];
  /** The database as of the last commit, by the paths of its files. */
  readonly database: ReadonlyMap<string, Buffer>;
  readonly remains: readonly Remains[];
}

type NameStep = Extract<Step, { readonly kind: 'name' }>;

/** A disk loses and keeps whole sectors. */
const sectorBytes = 512;

/**
 * Returns the cuts after each step of a run. With `isThorough` each change of a name is tried alone after each step,
 * else after each promise, and once after the change.
 */
export function* cutsOf({ before, steps }: Trace, isThorough: boolean): Generator<Cut> {
  const disk = new ForgettingDisk(before);
  const promises: string[] = [];
  let database: ReadonlyMap<string, Buffer> = new Map();
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'promise') promises.push(step.promise);
    else if (step.kind === 'database') database = step.files;
    else disk.apply(step);
    // At a sync's beginning nothing has changed.
    if (step.kind === 'begin') continue;
    const singles = isThorough || step.kind === 'promise' ? 'all' : step.kind === 'name' ? 'newest' : 'none';
    yield { step: index, promises: [...promises], database, remains: disk.remains(singles) };
  }
}

/**
 * Names and contents, each as of the last sync and as of now. A sync of a folder makes its names durable; a rename into
 * another folder is durable once the new folder is synced. Until then it is done, not done, or, where the file system
 * has no journal, stopped in the middle: a file has both names. A sync of a file makes its content durable, not its
 * name.
 */
export class ForgettingDisk {
  readonly #root: string;
  readonly #names: Map<Name, string>;
  /** The contents of files. A file that was never synced has none here. */
  readonly #contents: Map<string, Buffer>;
  /** The changes of names that no sync has made durable, in their order. */
  #pending: readonly NameStep[] = [];
  /** The contents that no sync has made durable. */
  readonly #written = new Map<string, Buffer>();
  readonly #files: Set<string>;
  readonly #syncs = new Map<number, { readonly names: readonly NameStep[]; readonly content: Buffer | undefined }>();

  constructor({ root, names, contents }: Snapshot) {
    this.#root = root;
    this.#names = new Map(names);
    this.#contents = new Map(contents);
    this.#files = new Set(contents.keys());
  }

  apply(step: Exclude<Step, { readonly kind: 'promise' | 'database' }>): void {
    if (step.kind === 'name') this.#pending = [...this.#pending, step];
    else if (step.kind === 'content') {
      this.#files.add(step.node);
      this.#written.set(step.node, step.content);
    } else if (step.kind === 'begin') this.#begin(step.sync, step.node);
    else this.#end(step.sync, step.node);
  }

  #begin(sync: number, node: string): void {
    const names = this.#pending.filter((step) => folderOf(step) === node);
    this.#syncs.set(sync, { names, content: this.#written.get(node) });
  }

  #end(sync: number, node: string): void {
    const { names = [], content } = this.#syncs.get(sync) ?? {};
    for (const step of names) if (this.#pending.includes(step)) change(this.#names, step);
    this.#pending = this.#pending.filter((step) => !names.includes(step));
    if (content === undefined) return;
    this.#contents.set(node, content);
    if (this.#written.get(node) === content) this.#written.delete(node);
  }

  /**
   * Returns what a cut now could leave: nothing that is not durable, all, changes of names (`singles`) each alone kept
   * or lost, the newest rename in its middle, all names without the contents, and each content torn in several ways.
   * Other combinations are left out.
   */
  remains(singles: 'all' | 'newest' | 'none'): readonly Remains[] {
    const pending = this.#pending;
    const found: Remains[] = [
      this.#remains('nothing unsynced', [], new Map()),
      this.#remains('everything', pending, this.#written),
    ];
    const count = { all: pending.length, newest: 1, none: 0 }[singles];
    for (const step of pending.length > 1 && count > 0 ? pending.slice(-count) : []) {
      const others = pending.filter((one) => one !== step);
      found.push(this.#remains(`${describe(step)} alone`, [step], new Map()));
      found.push(this.#remains(`everything but ${describe(step)}`, others, this.#written));
    }
    const newest = pending.at(-1);
    if (newest !== undefined && count > 0 && this.#isMove(newest)) {
      const halved = [...pending.slice(0, -1), { ...newest, from: null }];
      found.push(this.#remains(`both names in ${describe(newest)}`, halved, this.#written));
    }
    if (this.#written.size > 0) found.push(this.#remains('all names without the contents', pending, new Map()));
    for (const [node, content] of this.#written) {
      for (const [how, torn] of tears(content, this.#contents.get(node) ?? Buffer.alloc(0))) {
        found.push(this.#remains(`a content with ${how}`, pending, new Map([...this.#written, [node, torn]])));
      }
    }
    return found;
  }

  /** True if a change is the rename of a file into another folder. */
  #isMove({ from, to, node }: NameStep): boolean {
    return from !== null && to !== null && nodeOf(from) !== nodeOf(to) && this.#files.has(node);
  }

  #remains(what: string, kept: readonly NameStep[], written: ReadonlyMap<string, Buffer>): Remains {
    const names = new Map(this.#names);
    for (const step of kept) change(names, step);
    const byFolder = groupBy([...names], ([name]) => name.slice(0, name.indexOf('/')));
    const tree = new Map<string, Buffer | null>();
    const visit = (folder: string, place: string): void => {
      for (const [name, node] of byFolder.get(folder) ?? []) {
        const inside = `${place}${name.slice(name.indexOf('/') + 1)}`;
        const content = written.get(node) ?? this.#contents.get(node) ?? Buffer.alloc(0);
        tree.set(inside, this.#files.has(node) ? content : null);
        visit(node, `${inside}/`);
      }
    };
    visit(this.#root, '');
    return { what, tree };
  }
}

function change(names: Map<Name, string>, { from, to, node }: NameStep): void {
  // Another change may have given the old name to another file meanwhile.
  if (from !== null && names.get(from) === node) names.delete(from);
  if (to !== null) names.set(to, node);
}

function folderOf({ from, to }: NameStep): string {
  return nodeOf(to ?? from ?? '/');
}

/** Returns the folder of a name. */
function nodeOf(name: string): string {
  return name.slice(0, name.indexOf('/'));
}

function describe({ from, to }: NameStep): string {
  const [old, now] = [from, to].map((name) => name?.slice(name.indexOf('/') + 1));
  if (old === undefined) return `the new ${now}`;
  return now === undefined ? `the removal of ${old}` : `the rename of ${old} to ${now}`;
}

/** Returns contents between the durable one and the new one. What was appended tears behind the durable content. */
function tears(content: Buffer, durable: Buffer): readonly (readonly [how: string, torn: Buffer])[] {
  const isAppended = content.subarray(0, durable.length).equals(durable);
  const before = isAppended ? durable.length : 0;
  const zeros = Buffer.concat([content.subarray(0, before), Buffer.alloc(content.length - before)]);
  const middle = sectorBytes * Math.floor((before + content.length) / sectorBytes / 2);
  const half = Math.max(before, middle);
  return [
    ['none of its new bytes', content.subarray(0, before)],
    ['its first sectors', content.subarray(0, half)],
    ['zeros in its place', zeros],
    ['zeros after its first sectors', Buffer.concat([content.subarray(0, half), zeros.subarray(half)])],
  ];
}
