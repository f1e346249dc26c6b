// Second tier: every fault of storage through the whole program.
/**
 * A MariaDB that runs but is unusable, as a user of the built programs meets it: out of disk, out of connections, slow,
 * stuck, in a deadlock, an hour back. No client is blamed for it, and every report is stored once.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { createConnection, type Connection } from 'mysql2/promise';

import { startFickleProxy, type FickleProxy } from '../support/fickle-proxy.ts';
import { numbersTable, skipWithoutMariadb, startMariadb } from '../support/mariadb.ts';
import type { Mariadb, MariadbDatabase } from '../support/mariadb.ts';
import { sealedFor } from '../support/report-server.ts';
import { openSite, type Machine } from '../support/report-site.ts';
import { fill, withSmallDisk } from '../support/small-disk.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { succeeded } from '../support/run-cli.ts';
import { namesBelow } from '../support/names-below.ts';

const canMount = process.getuid?.() === 0 && process.platform === 'linux';
const skip = canMount ? skipWithoutMariadb : 'needs root';
const isLong = process.env['FLEET_HEALTH_LONG_TESTS'] === '1';
const clients = 2;
/** Short deadlines. A run waits 10 s longer than its deadline for an answer that never ends. */
const hurried = '<collector runDeadline="12s" clientDeadline="11s" agentTimeout="9s" connectTimeout="9s"/>';

interface Station {
  readonly machine: Machine;
  readonly mariadb: Mariadb;
  readonly made: MariadbDatabase;
  readonly proxy: FickleProxy;
  /** The number of reports of each client and visit. */
  reports: number;
  /** Runs `collect`, which must fail with this storage code. At least `leastWaiting` reports wait after it. */
  failing(code: string, leastWaiting: number): Promise<void>;
  /** Runs `collect` and `alert`, which must succeed. After that each report so far is stored exactly once. */
  well(): Promise<void>;
}

test('a MariaDB that is of no use', { skip, timeout: 300_000 }, async (t) => {
  const dir = tempFolder(t);
  // The size of an empty server, with little to spare.
  await withSmallDisk(path.join(dir, 'disk'), 150 * 1024, async () => {
    const args = [
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-log-file-size=8M',
      '--innodb-data-file-path=ibdata1:8M:autoextend',
    ];
    const mariadb = await startMariadb(args, path.join(dir, 'disk'));
    try {
      const station = await openStation(t, mariadb);
      await station.well();
      // Reports that wait after a step are stored in the next one, which saves a run.
      await t.test('its disk is full', () => whenFull(station, path.join(dir, 'disk')));
      await t.test('it is slow, and that is all', () => whenSlow(station));
      await t.test('it lets nobody else in, at first and in the middle of a run', () => whenCrowded(station));
      await t.test('it chooses the collector to end a deadlock', () => whenDeadlocked(station));
      await t.test('one of its answers never ends', () => whenStuck(station));
      await t.test('a backup of an hour ago is put back', () => whenRestored(t, mariadb));
    } finally {
      await mariadb.stop();
    }
  });
});

async function openStation(t: TestContext, mariadb: Mariadb): Promise<Station> {
  const made = await mariadb.createDatabase();
  const proxy = await startFickleProxy(mariadb.port);
  t.after(() => proxy.close());
  const url = `mysql://${made.user}@127.0.0.1:${proxy.port}/${made.name}`;
  let taken = 0;
  const site = await openSite({
    clients,
    elements: `<storage url="${url}" password="${made.password}"/><alerts defaults="no"/>
      ${isLong ? '' : hurried}`,
    reports: (request) => {
      taken += station.reports;
      return Array.from({ length: station.reports }, () => sealedFor(request));
    },
  });
  t.after(() => site.close());
  const machine = site.machine('mon');
  let runs = 0;
  const filesLeft = () => namesBelow(path.join(machine.dir, 'state')).filter((name) => /\.(fhs|jsonl)$/.test(name));

  const station: Station = {
    machine,
    mariadb,
    made,
    proxy,
    reports: 1,
    failing: async (code, leastWaiting) => {
      runs += 1;
      const { status, stdout, stderr } = await machine.run(['--json', 'collect']);
      type Said = { succeeded: number; faults: { code: string }[]; reports: { waiting: number } };
      const said = JSON.parse(stdout) as Said;
      const got = [status, said.faults.map((fault) => fault.code), said.succeeded];
      assert.deepEqual(got, [3, [code], clients], stdout + stderr);
      const { waiting } = said.reports;
      assert.ok(waiting >= leastWaiting, `${waiting} wait`);
      assert.equal(filesLeft().filter((name) => name.endsWith('.fhs')).length, waiting);
    },
    well: async () => {
      runs += 1;
      for (const command of ['collect', 'alert']) await succeeded(machine.run([command]));
      assert.deepEqual(filesLeft(), []);
      const [row] = await mariadb.asRoot(`USE ${made.name}`, countsSql);
      const counts = Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
      const visits = runs * clients;
      assert.deepEqual(counts, { stats: taken, ids: taken, visits, failed: 0, runs, failures: 0, alerts: 0 });
    },
  };
  return station;
}

const countsSql = `SELECT (SELECT COUNT(*) FROM stats) AS stats, (SELECT COUNT(DISTINCT report_id) FROM stats) AS ids,
  (SELECT COUNT(*) FROM visits) AS visits, (SELECT COUNT(*) FROM visits WHERE ok = 0) AS failed,
  (SELECT COUNT(*) FROM runs WHERE program = 'collect' AND outcome = 'finished') AS runs,
  (SELECT SUM(consecutive_failures) FROM clients) AS failures, (SELECT COUNT(*) FROM alerts WHERE rule IN ('unreachable', 'no-report', 'collector-silent')) AS alerts`;

/** Runs the alerter as cron does. Returns its exit status and the number of lines on standard error. */
async function quietAlert({ machine }: Station): Promise<readonly [number | null, number]> {
  const { status, stderr } = await machine.run(['-q', 'alert']);
  return [status, stderr.split('\n').filter((line) => line !== '').length];
}

async function whenFull(station: Station, disk: string): Promise<void> {
  const ballast = fill(disk);
  // More reports than the existing pages can hold.
  station.reports = 60;
  // The first few may still fit.
  await station.failing('storage-full', 60);
  // The collector has reported the fault, so that cron's mail about it is enough.
  const [, lines] = await quietAlert(station);
  assert.equal(lines, 0);
  rmSync(ballast);
  station.reports = 1;
}

async function whenCrowded(station: Station): Promise<void> {
  const { mariadb, made, proxy } = station;
  const guests: Connection[] = [];
  // Every refused guest takes the connection that the server reserves for root, for a moment.
  const root = await createConnection({ socketPath: mariadb.socketPath, user: 'root' });
  const allow = (connections: number): Promise<unknown> => root.query('SET GLOBAL max_connections = ?', [connections]);
  const crowd = async (): Promise<void> => {
    for (;;) {
      try {
        const password = made.password;
        guests.push(await createConnection({ host: '127.0.0.1', port: mariadb.port, user: made.user, password }));
      } catch (thrown) {
        assert.match(String(thrown), /Too many connections/);
        return;
      }
    }
  };
  const goHome = async (): Promise<void> => {
    await Promise.all(guests.splice(0).map((guest) => guest.end()));
  };
  await allow(10);
  await crowd();
  await station.failing('storage-unavailable', 2);
  assert.deepEqual(await quietAlert(station), [3, 0]);
  await goHome();

  // The additional connection is the collector's until it is closed.
  await allow(11);
  proxy.onRequest = async (bytes) => {
    if (!bytes.includes('INSERT INTO stats')) return;
    proxy.onRequest = () => undefined;
    await crowd();
    await allow(10);
    proxy.cut();
  };
  await station.failing('storage-unavailable', 4);
  await goHome();
  await allow(150);
  await root.end();
}

async function whenSlow(station: Station): Promise<void> {
  station.proxy.answerDelayMs = isLong ? 2000 : 30;
  await station.well();
  station.proxy.answerDelayMs = 0;
}

async function whenStuck(station: Station): Promise<void> {
  const { proxy } = station;
  proxy.onRequest = (bytes) => {
    if (bytes.includes('INSERT INTO stats')) proxy.mode = 'half';
  };
  await station.failing('storage-unavailable', 2);
  proxy.onRequest = () => undefined;
  proxy.mode = 'pass';
  await station.well();
}

async function whenDeadlocked(station: Station): Promise<void> {
  const { mariadb, made } = station;
  const deadlocks = async (): Promise<number> =>
    Number((await mariadb.asRoot("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"))[0]?.['Value']);
  const before = await deadlocks();
  const other = await createConnection({ socketPath: mariadb.socketPath, user: 'root', database: made.name });
  try {
    await other.query('CREATE TABLE weight (n INT PRIMARY KEY)');
    await other.query('START TRANSACTION');
    // In a deadlock InnoDB rolls back the transaction that has changed less.
    await other.query(`INSERT INTO weight SELECT seq FROM ${numbersTable(5000)}`);
    await other.query("UPDATE clients SET last_visit_at = last_visit_at WHERE name = 'c2'");
    // All writers lock c1 first: the collector has it and waits for c2.
    const freed = untilWaiting(mariadb)
      .then(() => other.query("UPDATE clients SET last_visit_at = last_visit_at WHERE name = 'c1'"))
      .then(() => other.query('ROLLBACK'));
    await station.well();
    await freed;
  } finally {
    await other.end();
  }
  assert.equal(await deadlocks(), before + 1);
}

async function untilWaiting(mariadb: Mariadb): Promise<void> {
  for (;;) {
    const [row] = await mariadb.asRoot(
      "SELECT COUNT(*) AS n FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
    );
    if (Number(row?.['n']) > 0) return;
    // InnoDB refreshes this table only if nobody has read it for a tenth of a second.
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** Runs the programs on a separate database, and restores its backup of an hour ago in between. */
async function whenRestored(t: TestContext, mariadb: Mariadb): Promise<void> {
  const made = await mariadb.createDatabase();
  // This rule always holds, so that its alert is notified in the lost hour and evaluated again after it.
  const alerts = '<alert name="mount-unresponsive" for="1x"/>';
  const site = await openSite({
    clients,
    elements: `<storage url="${made.url}" password="${made.password}"/>
      <alerts defaults="no"><mail to="ops@example.org"/>${alerts}</alerts>`,
  });
  t.after(() => site.close());
  const machine = site.machine('mon');
  const inState = (name: string): string => path.join(machine.dir, 'state', name);
  const mails = (): readonly string[] => readdirSync(inState('outbox')).filter((name) => name.endsWith('.eml'));
  const goes = async (command: string, due = 0): Promise<void> => {
    const { status, stderr } = await machine.run(['-q', command]);
    assert.equal(status, due, stderr);
  };
  const account = `${made.user}@'%'`;

  await mariadb.asRoot(`ALTER USER ${account} ACCOUNT LOCK`);
  await goes('collect', 3);
  // A collector leaves these files if it dies between the commit and their removal.
  cpSync(inState('encrypted_stats'), path.join(machine.dir, 'kept'), { recursive: true });
  await mariadb.asRoot(`ALTER USER ${account} ACCOUNT UNLOCK`);
  await goes('collect');
  const root = ['--user=root', `--socket=${mariadb.socketPath}`];
  const dump = execFileSync('mariadb-dump', [...root, '--single-transaction', '--no-tablespaces', made.name]);

  // The lost hour: a mail is sent, and a run succeeds.
  await goes('alert');
  const notified = mails();
  assert.ok(notified.length > 0);
  await goes('collect');
  await mariadb.asRoot(`ALTER USER ${account} ACCOUNT LOCK`);
  await goes('collect', 3);
  await mariadb.asRoot(`ALTER USER ${account} ACCOUNT UNLOCK`);

  await mariadb.asRoot(`DROP DATABASE ${made.name}`, `CREATE DATABASE ${made.name}`);
  execFileSync('mariadb', [...root, made.name], { input: dump });
  cpSync(path.join(machine.dir, 'kept'), inState('encrypted_stats'), { recursive: true });
  await goes('collect');
  await goes('alert');
  // The fourth of five runs is lost with its reports; the waiting reports of the first and last were stored once.
  const [row] = await mariadb.asRoot(`USE ${made.name}`, countsSql);
  const counts = Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
  const rows = 4 * clients;
  assert.deepEqual(counts, { stats: rows, ids: rows, visits: rows, failed: 0, runs: 4, failures: 0, alerts: 0 });
  assert.deepEqual(mails(), notified, 'notified from the same reports: the same mail, by its Message-ID');
}
