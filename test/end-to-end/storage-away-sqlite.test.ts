// Second tier: waits for locks of SQLite.
/** An SQLite file that the built programs cannot use: a full disk, damage, a restored backup. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openSqlite } from '../../src/platform/sqlite.ts';
import { startLoopbackFleet, type LoopbackFleet } from '../support/loopback-fleet.ts';
import { namesBelow } from '../support/names-below.ts';

const canMount = process.getuid?.() === 0 && process.platform === 'linux';

const sealed = ({ dir }: LoopbackFleet): number => namesBelow(path.join(dir, 'state'), '.fhs').length;

function rows(file: string, sql: string): number {
  const database = openSqlite(file);
  try {
    return Number(database.prepare(sql).get()?.['n']);
  } finally {
    database.close();
  }
}

async function faultOf(fleet: LoopbackFleet): Promise<readonly [status: number | null, code: string]> {
  const { status, stderr, stdout } = await fleet.runBuilt(['--json', 'collect']);
  const document = JSON.parse(stdout || '{}') as { faults?: { code: string }[] };
  assert.equal(stderr, '');
  return [status, document.faults?.[0]?.code ?? ''];
}

test('a full disk, a damaged file: reports wait, and come once', { skip: !canMount, timeout: 240_000 }, async (t) => {
  const fleet = await startLoopbackFleet(t, 1, { trusted: true });
  const disk = path.join(fleet.dir, 'disk');
  mkdirSync(disk);
  assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=700', 'none', disk]).status, 0);
  const file = path.join(disk, 'fleet.db');
  try {
    fleet.configure(`<storage url="sqlite:${file}"/><alerts defaults="no"/>`);
    assert.deepEqual(await faultOf(fleet), [0, '']);

    const ballast = path.join(disk, 'ballast');
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096'], { stdio: 'ignore' });
    assert.deepEqual(await faultOf(fleet), [3, 'storage-full']);
    assert.equal(sealed(fleet), 1);
    rmSync(ballast);

    const kept = path.join(fleet.dir, 'kept.db');
    copyFileSync(file, kept);
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    writeFileSync(file, 'this is no database'.repeat(1000));
    assert.deepEqual(await faultOf(fleet), [3, 'storage-failed']);
    assert.equal(sealed(fleet), 2);
    copyFileSync(kept, file);
    assert.deepEqual(await faultOf(fleet), [0, '']);
    assert.equal(sealed(fleet), 0);
    assert.equal(rows(file, 'SELECT COUNT(*) AS n FROM stats'), 4);
    assert.equal(rows(file, 'SELECT COUNT(DISTINCT report_id) AS n FROM stats'), 4);
    assert.equal(rows(file, 'SELECT COUNT(*) AS n FROM visits WHERE ok = 1'), 4);
    assert.equal(rows(file, 'SELECT SUM(consecutive_failures) AS n FROM clients'), 0);
  } finally {
    // Runs before the folder is removed.
    spawnSync('umount', ['-l', disk]);
  }
});

test(
  'a restored backup: what came since is gone unless it waits, nothing comes twice',
  { timeout: 240_000 },
  async (t) => {
    const fleet = await startLoopbackFleet(t, 1, { trusted: true });
    // This rule always holds, so that its alert is notified before and after.
    const always = '<mail to="ops@example.org"/><alert type="uptime" op="gt" limit="0s"/>';
    fleet.configure(`<alerts defaults="no" for="1x">${always}</alerts>`);
    const file = path.join(fleet.dir, 'state', 'fleet.db');
    const backup = path.join(fleet.dir, 'backup.db');
    const outbox = path.join(fleet.dir, 'state', 'outbox');
    const mails = (): readonly string[] => readdirSync(outbox).filter((name) => name.endsWith('.eml'));
    const pass = async (): Promise<void> => {
      assert.equal((await fleet.runBuilt(['collect'])).status, 0);
      assert.equal((await fleet.runBuilt(['alert'])).status, 0);
    };

    assert.equal((await fleet.runBuilt(['collect'])).status, 0);
    const source = openSqlite(file);
    source.exec(`VACUUM INTO '${backup}'`);
    source.close();
    // The lost hour: a mail is sent and another report arrives.
    await pass();
    assert.equal(mails().length, 1);
    const notified = mails();

    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    copyFileSync(backup, file);
    assert.equal(rows(file, 'SELECT COUNT(*) AS n FROM stats'), 1);
    await pass();
    // The mail of the lost hour is sent again from the same report, with the same Message-ID.
    assert.deepEqual(mails(), notified);
    assert.equal(rows(file, 'SELECT COUNT(*) AS n FROM stats'), 2);
    assert.equal(rows(file, 'SELECT COUNT(DISTINCT report_id) AS n FROM stats'), 2);
    assert.equal(rows(file, "SELECT COUNT(*) AS n FROM alerts WHERE state = 'firing'"), 1);
    await pass();
    assert.deepEqual(mails(), notified);
  },
);
