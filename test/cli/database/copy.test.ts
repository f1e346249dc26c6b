import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';

import { openSqlite } from '../../../src/platform/sqlite.ts';
import { takeLock } from '../../../src/state-folder/lock.ts';
import { makeInventoriedIn } from '../../support/clients/inventoried.ts';
import { isWide } from '../../support/long-tests.ts';
import { skipWithoutMariadb, sharedMariadb, type SharedMariadb } from '../../support/databases/mariadb.ts';
import { configFolder, exits, runCli, startCli, succeeded } from '../../support/programs/run-cli.ts';

const configText = (storage = ''): string => `<config>${storage}
  <alerts zone="UTC"><mail to="ops@example.org"/><alert type="disk" limit="1%" severity="critical"/></alerts>
  <client name="here" transport="local"/></config>`;

interface Place {
  readonly dir: string;
  readonly database: string;
  readonly run: (...args: readonly string[]) => ReturnType<typeof runCli>;
  readonly useStorage: (storage: string) => void;
}

function place(t: TestContext): Place {
  const dir = configFolder(t, configText());
  const file = path.join(dir, 'config.xml');
  mkdirSync(path.join(dir, 'state'), { mode: 0o700 });
  return {
    dir,
    database: path.join(dir, 'state', 'fleet.db'),
    run: (...args) => runCli(['-c', file, ...args], { cwd: dir }),
    useStorage: (storage) => writeFileSync(file, configText(storage)),
  };
}

/** Stores visits, so many that a copy is killed before its end. */
function storeVisits(database: string, count: number): void {
  const file = openSqlite(database);
  file.exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
    INSERT INTO visits (run_id, client, started_at, duration_ms, ok, bytes_in, bytes_out, uploaded, processed_at)
    SELECT 'run-' || n, 'here', '2026-11-20 12:00:00.000', n, 1, 0, 0, 0, '2026-11-20 12:00:00.000' FROM numbers`);
  file.close();
}

/** Kills a copy once the other database has a visit. Returns how many visits the other database has then. */
async function killCopy(copy: ChildProcess, visits: () => Promise<number>): Promise<number> {
  while ((await visits()) === 0) assert.equal(copy.exitCode, null, 'it ended before a visit was seen');
  copy.kill('SIGKILL');
  await once(copy, 'close');
  return await visits();
}

const rare = isWide ? skipWithoutMariadb : 'in the second tier';
suite('a database that is copied', { skip: rare }, () => {
  let mariadb: SharedMariadb;
  before(async () => {
    mariadb = await sharedMariadb();
  });
  after(() => mariadb.stop());

  /** Returns the number of visits in a database of MariaDB; 0 if it has no such table. */
  const visitsIn = (name: string): Promise<number> =>
    mariadb.asRoot(`SELECT COUNT(*) AS n FROM ${name}.visits`).then(
      ([row]) => Number(row?.['n']),
      () => 0,
    );

  test('goes on after a kill, and nobody is notified again, there and back', async (t) => {
    const { dir, database, run, useStorage } = place(t);
    await makeInventoriedIn(path.join(dir, 'state'), 'here');
    await succeeded(run('-q', 'collect'));
    await succeeded(run('alert'));
    const mails = (): number => readdirSync(path.join(dir, 'state', 'outbox')).length;
    assert.equal(mails(), 1);
    storeVisits(database, 16_000);
    const server = await mariadb.createDatabase();
    writeFileSync(path.join(dir, 'password'), server.password, { mode: 0o600 });
    const args = ['copy', '--to', server.url, '--password-file', 'password'];

    const killed = startCli(['-c', path.join(dir, 'config.xml'), ...args], { cwd: dir });
    const before = await killCopy(killed, () => visitsIn(server.name));
    assert.ok(before < 16_000, `${before} visits when it was killed`);

    const again = JSON.parse(await succeeded(run('--json', ...args))) as { readonly copied: number };
    assert.ok(again.copied < 16_000 - before + 1000, `${again.copied} rows were copied after ${before} visits`);
    const said = await succeeded(run(...args));
    assert.match(said, /all [\d,]+ rows of \d+ tables are those of sqlite:.*; 0 were copied just now/);
    assert.match(
      said,
      new RegExp(`write <storage url="${server.url}" passwordFile="${dir}/password"/> into ${dir}/config.xml`),
    );

    const storage = `<storage url="${server.url}" passwordFile="password"/>`;
    useStorage(storage);
    await succeeded(run('-q', 'collect'));
    await succeeded(run('alert'));
    assert.equal(mails(), 1, 'the alert is known there');
    useStorage('');
    await exits(2, run(...args), /has been used since it was copied/);

    useStorage(storage);
    await succeeded(run('copy', '--to', 'sqlite:back.db'));
    useStorage('<storage url="sqlite:back.db"/>');
    await succeeded(run('alert'));
    assert.equal(mails(), 1, 'and back');
  });
});

test('what cannot be copied is said in one line, and nothing is made', async (t) => {
  const { dir, database, run } = place(t);
  await exits(3, run('copy', '--to', 'sqlite:other.db'), /fleet\.db is not there yet; the first collect makes it/);
  await succeeded(run('migrate'));
  await exits(2, run('copy'), /copy needs --to \(usage\)\. Write --to sqlite:PATH, --to mysql:/);
  await exits(2, run('copy', '--to', `sqlite:${database}`), /is the database of .*config\.xml itself/);
  const secret = await run('copy', '--to', 'mysql://fleet:geheim@127.0.0.1/fleet');
  assert.equal(secret.status, 2);
  assert.match(secret.stderr, /everybody on this machine can read a password on the command line/);
  assert.doesNotMatch(secret.stderr, /geheim/);
  await exits(2, run('copy', '--to', 'mariadb://fleet@127.0.0.1/fleet'), /must begin with mysql:\/\//);
  await exits(2, run('copy', '--to', 'new.xml'), /new\.xml does not exist \(config-missing\)/);
  writeFileSync(path.join(dir, 'password'), 'x', { mode: 0o644 });
  const open = run('copy', '--to', 'mysql://fleet@127.0.0.1/fleet', '--password-file', 'password');
  await exits(2, open, /password can be read by everybody; run: chmod 600/);
  const lock = await takeLock({ file: path.join(dir, 'state', 'lock.db'), nowMs: Date.now() });
  assert.ok(lock.kind === 'held');
  await exits(
    3,
    run('copy', '--to', 'sqlite:other.db'),
    new RegExp(`collect is at work \\(process ${process.pid}, .*\\(locked\\)`),
  );
  lock.release();
  assert.equal(existsSync(path.join(dir, 'other.db')), false);
});

test('--to takes the <storage> of another config.xml', async (t) => {
  const { dir, run } = place(t);
  await succeeded(run('migrate'));
  writeFileSync(path.join(dir, 'new.xml'), configText('<storage url="sqlite:sub/new.db"/>'), { mode: 0o600 });
  const said = await succeeded(run('copy', '--to', 'new.xml'));
  assert.match(said, /write the <storage> of \/.*\/new\.xml into \//);
  assert.ok(existsSync(path.join(dir, 'sub', 'new.db')));
});
