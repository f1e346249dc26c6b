import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { sharedTurn, type SharedTurnOptions } from '../../../src/collector/schedule/shared-turn.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import type { Reach, ShareStore } from '../../../src/storage/store/share-store.ts';
import { makeClient } from '../../support/fleets/fleet.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { atTime } from '../../storage/support/crashing-database.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';

const clients = Array.from({ length: 150 }, (_, index) => makeClient(`web-${index}`));
const names = clients.map(({ name }) => name).sort();

/** Opens a database whose clock is ahead by the result of `later`, in milliseconds. */
async function openShares(t: TestContext, later: () => number = () => 0): Promise<ShareStore> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-shares-'));
  const storage = sqliteConfig(path.join(dir, 'fleet.db'));
  await makeMigrated(storage);
  const database = await openDatabase({ storage, program: 'collect' });
  t.after(async () => {
    await database.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return storageOn(atTime(database, () => Date.now() + later())).shares;
}

const everyMs = 3_600_000;

interface Turn {
  readonly id: string;
  readonly claimed?: SharedTurnOptions['claimed'];
  readonly signal?: AbortSignal;
  readonly keyId?: string;
  readonly hasReached?: SharedTurnOptions['hasReached'];
}

function options(shares: ShareStore, turn: Turn): SharedTurnOptions {
  const { id, keyId = 'k1', signal, claimed = () => undefined, hasReached = () => false } = turn;
  return {
    shares,
    own: { id, site: 'fra', host: `host-${id}`, keyId, capacity: 1 },
    knowsKey: (key) => key === keyId,
    clients,
    sinceStartMs: () => 0,
    ...{ claimed, hasReached },
    collector: { everyMs, runDeadlineMs: everyMs * 0.8 },
    signal: signal ?? new AbortController().signal,
  };
}

async function visited(turn: AsyncIterable<SharedTurnOptions['clients']>): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of turn) found.push(...batch.map(({ name }) => name));
  return found;
}

test('one collector visits all, at once and once a cycle', async (t) => {
  let laterMs = 0;
  const shares = await openShares(t, () => laterMs);
  const batches: number[] = [];
  for await (const batch of sharedTurn(options(shares, { id: 'one' }))) batches.push(batch.length);
  assert.deepEqual(batches, [clients.length]);
  assert.deepEqual(await visited(sharedTurn(options(shares, { id: 'one' }))), []);
  assert.ok((await shares.slices('fra')).every(({ doneAtMs, epoch }) => doneAtMs !== null && epoch === 1));
  laterMs = everyMs;
  const epochs: (readonly [number, number])[] = [];
  const claimed = (slice: number, epoch: number): void => void epochs.push([slice, epoch]);
  assert.deepEqual((await visited(sharedTurn(options(shares, { id: 'one', claimed })))).sort(), names);
  assert.deepEqual(
    epochs,
    Array.from({ length: 256 }, (_, slice) => [slice, 2]),
    'each slice once, in its second epoch',
  );
});

test('three collectors visit each client once between them', async (t) => {
  const shares = await openShares(t);
  const ids = ['one', 'two', 'three'];
  for (const id of ids) await shares.join(options(shares, { id }).own, everyMs);
  const found = await Promise.all(ids.map((id) => visited(sharedTurn(options(shares, { id })))));
  assert.deepEqual(found.flat().sort(), names);
  for (const part of found) assert.ok(part.length > 25 && part.length < 75, String(part.length));
});

test('what a collector has not begun by half of the time goes to the others', async (t) => {
  let laterMs = 0;
  const shares = await openShares(t, () => laterMs);
  for (const id of ['gone', 'two', 'three']) await shares.join(options(shares, { id }).own, everyMs);
  laterMs = everyMs / 2;
  const found = await Promise.all(['one', 'two'].map((id) => visited(sharedTurn(options(shares, { id })))));
  assert.deepEqual(found.flat().sort(), names);
});

test('a collector has slices of its own until it was not seen for three times every', async (t) => {
  for (const [pastMs, hasAll] of [
    [-60_000, false],
    [1000, true],
  ] as const) {
    let laterMs = 0;
    const shares = await openShares(t, () => laterMs);
    await shares.join(options(shares, { id: 'gone' }).own, everyMs);
    laterMs = 3 * everyMs + pastMs;
    const first = await sharedTurn(options(shares, { id: 'one' })).next();
    assert.ok(first.done === false);
    assert.equal(first.value.length === clients.length, hasAll, `${first.value.length} of ${clients.length}`);
  }
});

test('before half of the time it waits for them, until the run ends', async (t) => {
  const shares = await openShares(t);
  await shares.join(options(shares, { id: 'gone' }).own, everyMs);
  const ending = new AbortController();
  const turn = sharedTurn(options(shares, { id: 'one', signal: ending.signal }));
  const first = await turn.next();
  assert.ok(first.done === false && first.value.length < 100);
  const second = turn.next();
  const none = await Promise.race([second, shares.slices('fra')]);
  assert.ok(Array.isArray(none), 'nothing more comes by itself');
  ending.abort();
  assert.equal((await second).done, true);
});

test('a collector that was killed keeps its slices for this cycle and has lost them in the next', async (t) => {
  let laterMs = 0;
  const shares = await openShares(t, () => laterMs);
  // The iteration is never continued, as with a killed process.
  const killed = sharedTurn(options(shares, { id: 'killed' }));
  const batch = await killed.next();
  assert.ok(batch.done === false && batch.value.length === clients.length);
  assert.ok((await shares.slices('fra')).every(({ doneAtMs }) => doneAtMs === null));
  assert.deepEqual(await visited(sharedTurn(options(shares, { id: 'one' }))), [], 'none is left of this cycle');
  laterMs = everyMs;
  await shares.join(options(shares, { id: 'two' }).own, everyMs);
  laterMs = everyMs * 1.5;
  assert.deepEqual((await visited(sharedTurn(options(shares, { id: 'one' })))).sort(), names);
});

test('a clock that was a day ahead for a run costs one cycle', async (t) => {
  let laterMs = 86_400_000;
  const shares = await openShares(t, () => laterMs);
  await sharedTurn(options(shares, { id: 'one' })).next();
  laterMs = 0;
  assert.deepEqual((await visited(sharedTurn(options(shares, { id: 'one' })))).sort(), names);
});

test('a new collector whose own key is newer than that of its site does not shut the others out', async (t) => {
  let laterMs = 0;
  const shares = await openShares(t, () => laterMs);
  const both = (id: string, keyId: string): SharedTurnOptions => ({
    ...options(shares, { id, keyId }),
    knowsKey: () => true,
  });
  assert.equal((await visited(sharedTurn(both('one', 'k1')))).length, clients.length);
  const refused = { code: 'keys-invalid', advice: /^Move the files of key k2 out of keys\/ and public_keys\/ here\. / };
  await assert.rejects(visited(sharedTurn(both('new', 'k2'))), refused);
  assert.equal((await shares.collectors('fra', 0)).length, 1);
  assert.deepEqual(await visited(sharedTurn(both('new', 'k1'))), [], 'with their key it is one of them');
  laterMs = everyMs;
  const ending = new AbortController();
  const rotated = { ...both('one', 'k2'), claimed: () => ending.abort(), signal: ending.signal };
  assert.ok((await sharedTurn(rotated).next()).done === false, 'the others rotate as ever');
});

test('a collector that seals to a key which this one lacks is named, and nothing is claimed', async (t) => {
  const shares = await openShares(t);
  await shares.join(options(shares, { id: 'one' }).own, everyMs);
  await assert.rejects(visited(sharedTurn(options(shares, { id: 'two', keyId: 'k2' }))), {
    code: 'keys-invalid',
    message: 'host-one of the same site fra seals to key k1, which is not live here',
  });
  assert.deepEqual(
    (await shares.collectors('fra', 0)).map(({ id }) => id),
    ['one'],
  );
});

test('a collector whose last two runs reached nobody tries a few clients and leaves the rest to others', async (t) => {
  let laterMs = 0;
  const shares = withReaches(await openShares(t, () => laterMs), 'cut', [none, none]);
  for (const id of ['cut', 'well']) await shares.join(options(shares, { id }).own, everyMs);
  const cut = sharedTurn(options(shares, { id: 'cut' }));
  const tried = await cut.next();
  assert.ok(tried.done === false);
  assert.ok(tried.value.length >= 10 && tried.value.length < 20, String(tried.value.length));
  const second = cut.next();
  // From half of the time on, other collectors take the clients that this one has not begun, before it continues.
  laterMs = everyMs / 2;
  const others = await visited(sharedTurn(options(shares, { id: 'well' })));
  assert.deepEqual([...others, ...tried.value.map(({ name }) => name)].sort(), names);
  assert.equal((await second).done, true);
  laterMs = everyMs;
  for (const id of ['cut', 'well']) await shares.join(options(shares, { id }).own, everyMs);
  const again = await sharedTurn(options(shares, { id: 'cut' })).next();
  assert.ok(again.done === false);
  assert.notDeepEqual(again.value, tried.value, 'other clients in each cycle');
});

test('it goes on at once if one of them answers', async (t) => {
  const shares = withReaches(await openShares(t), 'back', [none, { succeeded: 9, failed: 191 }]);
  for (const id of ['back', 'well']) await shares.join(options(shares, { id }).own, everyMs);
  const turn = sharedTurn(options(shares, { id: 'back', hasReached: () => true }));
  const first = await turn.next();
  assert.ok(first.done === false && first.value.length > 50, 'all of its own');
  await turn.return(undefined);
});

test('what nobody else has begun late in the cycle it takes all the same, and all of it if it is alone', async (t) => {
  let laterMs = 0;
  const shares = withReaches(await openShares(t, () => laterMs), 'cut', [none, none]);
  for (const id of ['cut', 'gone']) await shares.join(options(shares, { id }).own, everyMs);
  // A run that begins after 0.7 of the time would begin the next cycle.
  laterMs = everyMs * 0.7 - 1500;
  assert.deepEqual((await visited(sharedTurn(options(shares, { id: 'cut' })))).sort(), names);
  const alone = withReaches(await openShares(t), 'cut', [none, none]);
  const first = await sharedTurn(options(alone, { id: 'cut' })).next();
  assert.equal(first.done === false && first.value.length, clients.length);
});

test('one run that reached nobody, or two that reached a few, change nothing', async (t) => {
  for (const reaches of [[none], [none, { succeeded: 20, failed: 180 }]]) {
    const shares = withReaches(await openShares(t), 'one', reaches);
    for (const id of ['one', 'two']) await shares.join(options(shares, { id }).own, everyMs);
    const turn = sharedTurn(options(shares, { id: 'one' }));
    const first = await turn.next();
    assert.ok(first.done === false && first.value.length > 50);
    await turn.return(undefined);
  }
});

const none: Reach = { succeeded: 0, failed: 200 };

/** Returns a store in which the last runs of one collector have these counts of reached clients. */
function withReaches(shares: ShareStore, id: string, reaches: readonly Reach[]): ShareStore {
  return { ...shares, lastReaches: (of) => Promise.resolve(of === id ? reaches : []) };
}
