import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { StorageConfig } from '../../src/config/databases/kinds.ts';
import { StorageFault } from '../../src/storage/sql/fault.ts';
import type { Storage } from '../../src/storage/store/storage.ts';
import { KeptStorage } from '../../src/storage/kept-storage.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { sqliteConfig } from './support/sqlite-config.ts';

/** Keeps a session with a new database. Counts how often it is opened. */
function keptDatabase(t: TestContext) {
  const file = path.join(tempFolder(t), 'fleet.db');
  const counts = { opened: 0, fault: null as Error | null };
  const kept = new KeptStorage({
    config: () => sqliteConfig(file),
    open: async (storage, signal) => {
      counts.opened += 1;
      if (counts.fault !== null) throw counts.fault;
      return await openStorage({ storage, migrate: true, signal });
    },
  });
  t.after(() => kept.close());
  return { file, counts, kept };
}

test('callers that come while the first session is opened share it', async (t) => {
  const { counts, kept } = keptDatabase(t);
  const [one, other] = await Promise.all([kept.opened(), kept.opened()]);
  assert.equal(one, other);
  assert.equal(await kept.opened(), one);
  assert.equal(await one.events.newestEvents().then(({ length }) => length), 0);
  assert.equal(counts.opened, 1);
});

test('a database that was restored meanwhile is opened again', async (t) => {
  const { file, counts, kept } = keptDatabase(t);
  const before = await kept.opened();
  renameSync(file, `${file}.old`);
  const after = await kept.opened();
  assert.notEqual(after, before);
  assert.equal((await after.events.newestEvents()).length, 0);
  await assert.rejects(before.events.newestEvents());
  assert.equal(counts.opened, 2);
});

test('a session that could not be opened, and one that was dropped, is opened by the next caller', async (t) => {
  const { counts, kept } = keptDatabase(t);
  counts.fault = new Error('away');
  const both = await Promise.allSettled([kept.opened(), kept.opened()]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  counts.fault = null;
  const first = await kept.opened();
  kept.drop();
  assert.notEqual(await kept.opened(), first);
  assert.equal(counts.opened, 3);
});

test('no session is opened after the end', async (t) => {
  const { counts, kept } = keptDatabase(t);
  const opening = kept.opened();
  await kept.close();
  await assert.rejects(kept.opened(), { name: 'AbortError' });
  await opening.catch(() => undefined);
  assert.equal(counts.opened, 1);
});

test('a session outlives values that the database refuses, and no other fault', async (t) => {
  const { counts, kept } = keptDatabase(t);
  assert.equal(await kept.with((storage) => storage.events.newestEvents().then(({ length }) => length)), 0);
  for (const [kind, opened] of [
    ['refused', 1],
    ['lost', 2],
  ] as const) {
    const fault = new StorageFault(kind, kind);
    await assert.rejects(
      kept.with(() => Promise.reject(fault)),
      fault,
    );
    await kept.opened();
    assert.equal(counts.opened, opened, kind);
  }
});

test('a session that is dropped while it is opened is closed, and the next caller opens another', async (t) => {
  const { counts, kept } = keptDatabase(t);
  const opening = kept.opened();
  kept.drop();
  const [first, next] = [await opening, await kept.opened()];
  assert.notEqual(first, next);
  assert.equal((await next.events.newestEvents()).length, 0);
  await assert.rejects(first.events.newestEvents());
  assert.equal(counts.opened, 2);
});

test('the session with a server, which has no file, is kept', async () => {
  let opened = 0;
  const kept = new KeptStorage({
    config: () => ({ kind: 'mysql', path: null }) as StorageConfig,
    open: () => Promise.resolve({ opened: (opened += 1), close: () => Promise.resolve() } as unknown as Storage),
  });
  assert.equal(await kept.opened(), await kept.opened());
  await kept.close();
  assert.equal(opened, 1);
});
