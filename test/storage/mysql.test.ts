// Second tier: the faults of a MariaDB.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { after, before, describe, test, type TestContext } from 'node:test';

import type { StorageConfig } from '../../src/config/config.ts';
import { Secret } from '../../src/config/secret.ts';
import type { Database } from '../../src/storage/sql/database.ts';
import { openMysqlDatabase, type MysqlDatabaseOptions } from '../../src/storage/dialects/mysql/database.ts';
import { openStorage, storageOn } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/store/storage.ts';
import { markProcessed } from '../../src/storage/alerts/evaluation.ts';
import { serverName, skipWithoutMariadb, startMariadb } from '../support/databases/mariadb.ts';
import type { Mariadb, MariadbDatabase } from '../support/databases/mariadb.ts';
import { item, visit, worker } from './support/samples.ts';
import { unprocessedIds } from './support/unprocessed-ids.ts';
import { pluck } from '../support/pluck.ts';

const fault = (code: string): { name: string; code: string } => ({ name: 'FleetError', code });
const all = (database: Database, sql: string, ...values: readonly string[]) =>
  database.read((session) => session.all(sql, values));

describe(serverName, { skip: skipWithoutMariadb }, () => {
  let mariadb: Mariadb;
  let made: MariadbDatabase;
  let storage: Storage;
  before(async () => {
    mariadb = await startMariadb();
    made = await mariadb.createDatabase();
    storage = await openStorage({ storage: made.storage, migrate: true, program: 'collect' });
  });
  after(async () => {
    await storage.close();
    await mariadb.stop();
  });

  const open = async (t: TestContext, options: Omit<MysqlDatabaseOptions, 'storage'>): Promise<Database> => {
    const database = await openMysqlDatabase({ storage: made.storage, ...options });
    t.after(() => database.close());
    return database;
  };

  describe('sessions', () => {
    test('say themselves what matters, whatever the server is set to', async () => {
      const [server] = await mariadb.asRoot('SELECT @@GLOBAL.sql_mode AS m, @@GLOBAL.time_zone AS z');
      assert.deepEqual({ ...server }, { m: '', z: '+05:00' });
      const isolation = serverName === 'MySQL' ? 'transaction_isolation' : 'tx_isolation';
      const [row] = await storage.history.query(
        `SELECT @@${isolation} AS isolation, @@time_zone AS zone, @@collation_connection AS collation,
          @@sql_mode LIKE '%STRICT_ALL_TABLES%' AS strict, @@innodb_lock_wait_timeout AS lock_wait`,
      );
      const settings = { isolation: 'READ-COMMITTED', zone: '+00:00', collation: 'utf8mb4_bin' };
      assert.deepEqual({ ...row }, { ...settings, strict: 1, lock_wait: 20 });
    });

    test('an own setting stands against that of the server and of its init_connect', async (t) => {
      const own: Readonly<Record<string, unknown>> = {
        sql_safe_updates: 0,
        sql_big_selects: 1,
        sql_auto_is_null: 0,
        completion_type: 'NO_CHAIN',
        default_storage_engine: 'InnoDB',
        sql_quote_show_create: 1,
        div_precision_increment: 4,
        autocommit: 1,
      };
      const readOnly = serverName === 'MySQL' ? 'transaction_read_only' : 'tx_read_only';
      const hostile =
        'SET sql_select_limit = 1, sql_safe_updates = 1, sql_big_selects = 0, sql_auto_is_null = 1, autocommit = 0, ' +
        'completion_type = 2, default_storage_engine = MEMORY, sql_quote_show_create = 0, ' +
        `div_precision_increment = 0, SESSION ${readOnly} = 1`;
      await mariadb.asRoot(`SET GLOBAL init_connect = '${hostile}'`);
      t.after(() => mariadb.asRoot("SET GLOBAL init_connect = ''"));
      const database = await open(t, { program: 'change' });
      const names = Object.keys(own);
      const [row] = await all(database, `SELECT ${names.map((name) => `@@${name} AS ${name}`).join(', ')}`);
      assert.deepEqual({ ...row }, own);
      const rows = await all(database, 'SELECT 1 AS n UNION ALL SELECT 2');
      assert.equal(rows.length, 2);
      await database.write((session) => session.run('CREATE TABLE init_connect_trial (id INTEGER PRIMARY KEY)'));
      await database.write((session) => session.run('DROP TABLE init_connect_trial'));
    });

    for (const { program, wait, lock_wait } of [
      { program: 'alert', wait: 30, lock_wait: 40 },
      { program: 'collect', wait: 60, lock_wait: 20 },
      { program: 'read', wait: 60, lock_wait: 20 },
    ] as const) {
      test(`those of ${program} end soon when it is suspended`, async (t) => {
        const database = await open(t, { program });
        const [row] = await all(database, 'SELECT @@wait_timeout AS wait, @@innodb_lock_wait_timeout AS lock_wait');
        assert.deepEqual({ ...row }, { wait, lock_wait });
      });
    }

    test("the database's clock is UTC in the form of the columns", async (t) => {
      const database = await open(t, { program: 'change' });
      const [row] = await database.read((session) => session.all(`SELECT ${session.dialect.now} AS now`));
      assert.match(String(row?.['now']), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
      assert.ok(Math.abs(Date.parse(`${String(row?.['now']).replace(' ', 'T')}Z`) - Date.now()) < 60_000);
    });
  });

  describe('transactions', () => {
    test('reading unprocessed rows keeps no collector from storing, and no unread row is marked', async (t) => {
      const ids = [item(), item(), item()];
      await storage.reports.ingest(ids);
      const database = await open(t, { program: 'alert' });
      const read = await database.write(async (session) => {
        const unprocessed = await unprocessedIds(session, 'stats', 100);
        // This runs inside the alerter's transaction: with a lock on the rows read, it would wait for the
        // transaction's end.
        assert.deepEqual(await storage.reports.ingest([item()]), [{ kind: 'stored' }]);
        await markProcessed(session, 'stats', unprocessed);
        assert.deepEqual(await storage.reports.ingest([item()]), [{ kind: 'stored' }]);
        return unprocessed;
      });
      const left = await database.read((session) => unprocessedIds(session, 'stats', 100));
      assert.equal(left.length, 2);
      assert.ok(left.every((id) => !read.includes(id)));
    });

    test('rows that another alerter processed meanwhile undo the whole transaction', async (t) => {
      await storage.reports.ingest([item(), item()]);
      const [one, two] = [await open(t, { program: 'alert' }), await open(t, { program: 'alert' })];
      const ids = await one.read((session) => unprocessedIds(session, 'stats', 100));
      await two.write((session) => markProcessed(session, 'stats', ids.slice(0, 1)));
      const marked = one.write((session) => markProcessed(session, 'stats', ids));
      await assert.rejects(marked, /1 of \d+ rows of stats were processed by another/);
      assert.equal((await one.read((session) => unprocessedIds(session, 'stats', 100))).length, ids.length - 1);
    });

    test('a deadlock is made again and nobody sees it', async (t) => {
      await storage.reports.saveVisits([visit({ client: 'dead-1' }), visit({ client: 'dead-2' })]);
      const attempts = { one: 0, two: 0 };
      const meeting = barrier();
      const lockBoth = (who: 'one' | 'two', names: readonly string[]) => (database: Database) =>
        database.write(async (session) => {
          attempts[who] += 1;
          for (const name of names) {
            const failed = 'UPDATE clients SET consecutive_failures = consecutive_failures + 1 WHERE name = ?';
            await session.run(failed, [name]);
            if (attempts[who] === 1) await meeting.arrive(2);
          }
        });
      const [one, two] = [await open(t, { program: 'collect' }), await open(t, { program: 'collect' })];
      await Promise.all([lockBoth('one', ['dead-1', 'dead-2'])(one), lockBoth('two', ['dead-2', 'dead-1'])(two)]);
      assert.equal(attempts.one + attempts.two, 3, 'one of the two was made again');
      const facts = await storage.reports.clientFacts();
      assert.equal(facts.get('dead-1')?.consecutiveFailures, 2);
      assert.equal(facts.get('dead-2')?.consecutiveFailures, 2);
    });

    test('a connection that died while idle is replaced, and one that dies in the middle is made again', async (t) => {
      const database = await open(t, { program: 'collect' });
      const id = async () => Number((await all(database, 'SELECT CONNECTION_ID() AS id'))[0]?.['id']);
      await mariadb.asRoot(`KILL ${await id()}`);
      const reports = storageOn(database).reports;
      assert.deepEqual(await reports.ingest([item()]), [{ kind: 'stored' }]);
      const connection = await id();
      let attempts = 0;
      const name = randomUUID();
      await database.write(async (session) => {
        attempts += 1;
        await session.run("INSERT INTO leases VALUES (?, 1, 'me', 0, '2026-11-20 10:00:00')", [name]);
        if (attempts === 1) await mariadb.asRoot(`KILL ${connection}`);
        await session.run('UPDATE leases SET touched = touched + 1 WHERE name = ?', [name]);
      });
      assert.equal(attempts, 2);
      const [lease] = await all(database, 'SELECT touched FROM leases WHERE name = ?', name);
      assert.equal(lease?.['touched'], 1);
    });
  });

  describe('reports that only this database refuses', () => {
    test('JSON nested too deep, lone surrogates: refused with its words, the others are stored', async () => {
      const deep = JSON.parse(`${'['.repeat(120)}1${']'.repeat(120)}`) as string;
      const results = await storage.reports.ingest([
        item({ client: 'fine-1' }),
        item({ client: 'deep', workers: [worker('odd', { label: deep })] }),
        item({ client: 'fine-2' }),
        item({ client: 'lone', workers: [worker('odd', { label: 'a\ud800b' })] }),
        item({ client: 'fine-3' }),
      ]);
      assert.deepEqual(pluck(results, 'kind'), ['stored', 'refused', 'stored', 'refused', 'stored']);
      for (const result of results) {
        if (result.kind === 'refused') assert.match(result.message, /CONSTRAINT `reports.report` failed|JSON/);
      }
    });

    test('text beyond its column', async () => {
      const results = await storage.reports.ingest([item({ client: 'x'.repeat(129) }), item()]);
      assert.deepEqual(pluck(results, 'kind'), ['refused', 'stored']);
    });
  });

  describe('faults', () => {
    test('a wrong password, database or right: storage-denied, without the secret', async () => {
      const password = new Secret({ kind: 'literal', value: 'wrong-and-secret' });
      const wrong = openStorage({ storage: { ...made.storage, password }, migrate: true });
      await assert.rejects(wrong, (thrown: Error) => {
        assert.deepEqual({ ...fault('storage-denied') }, { name: thrown.name, code: 'code' in thrown && thrown.code });
        assert.doesNotMatch(JSON.stringify(thrown) + String(thrown.stack) + String(thrown.cause), /wrong-and-secret/);
        return true;
      });
      const elsewhere = openStorage({ storage: { ...made.storage, database: 'mysql' }, migrate: true });
      await assert.rejects(elsewhere, fault('storage-denied'));
      const reader = await mariadb.createDatabase();
      await openStorage({ storage: reader.storage, migrate: true }).then((opened) => opened.close());
      await mariadb.asRoot(`REVOKE INSERT ON ${reader.name}.* FROM ${reader.user}@'%'`);
      const open = await openStorage({ storage: reader.storage, migrate: false });
      await assert.rejects(open.reports.ingest([item()]), fault('storage-denied'));
      await open.close();
    });

    test('a password or CA that cannot be read is a fault of the configuration', async () => {
      const password = new Secret({ kind: 'file', path: '/nonexistent/password' });
      const secret = openStorage({ storage: { ...made.storage, password }, migrate: true });
      await assert.rejects(secret, fault('secret-missing'));
      const verifying = { ...made.storage, tls: 'verify', ca: '/nonexistent/ca' } as const;
      await assert.rejects(openStorage({ storage: verifying, migrate: true }), fault('config-invalid'));
    });

    test('a server that is read-only, as after a failover: storage-read-only', async () => {
      await mariadb.asRoot('SET GLOBAL read_only = 1');
      try {
        await assert.rejects(storage.reports.ingest([item()]), fault('storage-read-only'));
      } finally {
        await mariadb.asRoot('SET GLOBAL read_only = 0');
      }
    });

    test('nobody listens, no such host, or somebody who says nothing: storage-unavailable, in time', async () => {
      const silent = createServer().listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const silentPort = (silent.address() as AddressInfo).port;
      try {
        const local = '127.0.0.1';
        for (const [host, port] of [
          [local, 1],
          ['no-such-host.invalid', mariadb.port],
          [local, silentPort],
        ] as const) {
          const storage = { ...made.storage, hosts: [{ host, port }] };
          const options = { storage, program: 'change', connectTimeoutMs: 300 } as const;
          await assert.rejects(openMysqlDatabase(options), { kind: 'lost', code: 'storage-unavailable' });
        }
      } finally {
        silent.close();
      }
    });

    test('a server that stops answering: the statement has a deadline, and later ones a new connection', async (t) => {
      const database = await open(t, { program: 'collect', statementTimeoutMs: 2_000, connectTimeoutMs: 2_000 });
      const reports = storageOn(database).reports;
      await reports.ingest([item()]);
      mariadb.pause();
      try {
        await assert.rejects(reports.ingest([item()]), fault('storage-unavailable'));
      } finally {
        mariadb.resume();
      }
      assert.deepEqual(await reports.ingest([item()]), [{ kind: 'stored' }]);
    });

    test('the signal ends what is under way', async () => {
      const ending = new AbortController();
      const open = await openStorage({ storage: made.storage, migrate: false, signal: ending.signal });
      const slow = open.history.query('SELECT SLEEP(30)');
      setTimeout(() => ending.abort(), 50);
      await assert.rejects(slow, fault('interrupted'));
      await assert.rejects(open.history.clients(), fault('interrupted'));
      await open.close();
    });

    test('a killed server is storage-unavailable until it is back, and loses nothing that was stored', async () => {
      const items = Array.from({ length: 50 }, (_, index) => item({ client: `kill-${index}` }));
      await storage.reports.ingest(items);
      await mariadb.kill();
      await assert.rejects(storage.reports.ingest([item()]), fault('storage-unavailable'));
      await assert.rejects(storage.history.clients(), fault('storage-unavailable'));
      await mariadb.restart();
      const results = await storage.reports.ingest(items);
      assert.ok(results.every(({ kind }) => kind === 'duplicate'));
    });
  });

  describe('ways in', () => {
    test('a way to log in that is not known here is said, not a crash', async (context) => {
      const installed = await mariadb.asRoot("INSTALL SONAME 'auth_ed25519'").catch(() => null);
      if (installed === null) {
        context.skip('the server has no other way');
        return;
      }
      await mariadb.asRoot("CREATE USER edward@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x')");
      const edward = { ...made.storage, user: 'edward' };
      await assert.rejects(openStorage({ storage: edward, migrate: false }), fault('storage-denied'));
    });

    // The last test: it changes the server's root user if root runs the tests.
    test('a socket, and a user who is known by it alone', async () => {
      const user = userInfo().username;
      const plugin = serverName === 'MySQL' ? 'auth_socket' : 'unix_socket';
      if (serverName === 'MySQL') await mariadb.asRoot("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'");
      await mariadb.asRoot(
        `CREATE USER IF NOT EXISTS ${user}@localhost`,
        `GRANT ALL ON ${made.name}.* TO ${user}@localhost`,
        `ALTER USER ${user}@localhost IDENTIFIED WITH ${plugin}`,
      );
      const { socketPath } = mariadb;
      await canRead({ ...made.storage, socketPath, user, password: null });
    });
  });

  async function canRead(config: StorageConfig): Promise<void> {
    const open = await openStorage({ storage: config, migrate: false });
    await open.history.clients();
    await open.close();
  }
});

describe(`${serverName} with small packets`, { skip: skipWithoutMariadb }, () => {
  test('a batch is cut to fit, and only a row that can never fit is refused', async () => {
    const mariadb = await startMariadb(['--max-allowed-packet=1M']);
    try {
      const { storage: config } = await mariadb.createDatabase();
      const storage = await openStorage({ storage: config, migrate: true });
      const long = (chars: number): ReturnType<typeof item> =>
        item({ client: `long-${chars}`, workers: [worker('odd', { label: 'ä'.repeat(chars / 2) })] });
      const batch = Array.from({ length: 40 }, () => long(60_000));
      const results = await storage.reports.ingest([...batch, long(900_000), long(1_100_000), item()]);
      assert.deepEqual(pluck(results.slice(-3), 'kind'), ['stored', 'refused', 'stored']);
      assert.ok(results.slice(0, 40).every(({ kind }) => kind === 'stored'));
      await storage.close();
    } finally {
      await mariadb.stop();
    }
  });
});

function barrier() {
  let waiting: (() => void)[] = [];
  let arrived = 0;
  return {
    /** Resolves when this many calls have arrived. */
    arrive: (count: number) =>
      new Promise<void>((resolve) => {
        arrived += 1;
        waiting.push(resolve);
        if (arrived < count) return;
        for (const go of waiting) go();
        waiting = [];
      }),
  };
}
