/** Several hosts in <storage url>: if a host is unreachable or unusable, the next one is tried. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';

import type { MysqlConfig } from '../../src/config/databases/mysql.ts';
import { openMysqlDatabase } from '../../src/storage/dialects/mysql/database.ts';
import { mysqlFault } from '../../src/storage/dialects/mysql/faults.ts';
import { createMysqlServers } from '../../src/storage/dialects/mysql/servers.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { StorageFault } from '../../src/storage/sql/fault.ts';
import { freePort, listenOn } from '../support/servers/free-port.ts';
import { startFickleProxy, type FickleProxy } from '../support/servers/tcp-proxy.ts';
import {
  mysqlAt,
  skipWithoutMariadb,
  startMariadb,
  type Mariadb,
  type MariadbDatabase,
} from '../support/databases/mariadb.ts';
import { item } from './support/samples.ts';

describe('two ways to one MariaDB', { skip: skipWithoutMariadb }, () => {
  let mariadb: Mariadb;
  let made: MariadbDatabase;
  let one: FickleProxy;
  let two: FickleProxy;
  let config: MysqlConfig;
  before(async () => {
    mariadb = await startMariadb(['--innodb-flush-log-at-trx-commit=0']);
    made = await mariadb.createDatabase();
    [one, two] = await Promise.all([startFickleProxy(mariadb.port), startFickleProxy(mariadb.port)]);
    config = { ...made.storage, hosts: [one, two].map(({ port }) => ({ host: '127.0.0.1', port })) };
    await (await openStorage({ storage: config, migrate: true })).close();
  });
  after(async () => {
    await Promise.all([one.close(), two.close()]);
    await mariadb.stop();
  });

  test('one that goes in the middle of a transaction: it is made again at the other, once', async () => {
    const database = await openMysqlDatabase({ storage: config, program: 'collect' });
    let attempts = 0;
    await database.write(async (session) => {
      attempts += 1;
      await session.run("INSERT INTO leases VALUES ('cut', 1, 'me', 0, '2026-11-20 10:00:00')");
      if (attempts === 1) {
        one.mode = 'refuse';
        one.cut();
      }
      await session.run("UPDATE leases SET touched = touched + 1 WHERE name = 'cut'");
    });
    const rows = await database.read((session) => session.all("SELECT touched FROM leases WHERE name = 'cut'"));
    assert.deepEqual([attempts, rows.map((row) => row['touched'])], [2, [1]]);
    await database.close();
    const closedAt = performance.now();
    await assert.rejects(
      database.read((session) => session.all('SELECT 1')),
      /closed/,
    );
    // An unavailable cluster is retried for 30 s, but not by a database that is closed.
    assert.ok(performance.now() - closedAt < 20_000, 'nobody is waited for any more');
    one.mode = 'pass';
  });

  test('one whose answer to COMMIT was lost: nothing is stored twice', async () => {
    const storage = await openStorage({ storage: config, migrate: false, program: 'collect' });
    one.onRequest = (bytes) => {
      if (!bytes.includes('COMMIT')) return;
      one.onRequest = () => undefined;
      one.mode = 'unanswered';
      setTimeout(() => one.cut(), 50);
    };
    const report = item();
    assert.deepEqual(await storage.reports.ingest([report]), [{ kind: 'duplicate' }]);
    assert.deepEqual(await storage.reports.ingest([report]), [{ kind: 'duplicate' }]);
    one.mode = 'pass';
    await storage.close();
  });

  test('one that says nothing is left in time, also when a program starts', async () => {
    one.mode = 'silent';
    const options = { storage: config, program: 'change', connectTimeoutMs: 300 } as const;
    const database = await openMysqlDatabase(options);
    assert.equal((await database.read((session) => session.all('SELECT 1 AS one')))[0]?.['one'], 1);
    await database.close();
    two.mode = 'silent';
    await assert.rejects(openMysqlDatabase(options), (thrown: Error) => {
      assert.equal('kind' in thrown && thrown.kind, 'lost');
      for (const { port } of [one, two]) assert.ok(thrown.message.includes(`:${port}/`), thrown.message);
      return true;
    });
    one.mode = 'pass';
    two.mode = 'pass';
  });

  test('another one that says nothing is given up when the time for it is over', async () => {
    const database = await openMysqlDatabase({ storage: config, program: 'collect' });
    const other = await database.elsewhere?.(AbortSignal.timeout(60_000));
    assert.equal((await other?.read((session) => session.all('SELECT 1 AS one')))?.[0]?.['one'], 1);
    await other?.close();
    two.mode = 'silent';
    const begun = performance.now();
    await assert.rejects(async () => await database.elsewhere?.(AbortSignal.timeout(200)), { code: 'interrupted' });
    assert.ok(performance.now() - begun < 4_000, 'a run does not wait for it');
    two.mode = 'pass';
    await database.close();
  });

  test('at a single one, a transaction that is in the way of others is made six times, no more', async () => {
    const database = await openMysqlDatabase({ storage: made.storage, program: 'change' });
    for (const { inTheWay, outcome, made: times } of [
      { inTheWay: 2, outcome: 'made', made: 3 },
      { inTheWay: 9, outcome: 'contended', made: 6 },
    ]) {
      let attempts = 0;
      const write = database.write(async () => {
        attempts += 1;
        if (attempts <= inTheWay) throw new StorageFault('contended', 'locked');
        return Promise.resolve('made');
      });
      const got = await write.catch((thrown: unknown) => (thrown instanceof StorageFault ? thrown.kind : thrown));
      assert.deepEqual([got, attempts], [outcome, times]);
    }
    await database.close();
  });

  test('one that is read-only: the other is asked, and the fault is said when it is no better', async () => {
    const storage = await openStorage({ storage: config, migrate: false, program: 'collect' });
    await mariadb.asRoot('SET GLOBAL read_only = 1');
    let asked = 0;
    two.onRequest = () => {
      asked += 1;
    };
    await assert.rejects(storage.reports.ingest([item()]), { code: 'storage-read-only' });
    assert.ok(asked > 0);
    await mariadb.asRoot('SET GLOBAL read_only = 0');
    assert.deepEqual(await storage.reports.ingest([item()]), [{ kind: 'stored' }]);
    await storage.close();
  });
});

test('of several servers that take no login, one that may be back soon decides', async (t) => {
  const refusing = createServer((socket) => {
    const refusal = Buffer.concat([Buffer.from([0xff, 1045 & 255, 1045 >> 8]), Buffer.from('#28000Access denied')]);
    socket.end(Buffer.concat([Buffer.from([refusal.length, 0, 0, 0]), refusal]));
  });
  const [denied, gone] = [await listenOn(refusing), await freePort()];
  t.after(() => refusing.close());
  for (const { ports, kind } of [
    { ports: [denied, denied], kind: 'denied' },
    { ports: [denied, gone], kind: 'lost' },
    { ports: [gone, denied], kind: 'lost' },
  ]) {
    const storage = mysqlAt(0, 'word', { hosts: ports.map((port) => ({ host: '127.0.0.1', port })) });
    const { signal } = new AbortController();
    const fault: unknown = await createMysqlServers({ storage, program: 'collect', signal })
      .connect()
      .catch((thrown: unknown) => thrown);
    assert.ok(fault instanceof StorageFault, String(fault));
    const named = ports.map((port) => fault.message.indexOf(String(port)));
    const servers = fault.message.match(/mysql:/g);
    assert.deepEqual([fault.kind, named.includes(-1), servers?.length], [kind, false, 2], fault.message);
  }
});

test('servers take turns, and the others begin with the next one', () => {
  const hosts = ['db-1', 'db-2', 'db-3'].map((host, index) => ({ host, port: 3306 + index }));
  const three = createMysqlServers({ storage: mysqlAt(0, '', { hosts }), program: 'collect' });
  const seen: string[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    const others = three.others()?.hosts.map(({ host, port }) => `${host}:${port}`);
    seen.push(`${/@([^/]*)/.exec(three.where())?.[1] ?? ''} ${others?.join() ?? ''}`);
    three.leave();
  }
  const [one, two, last] = ['db-1:3306', 'db-2:3307', 'db-3:3308'];
  assert.deepEqual(seen, [`${one} ${two},${last}`, `${two} ${last},${one}`, `${last} ${one},${two}`, seen[0]]);
  const alone = createMysqlServers({ storage: mysqlAt(3306, '', { socketPath: '/run/my.sock' }), program: 'collect' });
  assert.deepEqual([three.count, alone.count, alone.others()], [3, 1, null]);
  assert.match(alone.where(), /^mysql:\/\/\w+@\/run\/my\.sock\/\w*$/);
});

test('numbers of servers that are at fault are none of a row', () => {
  const table = [
    { errno: 1047, message: 'WSREP has not yet prepared node for application use', kind: 'lost' },
    { errno: 1213, message: 'Deadlock found when trying to get lock; try restarting transaction', kind: 'contended' },
    { errno: 1180, message: 'Got error 5 "Input/output error" during COMMIT', kind: 'lost' },
    { errno: 1180, message: 'Got error 28 "No space left on device" during COMMIT', kind: 'full' },
    { errno: 1180, message: "Got error 149 - 'Lock deadlock; Retry transaction' during COMMIT", kind: 'contended' },
    { errno: 3032, message: 'The server is currently in offline mode', kind: 'lost' },
    { errno: 3101, message: 'Plugin instructed the server to rollback the current transaction.', kind: 'contended' },
    { errno: 1021, message: 'Disk full (/tmp/x)', kind: 'full' },
    { errno: 1114, message: "The table 'stats' is full", kind: 'full' },
    { errno: 1030, message: 'Got error 28 "No space left on device" from storage engine InnoDB', kind: 'full' },
    {
      errno: 1030,
      message: 'Got error 168 "Unknown (generic) error from engine" from storage engine InnoDB',
      kind: 'broken',
    },
    { errno: 1040, message: 'Too many connections', kind: 'lost' },
    { errno: 1053, message: 'Server shutdown in progress', kind: 'lost' },
    { errno: 1290, message: 'The MariaDB server is running with the --read-only option', kind: 'read-only' },
    { errno: 1932, message: "Table 'fleet.stats' doesn't exist in engine", kind: 'damaged' },
    { errno: 4025, message: 'CONSTRAINT `reports.report` failed', kind: 'refused' },
    { errno: 1406, message: "Data too long for column 'client'", kind: 'refused' },
  ];
  for (const { errno, message, kind } of table) {
    assert.equal(mysqlFault(Object.assign(new Error(message), { errno }), 'db').kind, kind, `${errno} ${message}`);
  }
});

test('an error says what the server said, and of a failed handshake what to do', () => {
  const messageOf = (code: string): string => mysqlFault(Object.assign(new Error('no'), { code }), 'db').message;
  assert.equal(messageOf('ECONNREFUSED'), 'db: no');
  assert.match(messageOf('HANDSHAKE_NO_SSL_SUPPORT'), /^db: no; switch it on there, or write <storage tls="no">/);
});
