/** The lines of sites in `status` and on the page of runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { siteLines } from '../../../src/look/data/site-lines.ts';
import { readShares } from '../../../src/storage/read-shares.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import type { SiteShare } from '../../../src/storage/store/share-store.ts';
import { notLooked } from '../../storage/support/samples.ts';

const nowMs = Date.UTC(2026, 10, 24, 12);
const minuteMs = 60_000;
const reader = { nowMs, moment: (atMs: number): string => new Date(atMs).toISOString() };
const config = { collector: { sharedSite: 'fra', everyMs: 5 * minuteMs } } as Parameters<typeof readShares>[0];

const run = (collectorId: string, minutesAgo: number, over: Partial<RunFact> = {}): RunFact => ({
  ...{ id: `${collectorId} ${minutesAgo}`, program: 'collect', collectorId, host: collectorId, scope: 'full' },
  configDigest: 'a',
  ...{ outcome: 'finished', startedAtMs: nowMs - minutesAgo * minuteMs, clients: 20, succeeded: 19, failed: 1 },
  finishedAtMs: nowMs - minutesAgo * minuteMs + 30_000,
  ...notLooked,
  ...over,
});
const seen = (id: string, minutesAgo: number, slices: number) => {
  return { id, host: id, seenAtMs: nowMs - minutesAgo * minuteMs, slices };
};
const fra: SiteShare = {
  ...{ site: 'fra', slices: 256, visited: 256, cycle: 12, beganAtMs: nowMs - minuteMs },
  collectors: [seen('hq-1', 1, 128), seen('hq-2', 1, 128)],
};
const sharesOf = (site: SiteShare, runs: readonly RunFact[]) =>
  readShares(
    config,
    { shares: { sites: () => Promise.resolve([site]) }, fleet: { runs: () => Promise.resolve(runs) } },
    nowMs,
  );
const linesOf = async (site: SiteShare, runs: readonly RunFact[]): Promise<readonly string[]> =>
  siteLines({ forwarded: new Map(), shares: await sharesOf(site, runs) }, reader);
const before = [run('hq-1', 6), run('hq-2', 6, { clients: 10, succeeded: 10, failed: 0 })];

test('the runs of a cycle count together, whoever made them', async () => {
  const runs = [run('hq-1', 1), run('hq-2', 0.9), ...before];
  assert.deepEqual(await linesOf(fra, runs), [
    'Site fra: cycle 12 began 1m ago; of 40 clients asked, 38 answered; ' +
      '2 collectors with 256 slices: hq-1 128 (seen 1m ago), hq-2 128 (seen 1m ago).',
  ]);
  const [site] = await sharesOf(fra, runs);
  assert.deepEqual(site?.finished, site?.newest);
});

test('collectors whose config.xml differs are named by what to do, unless one is gone', async () => {
  const runs = [run('hq-2', 1), run('hq-1', 1), run('hq-2', 6), run('hq-1', 6, { configDigest: 'b' })];
  const [same] = await sharesOf(fra, runs);
  assert.equal(same?.configs, 1);
  const edited = [run('hq-2', 0.5, { configDigest: 'b' }), ...runs];
  const [line = ''] = await linesOf(fra, edited);
  assert.match(line, /hq-2 128 \(seen 1m ago\); their config\.xml differs: copy one to all/);
  const [left] = await sharesOf({ ...fra, collectors: [seen('hq-1', 1, 256), seen('hq-2', 20, 0)] }, edited);
  assert.equal(left?.configs, 1);
});

test('runs of other sites, of clients by name and beside another run are no part of it', async () => {
  const others = [
    run('far', 1),
    run('hq-1', 0.5, { scope: 'filtered' }),
    run('hq-1', 0.4, { outcome: 'overlapped', clients: 0 }),
  ];
  const [site] = await sharesOf(fra, [run('hq-1', 1), ...others]);
  assert.equal(site?.newest?.clients, 20);
});

test('while a cycle goes on its line says how much is left, and the one before is the newest finished', async () => {
  const goesOn = { ...fra, visited: 100 };
  const runs = [run('hq-1', 1), run('hq-2', 1, { outcome: 'running', finishedAtMs: null, clients: null }), ...before];
  const [line = ''] = await linesOf(goesOn, runs);
  assert.match(line, /began 1m ago; of 20 clients asked, 19 answered; 156 slices not visited yet; 2 collectors/);
  const [site] = await sharesOf(goesOn, runs);
  const { clients, succeeded, failed, skipped, finishedAtMs } = site?.finished ?? {};
  assert.deepEqual({ clients, succeeded, failed, skipped }, { clients: 30, succeeded: 29, failed: 1, skipped: 0 });
  assert.equal(finishedAtMs, nowMs - 5.5 * minuteMs);
});

test('a cycle is finished once its runs have ended and its slices are visited, not before', async () => {
  const goesOn = run('hq-2', 1, { outcome: 'running', finishedAtMs: null, clients: null });
  const finished = async (visited: number, other: RunFact): Promise<number | undefined> => {
    const [site] = await sharesOf({ ...fra, visited }, [run('hq-1', 1), other, ...before]);
    return site?.finished?.clients;
  };
  assert.equal(await finished(256, run('hq-2', 1)), 40);
  assert.equal(await finished(100, run('hq-2', 1)), 30, 'slices are left');
  assert.equal(await finished(256, goesOn), 30, 'a run goes on');
});

test('a cycle that just began has no counts of the one before', async () => {
  const [line = ''] = await linesOf({ ...fra, visited: 0 }, before);
  assert.match(line, /cycle 12 began 1m ago; 256 slices not visited yet; 2 collectors/);
});

test('a collector that was not seen for three times `every` is gone', async () => {
  const collectors = [seen('hq-1', 1, 128), seen('hq-2', 15, 0), seen('hq-3', 15.1, 128)];
  const [line = ''] = await linesOf({ ...fra, collectors }, []);
  assert.match(line, /hq-1 128 \(seen 1m ago\), hq-2 0 \(seen 15m ago\), hq-3 128 \(gone, last seen 15m ago\)\.$/);
});

test('a site that forwards has its last run', () => {
  const forwarded = new Map([
    ['ber', run('x', 3.5)],
    ['sin', null],
    ['tyo', run('y', 2, { outcome: 'running', finishedAtMs: null, clients: null })],
  ]);
  assert.deepEqual(siteLines({ forwarded, shares: [] }, reader), [
    'Site ber: last run finished 3m ago; of 20 clients asked, 19 answered.',
    'Site sin: no run has come yet.',
    'Site tyo: last run began 2m ago.',
  ]);
});
