/**
 * Version 0.2.0, the first release, and the versions after it. Its database and its files are used by this version
 * with one more migration, and by two machines of which one is older. In the second tier the files are also those of
 * the last commit before inbox/.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';

import type { StorageConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { readMigrations } from '../../src/storage/migrate/migration-files.ts';
import { skipWithoutMariadb, startMariadb, type Mariadb } from '../support/databases/mariadb.ts';
import { freePort } from '../support/servers/free-port.ts';
import { packageFolder } from '../support/programs/installed.ts';
import { agentProgram, startAgentProgram, startCli, succeeded } from '../support/programs/run-cli.ts';
import { isLong, isWide, skipUnlessWide } from '../support/long-tests.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { until } from '../support/until.ts';
import { clockAt, keptAtMs, keptFolder, keptPlaces, readKept, skipWithoutFaketime } from './support/kept-release.ts';
import { filesWithPlaces, replacePlaces, startKeptFleet } from './support/kept-release.ts';
import type { KeptFleet, KeptRelease, Places } from './support/kept-release.ts';

const skip = skipWithoutFaketime === false ? skipWithoutMariadb : skipWithoutFaketime;
const nextName = `${String(readMigrations('sqlite').length + 1).padStart(3, '0')}-next`;
const minuteMs = 60_000;
const kinds = isWide ? (['sqlite', 'mariadb'] as const) : (['sqlite'] as const);
const releases: readonly KeptRelease[] = isWide ? ['0.2.0', 'before-inbox'] : ['0.2.0'];

/**
 * Returns the option `skip` of a case by its places in three lists of two: each value is tried with each of the other
 * lists, and all three together with FLEET_HEALTH_LONG_TESTS=1.
 */
const skipUnlessPaired = (...places: readonly [number, number, number]): string | false =>
  isLong || places.reduce((sum, place) => sum + place, 0) % 2 === 0 ? false : 'its pairs are tried in other cases';

/** The rows of the release by table, without the rows that each program writes at its start. */
type Rows = Readonly<Record<string, readonly string[]>>;

for (const release of releases) suite(`what ${release} left behind`, { skip }, () => upgrade(release));

function upgrade(release: KeptRelease): void {
  let mariadb: Mariadb | null = null;
  let fleet: KeptFleet;
  before(async () => {
    const secondsAgo = Math.round((Date.now() - keptAtMs) / 1000) - 30;
    const clock = `--init-connect=SET timestamp = UNIX_TIMESTAMP(SYSDATE(6)) - ${secondsAgo}`;
    fleet = await startKeptFleet(readKept(release, 'host-key'));
    if (isWide) mariadb = await startMariadb([clock]);
  });
  after(async () => {
    await Promise.all([mariadb?.stop(), fleet.server.close()]);
  });

  /** Makes a machine with config.xml, files and database of the release. */
  async function machine(t: TestContext, kind: 'sqlite' | 'mariadb') {
    const dir = tempFolder(t);
    const unpacked = (name: string): Buffer => gunzipSync(readFileSync(path.join(keptFolder(release), name)));
    execFileSync('tar', ['-C', dir, '-x'], { input: unpacked('files.tar.gz') });
    const [serve, asked] = [String(await freePort()), String(await freePort())];
    const places: Places = { dir, ssh: String(fleet.server.port), serve, asked };
    const placed = (text: string): string => replacePlaces(text, keptPlaces, places);
    for (const name of filesWithPlaces) {
      writeFileSync(path.join(dir, name), placed(readFileSync(path.join(dir, name), 'utf8')), { mode: 0o600 });
    }
    await startAgentProgram(t, ['-c', path.join(dir, 'asked/agent.json'), 'spoke'], 'event=listening');
    let storage: StorageConfig = sqliteConfig(path.join(dir, 'state/fleet.db'));
    let element = '<storage/>';
    if (kind === 'mariadb' && mariadb !== null) {
      const made = await mariadb.createDatabase();
      execFileSync('mariadb', ['-uroot', '-S', mariadb.socketPath, made.name], { input: unpacked('fleet.sql.gz') });
      storage = made.storage;
      element = `<storage url="${made.url}" password="${made.password}"/>`;
    }
    const write = (name: string, more: string): string => {
      const text = placed(readKept(release, 'config.xml')).replace('<!-- MORE -->', more);
      writeFileSync(path.join(dir, name), text, { mode: 0o600 });
      return path.join(dir, name);
    };
    const outbox = path.join(dir, 'state/outbox');
    const mail = (name: string): string => readFileSync(path.join(outbox, name), 'utf8');
    return {
      dir,
      servePort: Number(serve),
      config: write('config.xml', element),
      /** The same config.xml, but no run migrates. */
      careful: write('careful.xml', element.replace('/>', ' migrate="no"/>')),
      /** The mails, but for those about this machine, which is two clients: its boot is another than the kept one. */
      mails: () =>
        existsSync(outbox)
          ? readdirSync(outbox)
              .sort()
              .filter((name) => !/\b(?:asked|laptop) was booted at /.test(mail(name)))
          : [],
      mail,
      rows: async (columns?: Columns): Promise<Rows> => await rowsOf(storage, columns),
      ask: async (sql: string) => await ask(storage, sql),
      first: async (sql: string) => (await ask(storage, sql))[0] ?? assert.fail(sql),
    };
  }

  const taken = 'is taken over whole: clients that push, are asked, or belong to a site go on';
  test(taken, { skip: skipUnlessWide }, async (t) => {
    const { dir, config, servePort, mails, ask: askAll } = await machine(t, 'sqlite');
    fleet.setCheck(0);
    fleet.setTime(keptAtMs + minuteMs);
    const inDir = (name: string): string => path.join(dir, name);
    const stored = async (): Promise<Readonly<Record<string, number>>> => {
      const rows = await askAll('SELECT client, COUNT(*) AS reports FROM stats GROUP BY client');
      return Object.fromEntries(rows.map(({ client, reports }) => [String(client), Number(reports)]));
    };
    const before = await stored();
    await succeeded(fleet.run(config, ['alert']));
    const sent = mails();

    const answered = await whileServes(config, async () => {
      await succeeded(fleet.run(inDir('laptop/agent.json'), ['push', '--once'], agentProgram));
      assert.match(await succeeded(fleet.run(inDir('site/config.xml'), ['collect'])), /reports forwarded/);
      return await send(servePort, readFileSync(path.join(keptFolder(release), 'site-request')));
    });
    // A site of before-inbox keeps its files until it is upgraded; serve logs the reason.
    const expected = { '0.2.0': /^HTTP\/1\.1 200 /, 'before-inbox': /^HTTP\/1\.1 426 / };
    assert.match(answered, expected[release]);
    assert.match(await succeeded(fleet.run(config, ['collect'])), /succeeded=5 failed=0 .* quarantined=0/);
    await succeeded(fleet.run(config, ['ingest']));
    await succeeded(fleet.run(config, ['alert']));
    assert.deepEqual(mails(), sent, 'nobody is notified again');
    const after = await stored();
    const added = Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]));
    // Each client's reports that waited, and one of this run; c3 had another one, sealed in the database.
    assert.deepEqual(added, { asked: 1, c1: 2, c2: 2, c3: 3, c4: 3, laptop: 3 });
    assert.deepEqual(waitingFiles(dir), []);
    const [events] = await askAll('SELECT COUNT(*) AS count FROM events');
    assert.equal(Number(events?.['count']), 4);
    await succeeded(fleet.run(config, ['check']));
  });

  for (const [ofKind, kind] of kinds.entries()) {
    const [ofRelease, migrated, beside] = [releases.indexOf(release), 0, 1];
    const skipMigrated = skipUnlessPaired(ofRelease, ofKind, migrated);
    test(`is migrated, whole, and nobody is notified again (${kind})`, { skip: skipMigrated }, async (t) => {
      const { config, mails, mail, rows, first } = await machine(t, kind);
      const next = nextVersion(t);
      fleet.setCheck(0);
      fleet.setTime(keptAtMs + minuteMs);
      const old = await rows();
      for (const [table, content] of Object.entries(old)) {
        if (!mayBeEmpty.has(table)) assert.notEqual(content.length, 0, `${release} left a row in ${table}`);
      }
      assert.match(await succeeded(fleet.run(config, ['migrate', '--check'], next)), new RegExp(nextName));
      assert.match(await succeeded(fleet.run(config, ['migrate'], next)), new RegExp(nextName));
      assert.deepEqual(await rows(columnsOf(old)), old);

      const { waiting } = await first(
        'SELECT COUNT(*) AS waiting FROM mails WHERE sent_at IS NULL AND failed_at IS NULL',
      );
      assert.notEqual(Number(waiting), 0);
      const before = mails();
      await succeeded(fleet.run(config, ['alert'], next));
      assert.equal(mails().length, before.length + Number(waiting), 'mails that waited are sent, once, and no other');
      const sent = mails();
      fleet.setTime(keptAtMs + 2 * minuteMs);
      const collected = await succeeded(fleet.run(config, ['collect'], next));
      assert.match(collected, /failed=0 .* stored=9 duplicate=0 quarantined=0/);
      await succeeded(fleet.run(config, ['alert'], next));
      assert.deepEqual(mails(), sent);
      assert.match(await succeeded(fleet.run(config, ['alerts'], next)), /known since Monday/);
      assert.match(await succeeded(fleet.run(config, ['silence', 'list'], next)), /being moved/);

      fleet.setCheck(2);
      for (const minutes of isWide ? [4, 6, 8] : [4, 6]) {
        fleet.setTime(keptAtMs + minutes * minuteMs);
        await succeeded(fleet.run(config, ['collect'], next));
        await succeeded(fleet.run(config, ['alert'], next));
      }
      const news = mails().filter((name) => !sent.includes(name));
      const subjects = news.map((name) => /^Subject: (.*)$/m.exec(mail(name))?.[1]);
      const line = 'CRITICAL c2: check queue, 103 wait (again, second time today)';
      assert.deepEqual(subjects, [line, line]);
    });

    const skipBeside = skipUnlessWide || skipUnlessPaired(ofRelease, ofKind, beside);
    test(`goes on with a machine that is newer than the other (${kind})`, { skip: skipBeside }, async (t) => {
      const { config, careful, mails } = await machine(t, kind);
      const next = nextVersion(t);
      fleet.setCheck(0);
      fleet.setTime(keptAtMs + minuteMs);
      // The release recorded an outage of its database. Such an outage is logged once an hour.
      rmSync(path.join(path.dirname(config), 'state/database-away.db'));
      // The new machine comes first, and must not migrate.
      const refused = await fleet.run(careful, ['alert'], next);
      assert.equal(refused.status, 3, refused.stderr);
      assert.match(refused.stderr, /lacks the migration \d{3}-.*fleet-health migrate/s);
      // The fault was logged a moment ago, so it is not logged again.
      assert.equal((await fleet.run(careful, ['collect'], next)).status, 3);
      await succeeded(fleet.run(config, ['collect']));
      await succeeded(fleet.run(config, ['alert']));
      const sent = mails();
      // After the migration the older program goes on, whichever it is.
      fleet.setTime(keptAtMs + 3 * minuteMs);
      await succeeded(fleet.run(config, ['alert'], next));
      for (const [minutes, collector, alerter] of [
        [4, undefined, next],
        [6, next, undefined],
        [8, undefined, undefined],
      ] as const) {
        fleet.setTime(keptAtMs + minutes * minuteMs);
        const collected = await succeeded(fleet.run(config, ['collect'], collector));
        assert.match(collected, /succeeded=5 failed=0 .* stored=4 duplicate=0 quarantined=0/);
        await succeeded(fleet.run(config, ['alert'], alerter));
      }
      assert.deepEqual(mails(), sent);
      assert.match(await succeeded(fleet.run(config, ['migrate', '--check'])), /nothing|up to date/i);
    });
  }
}

/** Returns the program of a copy of this version that has one more migration. */
function nextVersion(t: TestContext): string {
  const dir = path.join(tempFolder(t), 'fleet-health');
  mkdirSync(dir);
  for (const name of ['dist', 'sql', 'package.json'])
    cpSync(path.join(packageFolder, name), path.join(dir, name), { recursive: true });
  symlinkSync(path.join(packageFolder, 'node_modules'), path.join(dir, 'node_modules'));
  for (const dialect of ['sqlite', 'mysql']) {
    const text = 'CREATE TABLE next_things (id INTEGER NOT NULL PRIMARY KEY);\n';
    writeFileSync(path.join(dir, 'sql', dialect, `${nextName}.sql`), text);
  }
  return path.join(dir, 'dist', 'fleet-health.cjs');
}

/** Tables that stay empty without several collectors. */
const mayBeEmpty = new Set(['collectors', 'slices', 'cycles']);
/** The tables that every program writes to at its start. */
const written = new Set(['migrations', 'leases', 'next_things']);

async function ask(storage: StorageConfig, sql: string) {
  const database = await openDatabase({ storage, program: 'read' });
  try {
    return (await database.read((session) => session.all(sql))).map((row) => ({ ...row }));
  } finally {
    await database.close();
  }
}

async function rowsOf(storage: StorageConfig, columns: Columns = {}): Promise<Rows> {
  const listSql =
    storage.kind === 'sqlite'
      ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
      : 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ' +
        "AND table_type = 'BASE TABLE'";
  const tables = Object.keys(columns);
  const names = tables.length > 0 ? tables : (await ask(storage, listSql)).map(({ name }) => String(name));
  const rows: [string, readonly string[]][] = [];
  for (const name of names.filter((one) => !written.has(one)).sort()) {
    const selected = columns[name]?.join(', ') ?? '';
    const all = await ask(storage, `SELECT ${selected === '' ? '*' : selected} FROM ${name}`);
    rows.push([name, all.map((row) => JSON.stringify(row)).sort()]);
  }
  return Object.fromEntries(rows);
}

/** The names of columns by table. A table without rows has none. */
type Columns = Readonly<Record<string, readonly string[]>>;

/** Returns the tables and columns of rows. 0.2.0 has no columns of later migrations. */
function columnsOf(rows: Rows): Columns {
  return Object.fromEntries(
    Object.entries(rows).map(([name, [first = '{}']]) => [name, Object.keys(JSON.parse(first) as object)]),
  );
}

/** Serves the collector's endpoints while something is done. */
async function whileServes<Result>(config: string, work: () => Promise<Result>): Promise<Result> {
  const child = startCli(['-c', config, 'serve'], { env: clockAt(keptAtMs + minuteMs) });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (said += String(bytes)));
  try {
    await until(
      () => said.includes('event=serve-started') || child.exitCode !== null,
      () => said,
      60_000,
    );
    return await work();
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
}

/** Sends the bytes of a request. Returns the answer. */
async function send(port: number, request: Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes) => (answer += String(bytes)));
  socket.write(request);
  await until(
    () => answer.includes('\r\n\r\n'),
    () => answer,
    60_000,
  );
  socket.destroy();
  return answer;
}

/** Returns the files of reports and records that nothing has taken over. */
function waitingFiles(dir: string): readonly string[] {
  const places = ['journal', 'events', 'encrypted_stats', 'inbox'].flatMap((name) => [
    `state/${name}`,
    `site/state/${name}`,
  ]);
  return ['laptop/state', ...places]
    .filter((place) => existsSync(path.join(dir, place)))
    .flatMap((place) => readdirSync(path.join(dir, place), { recursive: true, encoding: 'utf8' }))
    .filter((name) => /\.(?:fhs|jsonl?)$/.test(name) && !/quarantine|counters|inventory|push|state\.json/.test(name));
}
