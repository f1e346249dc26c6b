// Second tier: fills and empties whole files.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openDatabase } from '../../../../src/storage/dialects/open-database.ts';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import { reclaim } from '../../../../src/storage/retention/reclaim.ts';
import { vacuum, vacuumNeeds } from '../../../../src/storage/dialects/sqlite/vacuum.ts';
import { openSqlite } from '../../../../src/platform/sqlite.ts';
import { item, noonMs } from '../../support/samples.ts';
import { sqliteConfig } from '../../support/sqlite-config.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

const dayMs = 86_400_000;
const limits = { nowMs: noonMs, rawMs: 30 * dayMs, detailMs: 2 * dayMs, hourlyMs: null, dailyMs: null };
const never = new AbortController().signal;

function file(t: TestContext): string {
  const dir = tempFolder(t);
  return path.join(dir, 'fleet.db');
}

/** Stores a thousand old rows and a new one, and prunes the old ones. */
async function filledAndPruned(name: string, freeAll: boolean): Promise<{ before: number; freedBytes: number }> {
  const storage = await openStorage({ storage: sqliteConfig(name), migrate: true, program: 'collect' });
  try {
    const old = Array.from({ length: 1000 }, (_, index) => item({ observedAtMs: noonMs - 40 * dayMs + index }));
    await storage.reports.ingest([...old, item()]);
    const before = (await storage.retention.fileSpace())?.sizeBytes ?? NaN;
    const { freedBytes, more } = await storage.retention.prune({ ...limits, freeAll }, never);
    assert.equal(more, false);
    return { before, freedBytes };
  } finally {
    await storage.close();
  }
}

test('a new file gives back what pruning freed, all of it or all but a tenth', async (t) => {
  for (const freeAll of [false, true]) {
    const name = file(t);
    const { before, freedBytes } = await filledAndPruned(name, freeAll);
    assert.ok(freedBytes > before / 2, `${freedBytes} of ${before}`);
    assert.equal(statSync(name).size, before - freedBytes);
    const database = await openDatabase({ storage: sqliteConfig(name), program: 'change' });
    const space = await database.space();
    await database.close();
    assert.equal(space?.shrinks, true);
    assert.ok(freeAll ? space.freeBytes === 0 : space.freeBytes <= before / 10, JSON.stringify(space));
  }
});

test('it is given back in small steps, and a signal ends it between two', async (t) => {
  const name = file(t);
  await filledAndPruned(name, false);
  const database = await openDatabase({ storage: sqliteConfig(name), program: 'collect' });
  await database.write((session) => session.run('DROP TABLE disk_stats'));
  await database.write((session) => session.run('CREATE TABLE ballast (bytes TEXT)'));
  const fill = `INSERT INTO ballast WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
    SELECT printf('%04000d', i) FROM n`;
  await database.write((session) => session.run(fill));
  await database.write((session) => session.run('DROP TABLE ballast'));
  const stop = new AbortController();
  let steps = 0;
  const step = async (work: () => Promise<void>): Promise<void> => {
    await work();
    steps += 1;
    if (steps === 3) stop.abort();
  };
  const some = await reclaim(database, { all: true, step, signal: stop.signal });
  const stepBytes = 512 * 4096;
  assert.ok(steps === 3 && some >= 3 * stepBytes && some < 3.1 * stepBytes, `${some} bytes in ${steps} steps`);
  await reclaim(database, { all: true, step: (work) => work(), signal: never });
  assert.equal((await database.space())?.freeBytes, 0);
  await database.close();
});

test('a file of an older version does not shrink until it is made anew', async (t) => {
  const name = file(t);
  const older = openSqlite(name);
  older.exec('PRAGMA auto_vacuum = NONE; PRAGMA journal_mode = WAL; CREATE TABLE old (a INTEGER)');
  older.close();
  assert.equal((await filledAndPruned(name, true)).freedBytes, 0);
  const database = await openDatabase({ storage: sqliteConfig(name), program: 'change' });
  const space = await database.space();
  await database.close();
  assert.ok(space !== null && !space.shrinks && space.freeBytes > space.sizeBytes / 2);
  const { freedBytes } = vacuum(name, space);
  // The pages of the pointer map are new.
  assert.ok(freedBytes > 0.99 * space.freeBytes, `${freedBytes}`);
  const again = await openStorage({ storage: sqliteConfig(name), migrate: false, program: 'change' });
  const after = await again.retention.fileSpace();
  const [row] = await again.history.query('SELECT COUNT(*) AS count FROM stats');
  await again.close();
  assert.deepEqual(
    { shrinks: after?.shrinks, freeBytes: after?.freeBytes, count: row?.['count'] },
    { shrinks: true, freeBytes: 0, count: 1 },
  );
});

test('making it anew is refused where there is no space for it, and while somebody writes', async (t) => {
  const name = file(t);
  await filledAndPruned(name, true);
  assert.throws(() => vacuum(name, { sizeBytes: 1e18, freeBytes: 1, shrinks: true }), {
    code: 'storage-full',
    message: /making .*fleet\.db anew needs .*TiB in .* are free there/,
  });
  const [need] = vacuumNeeds(name, 1000);
  assert.ok(need !== undefined && need.neededBytes >= 1000 && need.neededBytes <= 2000);
  const writer = openSqlite(name);
  writer.exec('BEGIN IMMEDIATE');
  t.after(() => writer.close());
  assert.throws(() => vacuum(name, { sizeBytes: 1000, freeBytes: 0, shrinks: true }), { code: 'storage-unavailable' });
});
