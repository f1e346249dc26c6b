// Second tier: every fault of a database through the whole programs.
/**
 * Each fault of a database, as a user of the built programs meets it. The collector names the fault, the alerter leaves
 * that to the collector, no client is blamed, and every report is stored once when the fault is over.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, suite, test } from 'node:test';

import { createConnection, type Connection } from 'mysql2/promise';

import { openSqlite, type SqliteDatabase } from '../../src/platform/sqlite.ts';
import { startFickleProxy } from '../support/servers/tcp-proxy.ts';
import { numbersTable, skipWithoutMariadb, startMariadb, type Mariadb } from '../support/databases/mariadb.ts';
import { namesBelow } from '../support/names-below.ts';
import { sealedFor } from '../support/fleets/report-server.ts';
import { openSite } from '../support/fleets/report-site.ts';
import { succeeded } from '../support/programs/run-cli.ts';
import { fill, mountSmallDisk } from '../support/programs/small-disk.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

const skip = process.getuid?.() === 0 && process.platform === 'linux' ? skipWithoutMariadb : 'needs root';
const clients = 2;
/** Short deadlines. A run waits 10 s longer than its deadline for an answer that never ends. */
const hurried = '<collector runDeadline="12s" clientDeadline="11s" agentTimeout="9s" connectTimeout="9s"/>';

/** Returns a folder that is a small file system until the running suite ends. */
function smallDisk(sizeKib: number): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-small-disk-'));
  const disk = path.join(dir, 'disk');
  const unmount = mountSmallDisk(disk, sizeKib);
  after(() => {
    unmount();
    rmSync(dir, { recursive: true, maxRetries: 5 });
  });
  return disk;
}

interface Fault {
  readonly fault: string;
  /** The code that the collector reports. `null` if both programs succeed in spite of the fault. */
  readonly code: string | null;
  /** The exit status of the alerter, which may succeed where it has nothing to write. `null` if nobody asks. */
  readonly alert: 0 | 3 | null;
  /** Begins the fault. Returns a function that ends it, and returns false if it did not come about. */
  readonly begin: () => Promise<() => unknown>;
}

const countsSql = `SELECT (SELECT COUNT(*) FROM stats) AS stats, (SELECT COUNT(DISTINCT report_id) FROM stats) AS ids,
  (SELECT COUNT(*) FROM visits) AS visits, (SELECT COUNT(*) FROM visits WHERE ok = 0) AS failed,
  (SELECT COUNT(*) FROM runs WHERE program = 'collect' AND outcome = 'finished') AS runs,
  (SELECT SUM(consecutive_failures) FROM clients) AS failures, 
  (SELECT COUNT(*) FROM alerts WHERE rule IN ('unreachable', 'no-report', 'collector-silent')) AS alerts`;

/**
 * Opens a machine with clients for the running suite. `select` returns the only row of a query. The built program meets
 * the faults; `again` runs it when they are over.
 */
async function openStation(storage: string, again: 'run' | 'runHere', select: (sql: string) => unknown) {
  let [reports, runs] = [0, 0];
  const site = await stoppedAfter(
    openSite({
      clients,
      elements: `${storage}<alerts defaults="no"/>${hurried}`,
      mayAnswer: () => station.onVisit(),
      reports: (request) => {
        reports += station.reportsEach;
        return Array.from({ length: station.reportsEach }, () => sealedFor(request));
      },
    }),
  );
  const machine = site.machine('mon');
  const filesLeft = () => namesBelow(path.join(machine.dir, 'state', 'encrypted_stats'), '.fhs').length;
  const station = {
    /** The number of reports of each client and visit. */
    reportsEach: 1,
    /** Called before a client answers. */
    onVisit: () => Promise.resolve(),
    collect: async () => {
      runs += 1;
      const { status, stdout, stderr } = await machine.run(['--json', 'collect']);
      type Document = { succeeded: number; faults: { code: string }[]; reports: { waiting: number } };
      const { succeeded: visited, faults, reports: counted } = JSON.parse(stdout) as Document;
      assert.equal(filesLeft(), counted.waiting);
      return { status, stderr, visited, codes: faults.map(({ code }) => code), waiting: counted.waiting };
    },
    alert: () => machine.run(['-q', 'alert']),
    storesAllOnce: async () => {
      runs += 1;
      for (const command of ['collect', 'alert']) await succeeded(machine[again]([command]));
      assert.equal(filesLeft(), 0);
      const counts = Object.entries((await select(countsSql)) as object).map(([name, value]) => [name, Number(value)]);
      const stored = { stats: reports, ids: reports, visits: runs * clients, failed: 0, runs, failures: 0, alerts: 0 };
      assert.deepEqual(Object.fromEntries(counts), stored);
    },
  };
  await station.storesAllOnce();
  return station;
}

type Station = Awaited<ReturnType<typeof openStation>>;

/** The most tries of a fault that needs two reports in one transaction: a busy machine may open them one by one. */
const maxRounds = 5;

function testFaults(station: Station, faults: readonly Fault[]): void {
  for (const { fault, code, alert, begin } of faults) {
    test(`${fault}: ${code === null ? 'hinders nobody' : 'reports wait and are stored once'}`, async () => {
      let cameAbout: unknown = false;
      for (let round = 0; round < maxRounds && cameAbout === false; round += 1) {
        const end = await begin();
        const { waiting, ...collected } = await station.collect();
        const alerted = await station.alert();
        cameAbout = await end();
        const codes = code === null ? [] : [code];
        assert.deepEqual(collected, { status: code === null ? 0 : 3, stderr: '', visited: clients, codes });
        assert.ok(code === null ? waiting === 0 : waiting >= clients, `${waiting} wait`);
        assert.deepEqual(alerted, { status: alert ?? alerted.status, stdout: '', stderr: '' });
        await station.storesAllOnce();
      }
      assert.notEqual(cameAbout, false, 'the fault did not come about');
    });
  }
}

suite('SQLite', { skip }, async () => {
  const disk = smallDisk(8 * 1024);
  const file = path.join(disk, 'fleet.db');
  const open = <T>(use: (database: SqliteDatabase) => T): T => {
    const database = openSqlite(file);
    try {
      return use(database);
    } finally {
      database.close();
    }
  };
  // In this process it could not wait for a lock of this process.
  const station = await openStation(`<storage url="sqlite:${file}"/>`, 'run', (sql) =>
    open((database) => database.prepare(sql).get()),
  );
  /** Opens a connection that is in a transaction until it is closed. Waits for a program that writes at the moment. */
  const lock = (): SqliteDatabase => {
    const database = openSqlite(file);
    database.exec('PRAGMA busy_timeout = 60000');
    database.exec('BEGIN IMMEDIATE');
    return database;
  };

  testFaults(station, [
    {
      ...{ fault: 'a full disk', code: 'storage-full', alert: null },
      begin: () => {
        const full = fill(disk);
        return Promise.resolve(() => rmSync(full));
      },
    },
    {
      ...{ fault: 'somebody who reads', code: null, alert: 0 },
      begin: () => {
        const database = openSqlite(file);
        database.exec('BEGIN');
        database.prepare('SELECT COUNT(*) FROM stats').get();
        return Promise.resolve(() => database.close());
      },
    },
    {
      ...{ fault: 'somebody who writes for a second', code: null, alert: 0 },
      begin: () => {
        const writer = lock();
        setTimeout(() => writer.close(), 1000);
        return Promise.resolve(() => undefined);
      },
    },
    {
      ...{ fault: 'somebody who writes in the middle of a run', code: null, alert: 0 },
      begin: () => {
        let locks = 0;
        station.onVisit = () => {
          locks += 1;
          const writer = locks === 1 ? lock() : null;
          setTimeout(() => writer?.close(), 1000);
          return Promise.resolve();
        };
        return Promise.resolve(() => {
          station.onVisit = () => Promise.resolve();
          assert.equal(locks, clients);
        });
      },
    },
    {
      ...{ fault: 'somebody who never stops writing', code: 'storage-unavailable', alert: 0 },
      begin: () => {
        const writer = lock();
        return Promise.resolve(() => writer.close());
      },
    },
    {
      ...{ fault: 'a damaged file', code: 'storage-failed', alert: 3 },
      begin: () => {
        const files = readdirSync(disk).map((name) => path.join(disk, name));
        for (const own of files) renameSync(own, `${own}.kept`);
        writeFileSync(file, 'this is no database'.repeat(1000));
        return Promise.resolve(() => {
          rmSync(file);
          for (const own of files) renameSync(`${own}.kept`, own);
        });
      },
    },
  ]);
});

suite('MariaDB', { skip }, async () => {
  // The size of an empty server, with little to spare.
  const disk = smallDisk(150 * 1024);
  const small = ['--innodb-log-file-size=8M', '--innodb-data-file-path=ibdata1:8M:autoextend'];
  const mariadb = await stoppedAfter(startMariadb(['--innodb-flush-log-at-trx-commit=0', ...small], disk));
  const made = await mariadb.createDatabase();
  const proxy = await stoppedAfter(startFickleProxy(mariadb.port));
  const url = `mysql://${made.user}@127.0.0.1:${proxy.port}/${made.name}`;
  const select = async (sql: string) => (await mariadb.asRoot(`USE ${made.name}`, sql))[0];
  const station = await openStation(`<storage url="${url}" password="${made.password}"/>`, 'runHere', select);

  /** Returns a function that runs a statement as root, and returns one that runs another. */
  const statements = (begin: string, end: string) => async () => {
    await mariadb.asRoot(begin);
    return () => mariadb.asRoot(end);
  };
  /** Calls a function on the first request with these words. Returns a function that asserts that there was one. */
  const onceOn = (words: string, act: () => unknown) => {
    let isDue = true;
    proxy.onRequest = async (bytes) => {
      if (!isDue || !bytes.includes(words)) return;
      isDue = false;
      await act();
    };
    return () => {
      proxy.onRequest = () => undefined;
      assert.ok(!isDue, `nobody said ${words}`);
    };
  };
  const cutOn = (words: string) => () => Promise.resolve(onceOn(words, () => void setImmediate(() => proxy.cut())));
  const user = `${made.user}@'%'`;
  const insert = `INSERT ON ${made.name}.*`;
  const queries = `GRANT USAGE ON *.* TO ${user} WITH MAX_QUERIES_PER_HOUR`;

  testFaults(station, [
    {
      ...{ fault: 'a full disk', code: 'storage-full', alert: null },
      begin: () => {
        const full = fill(disk);
        // More reports than the existing pages can hold.
        station.reportsEach = 60;
        return Promise.resolve(() => {
          rmSync(full);
          station.reportsEach = 1;
        });
      },
    },
    {
      ...{ fault: 'a server that is read-only', code: 'storage-read-only', alert: 0 },
      begin: statements('SET GLOBAL read_only = 1', 'SET GLOBAL read_only = 0'),
    },
    {
      ...{ fault: 'an account without a right', code: 'storage-denied', alert: null },
      begin: statements(`REVOKE ${insert} FROM ${user}`, `GRANT ${insert} TO ${user}`),
    },
    {
      ...{ fault: 'a locked account', code: 'storage-denied', alert: 3 },
      begin: statements(`ALTER USER ${user} ACCOUNT LOCK`, `ALTER USER ${user} ACCOUNT UNLOCK`),
    },
    {
      ...{ fault: 'an account with too many queries', code: 'storage-unavailable', alert: 3 },
      begin: statements(`${queries} 1`, `${queries} 0`),
    },
    {
      ...{ fault: 'a server that is slow', code: null, alert: 0 },
      begin: () => {
        proxy.answerDelayMs = 30;
        return Promise.resolve(() => (proxy.answerDelayMs = 0));
      },
    },
    { ...{ fault: 'a cut before reports', code: null, alert: 0 }, begin: cutOn('INSERT INTO stats') },
    { ...{ fault: 'a cut before visits', code: null, alert: 0 }, begin: cutOn('INSERT INTO visits') },
    {
      ...{ fault: 'an answer that never ends', code: 'storage-unavailable', alert: 3 },
      begin: () => {
        const asserts = onceOn('INSERT INTO stats', () => (proxy.mode = 'half'));
        return Promise.resolve(() => {
          proxy.mode = 'pass';
          asserts();
        });
      },
    },
    {
      ...{ fault: 'no free connection', code: 'storage-unavailable', alert: 3 },
      begin: async () => {
        const crowd = await crowdOf(mariadb);
        await crowd.come();
        return () => crowd.leave();
      },
    },
    {
      ...{ fault: 'no free connection after a cut', code: 'storage-unavailable', alert: 3 },
      begin: async () => {
        const crowd = await crowdOf(mariadb);
        const asserts = onceOn('INSERT INTO stats', async () => {
          await crowd.come();
          proxy.cut();
        });
        return async () => {
          asserts();
          await crowd.leave();
        };
      },
    },
    {
      ...{ fault: 'a deadlock', code: null, alert: 0 },
      begin: async () => {
        // The collector stores both reports in one transaction only if they arrive together.
        const waiting: (() => void)[] = [];
        station.onVisit = () =>
          new Promise((resolve) => {
            waiting.push(resolve);
            if (waiting.length === clients) for (const answer of waiting) answer();
          });
        const end = await beginDeadlock(mariadb, made.name);
        return async () => {
          station.onVisit = () => Promise.resolve();
          return await end();
        };
      },
    },
  ]);
});

/** Returns a crowd that takes all connections of a server but the one that it keeps for root. */
async function crowdOf(mariadb: Mariadb) {
  const { user, password } = await mariadb.createDatabase();
  const guests: Connection[] = [];
  // Every refused guest takes the connection that the server reserves for root, for a moment.
  const root = await createConnection({ socketPath: mariadb.socketPath, user: 'root' });
  const allow = (connections: number) => root.query('SET GLOBAL max_connections = ?', [connections]);
  return {
    come: async (): Promise<void> => {
      await allow(11);
      for (;;) {
        try {
          guests.push(await createConnection({ host: '127.0.0.1', port: mariadb.port, user, password }));
        } catch (thrown) {
          assert.match(String(thrown), /Too many connections/);
          break;
        }
      }
      // A connection that somebody closes, as the collector does, is not free again.
      await allow(10);
    },
    leave: async (): Promise<void> => {
      await Promise.all(guests.map((guest) => guest.end()));
      await allow(150);
      await root.end();
    },
  };
}

/** Locks c2, and c1 once the collector waits for c2. A collector that stores both at once has locked c1 before. */
async function beginDeadlock(mariadb: Mariadb, database: string): Promise<() => Promise<boolean>> {
  const deadlocks = async (): Promise<number> =>
    Number((await mariadb.asRoot("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"))[0]?.['Value']);
  const before = await deadlocks();
  const other = await createConnection({ socketPath: mariadb.socketPath, user: 'root', database });
  const lock = (client: string) =>
    other.query('UPDATE clients SET last_visit_at = last_visit_at WHERE name = ?', [client]);
  await other.query('CREATE TABLE IF NOT EXISTS weight (n INT PRIMARY KEY)');
  await other.query('START TRANSACTION');
  // In a deadlock InnoDB rolls back the transaction that has changed less.
  await other.query(`INSERT INTO weight SELECT seq FROM ${numbersTable(5000)}`);
  await lock('c2');
  const freed = untilWaiting(mariadb)
    .then(() => lock('c1'))
    .then(() => other.query('ROLLBACK'));
  return async () => {
    await freed;
    await other.end();
    const more = (await deadlocks()) - before;
    assert.ok(more <= 1, `${more} deadlocks`);
    return more === 1;
  };
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
