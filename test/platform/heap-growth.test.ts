import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Script } from 'node:vm';

import { transformSync } from 'esbuild';

import { withBoundedHeap, withSmallHeap } from '../../src/platform/heap-growth.ts';
import { skipUnlessWide } from '../support/long-tests.ts';

/** The module without its types: a process that translates the module itself spends most of its time on that. */
const tested = transformSync(readFileSync(new URL('../../src/platform/heap-growth.ts', import.meta.url), 'utf8'), {
  loader: 'ts',
}).code;

test('the work gets its way: what it gives, what it throws', async () => {
  assert.equal(await withBoundedHeap(() => Promise.resolve(7)), 7);
  await assert.rejects(
    withBoundedHeap(() => Promise.reject(new Error('no'))),
    /^Error: no$/,
  );
});

test('afterwards V8 takes the compiled forms that it took before', async () => {
  const compiled = new Script('globalThis.made = 1').createCachedData();
  await assert.rejects(withBoundedHeap(() => Promise.reject(new Error('no'))));
  await assert.rejects(withSmallHeap(() => Promise.reject(new Error('no'))));
  assert.equal(new Script('globalThis.made = 1', { cachedData: compiled }).cachedDataRejected, false);
});

test('the heap is collected after less growth', { skip: skipUnlessWide }, () => {
  // The objects survive a scavenge or two and are garbage then, like the objects of a visit. The benchmarks measure the
  // saved memory: beside other programs the collection comes late, whatever triggers it.
  const work = `async () => {
    const ring = Array(150_000);
    for (let n = 0; n < 2e6; n++) ring[n % ring.length] = { n, list: [n, n, n, n, n, n, n, n] };
  }`;
  const [free, bounded] = [collectionsOf(`(${work})()`), collectionsOf(`withBoundedHeap(${work})`)];
  assert.ok(bounded > 1.3 * free, `${bounded} collections with it, ${free} without`);
});

test('the young generation stays small', { skip: skipUnlessWide }, () => {
  // Each request leaves a few objects that live on for a while.
  const work = `async () => {
    let some = [];
    for (let n = 0; n < 2e6; n++) if (some.push({ n, text: String(n) }) > 20_000) some = [];
    return process.resourceUsage().maxRSS;
  }`;
  const [bounded, small] = [peakOf(`withBoundedHeap(${work})`), peakOf(`withSmallHeap(${work})`)];
  assert.ok(small < bounded - 5_000, `${small} KB with it, ${bounded} without`);
});

/**
 * Returns the greatest resident memory of a process that makes this call, in KB. It is the least of three processes,
 * because V8 collects late on a busy machine.
 */
function peakOf(call: string): number {
  return Math.min(...[1, 2, 3].map(() => Number(outputOf(`console.log(await (${call}));`))));
}

/** Returns the number of collections of the old generation in processes that make this call. */
function collectionsOf(call: string): number {
  const traced = [1, 2, 3].map(() => outputOf(`await (${call});`, '--trace-gc'));
  return traced.join('').match(/Mark-Compact/g)?.length ?? 0;
}

function outputOf(code: string, ...flags: readonly string[]): string {
  const args = [...flags, '--input-type=module', '-e', `${tested}; ${code}`];
  return execFileSync(process.execPath, args, { encoding: 'utf8' });
}
