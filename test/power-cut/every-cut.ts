import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

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
}

export interface Recovered {
  readonly kept: readonly string[];
  readonly wrong?: readonly string[];
}

export interface TriedCuts {
  readonly cuts: number;
  /** The number of different remains of all cuts. The product ran again on each. */
  readonly remains: number;
  readonly promises: number;
}

/**
 * Records a run, and lets the product run again on everything that a power cut after any step could leave. Fails with
 * the cuts after which a promise was broken.
 */
export async function tryEveryCut({ dir, run, recover }: CutRun): Promise<TriedCuts> {
  const cuts = [...cutsOf(await traceFiles(dir, run))];
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
      const faults = [...lost.map((promise) => `lost: ${promise}`), ...wrong];
      if (faults.length > 0) broken.add(`after step ${cut.step}, ${remains.what}: ${faults.join(', ')}`);
    }
  }
  assert.deepEqual([...broken].slice(0, 6), [], `${broken.size} cuts broke a promise`);
  return { cuts: cuts.length, remains: known.size, promises: cuts.at(-1)?.promises.length ?? 0 };
}

function digestOf({ database }: Cut, { tree }: Remains): string {
  const hash = createHash('sha1');
  for (const [name, content] of [...tree].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
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
