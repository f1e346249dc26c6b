import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { after, describe, test, type TestContext } from 'node:test';

import type { Database } from '../../src/storage/sql/database.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { migrateDatabase } from '../../src/storage/migrate/migrate.ts';
import { openStorage, storageOn } from '../../src/storage/open-storage.ts';
import { openSqliteDatabase } from '../../src/storage/dialects/sqlite/database.ts';
import { programArgs } from '../support/programs/program-args.ts';
import { item, visit } from './support/samples.ts';
import { sqliteConfig } from './support/sqlite-config.ts';
import { withSmallDisk } from '../support/programs/small-disk.ts';
import { tempFolder } from '../support/temp-folder.ts';

type Writer = ChildProcessByStdio<Writable, Readable, null>;

describe('SQLite', () => {
  const dir = tempFolder();
  const newFile = (): string => path.join(dir, `${randomUUID()}.db`);

  test('commits survive a loss of power: write-ahead log, synchronous FULL', async (t) => {
    const database = await open(t, newFile());
    const pragma = async (name: string): Promise<unknown> =>
      Object.values((await database.read((session) => session.all(`PRAGMA ${name}`)))[0] ?? {})[0];
    assert.equal(await pragma('journal_mode'), 'wal');
    assert.equal(await pragma('synchronous'), 2);
    assert.equal(await pragma('busy_timeout'), 0);
  });

  test('the file and what stands beside it belong to their owner alone', async (t) => {
    const umask = process.umask(0);
    t.after(() => process.umask(umask));
    const file = path.join(dir, 'new-folder', 'fleet.db');
    await migrateDatabase(await open(t, file));
    for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(file + suffix).mode & 0o777, 0o600, suffix);
    assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
  });

  test("another process's lock is waited for while the event loop goes on", async () => {
    const file = newFile();
    const storage = await openStorage({ storage: sqliteConfig(file), migrate: true });
    const holder = await startWriter('hold', file);
    let isStored = false;
    const storing = storage.reports.ingest([item()]).then((results) => {
      isStored = true;
      return results;
    });
    // A blocked event loop could neither count these turns nor let the holder go.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(isStored, false);
    holder.stdin.end();
    assert.deepEqual(await storing, [{ kind: 'stored' }]);
    await storage.close();
  });

  test('a lock that is never let go is a storage fault, and the next attempt stands for itself', async (t) => {
    const file = newFile();
    const database = await open(t, file, 150);
    await migrateDatabase(database);
    const holder = await startWriter('hold', file);
    const reports = storageOn(database).reports;
    await assert.rejects(reports.ingest([item()]), { name: 'FleetError', code: 'storage-unavailable' });
    assert.equal((await reports.clientFacts()).size, 0, 'reading needs no lock');
    holder.stdin.end();
    await once(holder, 'exit');
    assert.deepEqual(await reports.ingest([item()]), [{ kind: 'stored' }]);
  });

  for (const program of ['change', 'look'] as const) {
    test(`to ${program}, a file is opened when the process that closes it last lets go of it`, async () => {
      const file = newFile();
      const holder = openSqlite(file);
      holder.exec('PRAGMA locking_mode = EXCLUSIVE');
      holder.exec('PRAGMA journal_mode = WAL');
      holder.exec('CREATE TABLE held (n INTEGER)');
      const opening = openSqliteDatabase({ path: file, program });
      holder.close();
      await (await opening).close();
    });
  }

  test('waiting for a lock ends with the signal', async () => {
    const file = newFile();
    const ending = new AbortController();
    const storage = await openStorage({ storage: sqliteConfig(file), migrate: true, signal: ending.signal });
    const holder = await startWriter('hold', file);
    const storing = storage.reports.ingest([item()]);
    ending.abort();
    await assert.rejects(storing, { name: 'FleetError', code: 'interrupted' });
    holder.stdin.end();
    await storage.close();
  });

  test('writers that read before they write never fail for one another, and lose nothing', async (t) => {
    const file = newFile();
    const count = async (database: Database): Promise<void> => {
      for (let turn = 0; turn < 50; turn += 1) {
        await database.write(async (session) => {
          const [row] = await session.all("SELECT touched FROM leases WHERE name = 'test'");
          await new Promise((resolve) => setImmediate(resolve));
          await session.run("UPDATE leases SET touched = ? WHERE name = 'test'", [Number(row?.['touched']) + 1]);
        });
      }
    };
    const [one, two] = [await open(t, file), await open(t, file)];
    await migrateDatabase(one);
    await one.write((session) => session.run("INSERT INTO leases VALUES ('test', 1, 'me', 0, 'now')"));
    await Promise.all([count(one), count(two)]);
    const [row] = await two.read((session) => session.all('SELECT touched FROM leases'));
    assert.equal(row?.['touched'], 100);
  });

  test('a full disk is said as such, undoes the batch, and is no fault of a report', async (t) => {
    const database = await open(t, newFile());
    await migrateDatabase(database);
    const reports = storageOn(database).reports;
    await reports.ingest([item()]);
    const [pages] = await database.read((session) => session.all('PRAGMA page_count'));
    await database.read((session) => session.all(`PRAGMA max_page_count = ${String(pages?.['page_count'])}`));
    const items = Array.from({ length: 200 }, (_, index) => item({ client: `web-${index}` }));
    await assert.rejects(reports.ingest(items), { name: 'FleetError', code: 'storage-full' });
    await database.read((session) => session.all('PRAGMA max_page_count = 1000000'));
    const results = await reports.ingest(items);
    assert.ok(results.every(({ kind }) => kind === 'stored'));
  });

  test('a file that may not be written is said as such', async (t) => {
    const database = await open(t, newFile());
    await migrateDatabase(database);
    await database.read((session) => session.all('PRAGMA query_only = 1'));
    const reports = storageOn(database).reports;
    await assert.rejects(reports.ingest([item()]), { name: 'FleetError', code: 'storage-read-only' });
    await assert.rejects(reports.saveVisits([visit()]), { name: 'FleetError', code: 'storage-read-only' });
  });

  const skip = process.getuid?.() === 0 ? false : 'needs root';
  test('a file on a read-only file system is read, and only read', { skip }, async () => {
    const disk = path.join(dir, 'disk');
    await withSmallDisk(disk, 8192, async () => {
      const file = path.join(disk, 'fleet.db');
      const writer = await openStorage({ storage: sqliteConfig(file), migrate: true });
      await writer.reports.ingest([item()]);
      assert.equal(spawnSync('mount', ['--bind', disk, disk]).status, 0);
      try {
        assert.equal(spawnSync('mount', ['-o', 'remount,bind,ro', disk]).status, 0);
        const reader = await openStorage({ storage: sqliteConfig(file), migrate: false, program: 'read' });
        assert.equal((await reader.history.clients()).length, 1);
        await assert.rejects(reader.reports.ingest([item()]), { name: 'FleetError', code: 'storage-read-only' });
        await reader.close();
      } finally {
        spawnSync('umount', ['-l', disk]);
      }
      await writer.close();
    });
  });

  test('a reader changes neither the form of a file nor an empty one', async () => {
    const file = newFile();
    writeFileSync(file, '');
    await assert.rejects(openStorage({ storage: sqliteConfig(file), migrate: false, program: 'read' }), {
      code: 'migration-mismatch',
    });
    assert.equal(statSync(file).size, 0);
  });

  test('what is no database is refused and left as it is', async () => {
    const file = newFile();
    writeFileSync(file, 'not a database'.repeat(1000));
    const storage = sqliteConfig(file);
    await assert.rejects(openStorage({ storage, migrate: true }), {
      name: 'FleetError',
      code: 'storage-failed',
      advice: /from a backup, or move it away/,
    });
    assert.equal(statSync(file).size, 14_000);
  });

  test('a process killed while it stores loses no stored batch, and leaves none half', async () => {
    const file = newFile();
    const writer = spawnWriter('store', file);
    let said = 0;
    for await (const line of createInterface({ input: writer.stdout })) {
      said = Number(line);
      if (said >= 200) writer.kill('SIGKILL');
    }
    const storage = await openStorage({ storage: sqliteConfig(file), migrate: true });
    const [row] = await storage.history.query(
      `SELECT (SELECT COUNT(*) FROM stats) AS stats, (SELECT COUNT(*) FROM reports) AS reports,
        (SELECT COUNT(*) FROM disk_stats) AS disks`,
    );
    const stats = Number(row?.['stats']);
    assert.ok(stats >= said, `${stats} rows of ${said}`);
    assert.equal(stats % 20, 0);
    assert.deepEqual({ ...row }, { stats, reports: stats, disks: 3 * stats });
    await storage.close();
    const log = `${file}-wal`;
    assert.equal(existsSync(log) ? statSync(log).size : 0, 0, 'the last one to close leaves one file that is whole');
  });

  test('after close there is an error, not a crash', async () => {
    const storage = await openStorage({ storage: sqliteConfig(newFile()), migrate: true });
    await storage.close();
    await storage.close();
    await assert.rejects(storage.reports.ingest([item()]), { name: 'FleetError', code: 'storage-unavailable' });
  });
});

async function open(t: TestContext, file: string, lockTimeoutMs?: number): Promise<Database> {
  const database = await openSqliteDatabase({ path: file, ...(lockTimeoutMs === undefined ? {} : { lockTimeoutMs }) });
  t.after(() => database.close());
  return database;
}

function spawnWriter(what: 'hold' | 'store', file: string): Writer {
  const script = path.join(import.meta.dirname, 'support/lock-writer.ts');
  const writer = spawn(process.execPath, [...programArgs(script), what, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  after(() => writer.kill('SIGKILL'));
  return writer;
}

async function startWriter(what: 'hold', file: string): Promise<Writer> {
  const writer = spawnWriter(what, file);
  await once(writer.stdout, 'data');
  return writer;
}
