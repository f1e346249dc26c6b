import assert from 'node:assert/strict';

import { sharedTurn, type SharedTurnOptions } from '../../../src/collector/schedule/shared-turn.ts';
import type { RunEnd, RunStart } from '../../../src/storage/store/run.ts';
import type { SharingCollector, ShareStore, Slice } from '../../../src/storage/store/share-store.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { atTime, commitTwice } from '../support/crashing-database.ts';
import { onEachDatabase } from '../support/databases.ts';
import { runEnd, runStart } from '../support/samples.ts';

const own = { id: 'one', site: 'fra', host: 'hq', keyId: 'k1', capacity: 2 };
const everyMs = 300_000;
const farMs = Date.parse('2100-01-01');
const other = { ...own, id: 'two', host: 'hq2', capacity: 4 };

const turnOf = (shares: ShareStore, collector: SharingCollector): SharedTurnOptions => ({
  shares,
  own: collector,
  knowsKey: () => true,
  clients: [],
  sinceStartMs: () => 0,
  claimed: () => undefined,
  hasReached: () => false,
  collector: { everyMs, runDeadlineMs: everyMs * 0.8 },
  signal: new AbortController().signal,
});

onEachDatabase('slices of a shared fleet', ({ it }) => {
  it('are made once for each site', async ({ shares }) => {
    await Promise.all([shares.join(own, everyMs), shares.join(other, everyMs)]);
    await shares.join({ ...own, id: 'far', site: 'ber' }, everyMs);
    const slices = await shares.slices('fra');
    assert.equal(slices.length, 256);
    const free = { site: 'fra', epoch: 0, holder: '', cycle: 0, untilMs: 0, doneAtMs: null };
    assert.deepEqual(slices[255], { ...free, slice: 255 });
    assert.deepEqual(
      (await shares.sites(0)).map(({ site, slices, visited, collectors }) => ({
        site,
        slices,
        visited,
        collectors: collectors.length,
      })),
      [
        { site: 'ber', slices: 256, visited: 0, collectors: 1 },
        { site: 'fra', slices: 256, visited: 0, collectors: 2 },
      ],
    );
  });

  it('know the collectors that were seen since a time', async ({ shares, database }) => {
    const nowMs = await shares.nowMs();
    await shares.join(own, everyMs);
    await shares.join({ ...other, host: 'x'.repeat(300) }, everyMs);
    const [first, second] = await shares.collectors('fra', nowMs);
    assert.deepEqual({ ...first, seenAtMs: 0 }, { ...own, seenAtMs: 0 });
    assert.equal(second?.host.length, 255);
    assert.ok(Math.abs((first?.seenAtMs ?? 0) - nowMs) < 60_000);
    await database.write((session) => session.run("UPDATE collectors SET seen_at = '2026-01-01' WHERE id = 'two'"));
    assert.deepEqual(
      (await shares.collectors('fra', nowMs - 1000)).map(({ id }) => id),
      ['one'],
    );
    assert.deepEqual(await shares.collectors('ber', 0), []);
  });

  it('have one cycle for all runs of one time, however long the database kept some of them waiting', async ({
    shares,
  }) => {
    const nowMs = await shares.nowMs();
    const began = await shares.join(own, everyMs, () => everyMs / 2);
    assert.equal(began.number, 1);
    assert.ok(Math.abs(began.beganAtMs - (nowMs - everyMs / 2)) < everyMs / 10, 'it began with its run');
    const joined = await shares.join(other, everyMs, () => everyMs / 2 + 1000);
    assert.deepEqual([joined.number, joined.beganAtMs], [1, began.beganAtMs]);
    // By its start time the delayed run belongs to the old cycle. The other run belongs to the next one.
    assert.equal((await shares.join(own, everyMs / 2, () => everyMs / 2)).number, 1);
    assert.equal((await shares.join(other, everyMs / 2)).number, 2);
  });

  it('go to one collector a cycle, and to nobody else before their time is over', async ({ shares }) => {
    await shares.join(own, everyMs);
    const untilMs = (await shares.nowMs()) + 3_600_000;
    const [slice] = await shares.slices('fra');
    assert.ok(slice !== undefined);
    const claims = ['one', 'two'].map((holder) => shares.claim({ slice, holder, cycle: 1, untilMs, farMs }));
    const won = await Promise.all(claims);
    assert.equal(won.filter(Boolean).length, 1);
    const [taken] = await shares.slices('fra');
    const holder = won[0] === true ? 'one' : 'two';
    assert.deepEqual(taken, { ...slice, epoch: 1, holder, cycle: 1, untilMs });
    assert.equal(await shares.claim({ slice: taken, holder: 'three', cycle: 2, untilMs, farMs }), false, 'still held');
    await shares.finish({ site: 'fra', holder: 'three', cycle: 1, untilMs });
    await shares.finish({ site: 'fra', holder, cycle: 0, untilMs });
    assert.equal((await shares.slices('fra'))[0]?.doneAtMs, null, 'given back by its holder alone, for its cycle');
    await shares.finish({ site: 'fra', holder, cycle: 1, untilMs });
    const [site] = await shares.sites(0);
    assert.deepEqual(
      [site?.visited, site?.collectors.map(({ id, slices }) => [id, slices])],
      [1, [['one', holder === 'one' ? 1 : 0]]],
    );
    const [done] = await shares.slices('fra');
    assert.ok(done !== undefined && done.doneAtMs !== null && done.untilMs === done.doneAtMs);
    assert.equal(await shares.claim({ slice: taken, holder: 'three', cycle: 2, untilMs, farMs }), true);
    assert.equal(
      await shares.claim({ slice: done, holder: 'four', cycle: 2, untilMs, farMs }),
      false,
      'read before it was taken',
    );
  });

  it('are not claimed for a time that is over: the collector was stopped meanwhile', async ({ shares }) => {
    await shares.join(own, everyMs);
    const [slice] = await shares.slices('fra');
    const untilMs = (await shares.nowMs()) - 1000;
    assert.equal(await shares.claim({ slice: slice as Slice, holder: 'one', cycle: 7, untilMs, farMs }), false);
    assert.deepEqual((await shares.slices('fra'))[0], slice);
  });

  it('are claimed by one of two collectors with the same id: the machine was cloned', async ({ shares }) => {
    await shares.join(own, everyMs);
    const [slice] = await shares.slices('fra');
    assert.ok(slice !== undefined);
    const untilMs = (await shares.nowMs()) + 60_000;
    const claim = { slice, holder: 'one', cycle: 7, farMs };
    assert.equal(await shares.claim({ ...claim, untilMs }), true);
    assert.equal(await shares.claim({ ...claim, untilMs: untilMs + 1 }), false);
  });

  it('that a wrong clock holds for years are free', async ({ shares }) => {
    await shares.join(own, everyMs);
    const [slice] = await shares.slices('fra');
    assert.ok(slice !== undefined);
    const nowMs = await shares.nowMs();
    await shares.claim({ slice, holder: 'one', cycle: 1, untilMs: nowMs + 86_400_000, farMs });
    const [held] = await shares.slices('fra');
    assert.ok(held !== undefined);
    const claim = { slice: held, holder: 'two', cycle: 2, untilMs: nowMs + 60_000 };
    assert.equal(await shares.claim({ ...claim, farMs: nowMs + 90_000_000 }), false);
    assert.equal(await shares.claim({ ...claim, farMs: nowMs + 600_000 }), true);
  });

  it('are claimed although the answer was lost', async ({ config }) => {
    const database = await openDatabase({ storage: config, program: 'collect' });
    const { shares } = storageOn(commitTwice(database));
    await shares.join(own, everyMs);
    const [slice] = await shares.slices('fra');
    const untilMs = (await shares.nowMs()) + 60_000;
    assert.equal(await shares.claim({ slice: slice as Slice, holder: 'one', cycle: 7, untilMs, farMs }), true);
    assert.equal((await shares.slices('fra'))[0]?.epoch, 1);
    await database.close();
  });

  it('are visited in cycles that begin with the first run of any collector', async ({ config }) => {
    const database = await openDatabase({ storage: config, program: 'collect' });
    let nowMs = Date.parse('2026-11-23T10:00:00Z');
    const { shares } = storageOn(atTime(database, () => nowMs));
    const began = async (collector: typeof own, laterMs: number, every = everyMs) => {
      nowMs += laterMs;
      const { number, beganAtMs } = await shares.join(collector, every);
      return [number, nowMs - beganAtMs];
    };
    assert.deepEqual(await began(own, 0), [1, 0]);
    assert.deepEqual(await began(other, 60_000), [1, 60_000], 'at another minute');
    assert.deepEqual(await began(own, 240_000), [2, 0]);
    assert.deepEqual(await began(other, 209_000), [2, 209_000]);
    assert.deepEqual(await began(other, 1000), [3, 0], 'so late a run is the next one’s');
    assert.deepEqual(await began(own, 300_000, 2 * everyMs), [3, 300_000], 'runs are rarer now');
    assert.deepEqual(await began(own, 300_000, 2 * everyMs), [4, 0]);
    assert.deepEqual(await began(own, -3_600_000), [5, 0], 'the clock was ahead');
    await database.close();
  });

  it('move to a fourth collector, a quarter of them, and from one that is forgotten', async (opened) => {
    const database = await openDatabase({ storage: opened.config, program: 'collect' });
    let nowMs = Date.parse('2026-11-23T10:00:00Z');
    const { shares } = storageOn(atTime(database, () => nowMs));
    /** Makes these collectors claim slices in one more cycle. Returns the holders of all slices. */
    const holders = async (ids: readonly string[]): Promise<readonly string[]> => {
      nowMs += everyMs;
      for (const id of ids) await shares.join({ ...own, id }, everyMs);
      for (const id of ids) await sharedTurn(turnOf(shares, { ...own, id })).next();
      return (await shares.slices('fra')).map(({ holder }) => holder);
    };
    const three = await holders(['one', 'two', 'three']);
    assert.deepEqual(await holders(['one', 'two', 'three']), three, 'nothing moves while nobody comes or goes');
    const four = await holders(['one', 'two', 'three', 'four']);
    const moved = four.filter((holder, slice) => holder !== three[slice]);
    // Further slices move only if one of the three has more or fewer than its new share.
    const taken = moved.filter((holder) => holder === 'four').length;
    assert.ok(taken === 64 && moved.length - taken < 24, `${taken} of ${moved.length} went to it`);
    await opened.retention.forgetCollector('two');
    const left = await holders(['one', 'three', 'four']);
    const others = four.filter((holder, slice) => holder !== left[slice] && holder !== 'two');
    assert.ok(!left.includes('two') && others.length < 24, `${others.length} others moved`);
    await database.close();
  });

  it('say what the two newest full runs that asked somebody have reached', async ({ shares, reports }) => {
    const ran = async (minutes: number, over: Partial<RunEnd>, scope: RunStart['scope'] = 'full'): Promise<void> => {
      const start = { ...runStart({ collectorId: 'one', scope }), startedAtMs: Date.UTC(2026, 10, 24, 10, minutes) };
      await reports.startRun(start);
      await reports.endRun(start, runEnd(start, { clients: 5, ...over }));
    };
    await ran(0, { succeeded: 4, failed: 1 });
    await ran(1, { succeeded: 5, failed: 0 });
    await ran(2, { succeeded: 1, failed: 4 });
    await ran(3, { succeeded: 5, failed: 0 }, 'filtered');
    await ran(4, { succeeded: 0, failed: 0, clients: 0 });
    await ran(5, { outcome: 'interrupted', succeeded: 3, failed: 0 });
    assert.deepEqual(await shares.lastReaches('one'), [
      { succeeded: 1, failed: 4 },
      { succeeded: 5, failed: 0 },
    ]);
    assert.deepEqual(await shares.lastReaches('two'), []);
  });

  it('are of no collector that was forgotten', async ({ shares, retention }) => {
    await shares.join(own, everyMs);
    await retention.forgetCollector('one');
    assert.deepEqual([await shares.collectors('fra', 0), await shares.sites(0)], [[], []]);
  });
});
