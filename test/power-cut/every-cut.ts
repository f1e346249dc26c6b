import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { isWide } from '../support/long-tests.ts';
import { cutsOf, type Cut, type Remains } from './forgetting-disk.ts';
import { traceFiles } from './trace-files.ts';

/** A run of the product whose power is cut. */
export interface CutRun {
  /** The folder that survives a power cut. The run changes files there and nowhere else. */
  readonly dir: string;
  /** Runs undisturbed. Calls `promise` at the moment when somebody is told that a thing is safe. */
  readonly run: (promise: (what: string) => void) => Promise<unknown>;
  /** Runs the product again on what a cut has left. Returns the promises that hold, and what is wrong anyway. */
  readonly recover: () => Promise<Recovered>;
  /** True if the database forgets what it has confirmed during the run. Default: false. */
  readonly isForgetful?: boolean;
}

export interface Recovered {
  readonly kept: readonly string[];
  readonly wrong?: readonly string[];
}

/**
 * Records a run, and lets the product run again on everything that a power cut after any step could leave. Fails with
 * the cuts after which a promise was broken. Returns the number of promises that the run made.
 */
export async function tryEveryCut({ dir, run, recover, isForgetful = false }: CutRun): Promise<number> {
  const trace = await traceFiles(dir, run);
  const steps = isForgetful ? trace.steps.filter(({ kind }, at) => kind !== 'database' || at === 0) : trace.steps;
  const cuts = [...cutsOf({ ...trace, steps }, isWide)];
  const known = new Map<string, Recovered>();
  const broken = new Set<string>();
  for (const cut of cuts) {
    for (const remains of cut.remains) {
      const digest = digestOf(cut, remains);
      let recovered = known.get(digest);
      if (recovered === undefined) {
        restore(dir, cut, remains);
        recovered = await recover();
        known.set(digest, recovered);
      }
      const { kept, wrong = [] } = recovered;
      const lost = cut.promises.filter((promise) => !kept.includes(promise));
      const doubled = kept.filter((one, at) => kept.indexOf(one) < at);
      const faults = [
        ...lost.map((one) => `lost: ${one}`),
        ...doubled.map((one) => `doubled: ${one}`),
        ...wrong.map((one) => `wrong: ${one}`),
      ];
      if (faults.length > 0) broken.add(`after step ${cut.step}, ${remains.what}: ${faults.join(', ')}`);
    }
  }
  assert.deepEqual([...broken].slice(0, 6), [], `${broken.size} cuts broke a promise`);
  const promises = cuts.at(-1)?.promises.length ?? 0;
  assert.ok(known.size > promises, 'the disk has nothing to forget');
  return promises;
}

/** The names of files that are being written. No reader takes them, so only the second tier tries them all. */
const isUnread = isWide ? /^$/ : /\/\.[^/]*\.part$|\/\.new-\d+$/;

/** Returns a text that is equal for remains that the product cannot tell apart. */
function digestOf({ database }: Cut, { tree }: Remains): string {
  const hash = createHash('sha1');
  for (const [name, content] of [...tree].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    if (isUnread.test(name)) continue;
    hash.update(`${name} ${content?.length ?? 'folder'} `).update(content ?? '');
  }
  for (const [name, content] of database) hash.update(name).update(content);
  return hash.digest('hex');
}

/** Puts what a cut has left in the place of the folder's files. */
function restore(dir: string, { database }: Cut, { tree }: Remains): void {
  for (const name of readdirSync(dir)) rmSync(path.join(dir, name), { recursive: true });
  for (const [name, content] of tree) {
    const place = path.join(dir, name);
    if (content === null) mkdirSync(place, { mode: 0o700 });
    else writeFileSync(place, content, { mode: 0o600 });
  }
  for (const [file, content] of database) {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, content, { mode: 0o600 });
  }
}
