// Second tier: three servers, which are killed nine times.
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { storedFolders } from '../../src/collector/inbox/stored-files.ts';
import { minuteMs } from '../../src/platform/units.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { CollectResult } from '../../src/collector/collect-options.ts';
import type { MysqlConfig } from '../../src/config/databases/mysql.ts';
import { makeClient, makeFleet, type Fleet, type FleetOptions } from '../support/fleets/fleet.ts';
import { isLong } from '../support/long-tests.ts';
import { skipWithoutMariadb, startMariadb, type Mariadb, type MariadbDatabase } from '../support/databases/mariadb.ts';

const skip = skipWithoutMariadb;
const clients = Array.from({ length: isLong ? 100 : 30 }, (_, index) => makeClient(`web-${index}`));
const forgetful = ['--innodb-flush-log-at-trx-commit=0', '--innodb-flush-log-at-timeout=600'];

interface Runs {
  readonly fleet: Fleet;
  /** Makes a run, five minutes after the one before. */
  readonly run: (more?: FleetOptions) => Promise<CollectResult>;
}

function makeRuns(storage: MysqlConfig): Runs {
  const fleet = makeFleet();
  let atMs = Date.now() - 5 * minuteMs;
  return {
    fleet,
    run: async (more = {}) => {
      atMs += 5 * minuteMs;
      const begun = performance.now();
      return await fleet.collect(clients, {
        openStorage: () => openStorage({ storage, migrate: true, program: 'collect' }),
        now: () => atMs + performance.now() - begun,
        ...more,
      });
    },
  };
}

/** Checks that the database has every report, visit and run of these runs, once. */
async function assertWhole(server: Mariadb, { name }: MariadbDatabase, runs: number): Promise<void> {
  const count = async (sql: string): Promise<number> => {
    const [row] = await server.asRoot(`USE ${name}`, `SELECT COUNT(*) AS n FROM ${sql}`);
    return Number(row?.['n']);
  };
  assert.equal(await count('stats'), runs * clients.length);
  assert.equal(await count('(SELECT DISTINCT report_id FROM stats) AS once'), runs * clients.length);
  assert.equal(await count('visits'), runs * clients.length);
  assert.equal(await count("runs WHERE outcome = 'finished'"), runs);
}

describe('a server that does not sync its log', { skip }, () => {
  let server: Mariadb;
  let database: MariadbDatabase;
  before(async () => {
    // In memory MariaDB maps its log, and a kill loses nothing of it.
    server = await startMariadb(forgetful, '/var/tmp');
    database = await server.createDatabase();
  });
  after(() => server.stop());

  test('killed after each of six runs, it has all reports of all runs after the next one', async () => {
    const { run } = makeRuns(database.storage);
    await (await openStorage({ storage: database.storage, migrate: true })).close();
    let restored = 0;
    for (let index = 0; index < 6; index += 1) {
      restored += (await run()).restored?.reports ?? 0;
      await server.kill();
      await server.restart();
    }
    const last = await run();
    restored += last.restored?.reports ?? 0;
    assert.ok(restored > 0, 'the server has forgotten nothing');
    assert.match(last.restored?.note ?? `${restored}`, /innodb_flush_log_at_trx_commit = 0|^\d+$/);
    await assertWhole(server, database, 7);
  });

  test('whose folder is put back to what it was ten minutes ago, has all reports again', async () => {
    const own = await server.createDatabase();
    const { run } = makeRuns(own.storage);
    await run();
    const data = path.join(path.dirname(server.socketPath), 'data');
    await server.kill();
    await server.restart([]);
    await server.kill();
    cpSync(data, `${data}-before`, { recursive: true });
    await server.restart();
    await run();
    await run();
    await server.kill();
    rmSync(data, { recursive: true });
    cpSync(`${data}-before`, data, { recursive: true });
    await server.restart();
    // A run looks for half a second before its visits; the next one continues.
    const restored = [(await run()).restored?.reports ?? 0];
    while (restored.at(-1) !== 0) restored.push((await run()).restored?.reports ?? 0);
    assert.ok(restored.reduce((sum, one) => sum + one, 0) >= 2 * clients.length, restored.join());
    await assertWhole(server, own, 3 + restored.length);
  });
});

test('a replica that lags behind becomes the only server', { skip }, async (t) => {
  const primary = await startMariadb(['--server-id=1', '--log-bin']);
  t.after(() => primary.stop());
  const replica = await startMariadb(['--server-id=2', '--read-only']);
  t.after(() => replica.stop());
  await primary.asRoot("CREATE USER 'copier'@'%' IDENTIFIED BY 'a'", "GRANT REPLICATION SLAVE ON *.* TO 'copier'@'%'");
  await replica.asRoot(
    `CHANGE MASTER TO master_host = '127.0.0.1', master_port = ${primary.port}, master_user = 'copier',
     master_password = 'a', master_use_gtid = slave_pos`,
    'START SLAVE',
  );
  const database = await primary.createDatabase();
  const hosts = [primary, replica].map(({ port }) => ({ host: '127.0.0.1', port }));
  const { fleet, run } = makeRuns({ ...database.storage, hosts });
  const impatient = { collector: { keepStoredMs: 0 } };
  for (let index = 0; index < 4; index += 1) await run(impatient);
  const [at] = await primary.asRoot('SELECT @@gtid_binlog_pos AS pos');
  await replica.asRoot(`SELECT MASTER_GTID_WAIT('${String(at?.['pos'])}', 30)`, 'STOP SLAVE SQL_THREAD');
  const kept = (): number => storedFolders(statePaths(fleet.stateDir)).length;
  for (let index = 0; index < 4; index += 1) await run(impatient);
  assert.ok(kept() >= 4, 'what the replica does not have is kept');

  await primary.kill();
  await replica.asRoot('STOP SLAVE', 'RESET SLAVE ALL', 'SET GLOBAL read_only = 0');
  // A run looks for half a second before its visits, which may not be enough on a busy machine; the next one continues.
  const restored: number[] = [];
  while (restored.at(-1) !== 0) restored.push((await run()).restored?.reports ?? Number.NaN);
  assert.ok(restored.length <= 5, `each run restores the reports of a run at least: ${restored.join()}`);
  assert.equal(
    restored.reduce((sum, one) => sum + one, 0),
    4 * clients.length,
  );
  await assertWhole(replica, database, 8 + restored.length);
});
