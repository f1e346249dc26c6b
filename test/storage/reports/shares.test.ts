import assert from 'node:assert/strict';

import type { Slice } from '../../../src/storage/store/share-store.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { commitTwice } from '../support/crashing-database.ts';
import { onBothDatabases } from '../support/databases.ts';

const own = { id: 'one', site: 'fra', host: 'hq', keyId: 'k1', capacity: 2 };
const other = { ...own, id: 'two', host: 'hq2', capacity: 4 };

onBothDatabases('slices of a shared fleet', ({ it }) => {
  it('are made once for each site', async ({ shares }) => {
    await Promise.all([shares.join(own), shares.join(other)]);
    await shares.join({ ...own, id: 'far', site: 'ber' });
    const slices = await shares.slices('fra');
    assert.equal(slices.length, 256);
    const free = { site: 'fra', epoch: 0, holder: '', cycle: 0, untilMs: 0, doneAtMs: null };
    assert.deepEqual(slices[255], { ...free, slice: 255 });
    assert.deepEqual(
      (await shares.sites(0)).map(({ site, slices, visited, collectors }) => [
        site,
        slices,
        visited,
        collectors.length,
      ]),
      [
        ['ber', 256, 0, 1],
        ['fra', 256, 0, 2],
      ],
    );
  });

  it('know the collectors that were seen since a time', async ({ shares, database }) => {
    const nowMs = await shares.nowMs();
    await shares.join(own);
    await shares.join({ ...other, host: 'x'.repeat(300) });
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

  it('go to one collector a cycle, and to nobody else before their time is over', async ({ shares }) => {
    await shares.join(own);
    const untilMs = (await shares.nowMs()) + 3_600_000;
    const [slice] = await shares.slices('fra');
    assert.ok(slice !== undefined);
    const claims = ['one', 'two'].map((holder) => shares.claim({ slice, holder, cycle: 7, untilMs }));
    const won = await Promise.all(claims);
    assert.equal(won.filter(Boolean).length, 1);
    const [taken] = await shares.slices('fra');
    const holder = won[0] === true ? 'one' : 'two';
    assert.deepEqual(taken, { ...slice, epoch: 1, holder, cycle: 7, untilMs });
    assert.equal(await shares.claim({ slice: taken, holder: 'three', cycle: 8, untilMs }), false, 'still held');
    await shares.finish({ site: 'fra', holder: 'three', cycle: 7 });
    await shares.finish({ site: 'fra', holder, cycle: 6 });
    assert.equal((await shares.slices('fra'))[0]?.doneAtMs, null, 'given back by its holder alone, for its cycle');
    await shares.finish({ site: 'fra', holder, cycle: 7 });
    const [site] = await shares.sites(0);
    assert.deepEqual(
      [site?.visited, site?.collectors.map(({ id, slices }) => [id, slices])],
      [1, [['one', holder === 'one' ? 1 : 0]]],
    );
    const [done] = await shares.slices('fra');
    assert.ok(done !== undefined && done.doneAtMs !== null && done.untilMs === done.doneAtMs);
    assert.equal(await shares.claim({ slice: taken, holder: 'three', cycle: 8, untilMs }), true);
    assert.equal(
      await shares.claim({ slice: done, holder: 'four', cycle: 8, untilMs }),
      false,
      'read before it was taken',
    );
  });

  it('are not claimed for a time that is over: the collector was stopped meanwhile', async ({ shares }) => {
    await shares.join(own);
    const [slice] = await shares.slices('fra');
    const untilMs = (await shares.nowMs()) - 1000;
    assert.equal(await shares.claim({ slice: slice as Slice, holder: 'one', cycle: 7, untilMs }), false);
    assert.deepEqual((await shares.slices('fra'))[0], slice);
  });

  it('are claimed although the answer was lost', async ({ config }) => {
    const database = await openDatabase({ storage: config, program: 'collect' });
    const { shares } = storageOn(commitTwice(database));
    await shares.join(own);
    const [slice] = await shares.slices('fra');
    const untilMs = (await shares.nowMs()) + 60_000;
    assert.equal(await shares.claim({ slice: slice as Slice, holder: 'one', cycle: 7, untilMs }), true);
    assert.equal((await shares.slices('fra'))[0]?.epoch, 1);
    await database.close();
  });

  it('are of no collector that was forgotten', async ({ shares, retention }) => {
    await shares.join(own);
    await retention.forgetCollector('one');
    assert.deepEqual([await shares.collectors('fra', 0), await shares.sites(0)], [[], []]);
  });
});
