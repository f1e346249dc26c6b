import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openMysqlDatabase } from '../../../../src/storage/dialects/mysql/database.ts';
import { isWide } from '../../../support/long-tests.ts';
import { skipWithoutMariadb, startMariadb } from '../../../support/databases/mariadb.ts';
import {
  crashSentences,
  describeServer,
  hindranceSentences,
  replicaSentences,
} from '../../../../src/storage/dialects/mysql/crashes.ts';

const where = 'mysql://fleet@db-1:3306/fleet';
const safe = {
  version: '11.8.3-MariaDB-1',
  innodb_flush_log_at_trx_commit: '1',
  innodb_doublewrite: 'ON',
  log_bin: 'OFF',
  sync_binlog: '0',
  wsrep_on: 'OFF',
};

for (const [given, says] of [
  [{ binlog_format: 'STATEMENT', log_bin: 'OFF' }, null],
  [{ binlog_format: 'STATEMENT', log_bin: 'ON' }, /binlog_format = STATEMENT: it refuses all .* BINLOG ADMIN$/],
  [{ binlog_format: 'MIXED', log_bin: 'ON' }, null],
  [{ enforce_storage_engine: '' }, null],
  [{ enforce_storage_engine: 'innodb' }, null],
  [{ enforce_storage_engine: 'Aria' }, /enforce_storage_engine = Aria: .*; empty it$/],
  [{ alter_algorithm: 'DEFAULT' }, null],
  [{ alter_algorithm: 'INSTANT' }, /alter_algorithm = INSTANT: .* DEFAULT$/],
  [{ max_allowed_packet: '4194304' }, null],
  [{ max_allowed_packet: '4194303' }, /max_allowed_packet = 4194303: a large report /],
  [{ max_prepared_stmt_count: '1000' }, null],
  [{ max_prepared_stmt_count: '0' }, /max_prepared_stmt_count = 0: /],
  [{ max_user_connections: '0' }, null],
  [{ max_user_connections: '5' }, null],
  [{ max_user_connections: '4' }, /max_user_connections = 4: .* 5 at least$/],
  [{ innodb_force_recovery: '0' }, null],
  [{ innodb_force_recovery: '1' }, /innodb_force_recovery = 1: /],
  [{ wsrep_osu_method: 'RSU', wsrep_on: 'OFF' }, null],
  [{ wsrep_osu_method: 'RSU', wsrep_on: 'ON' }, /wsrep_osu_method = RSU: .* one node alone; set it to TOI$/],
  [{ innodb_page_size: '16384' }, null],
  [{ innodb_page_size: '8192' }, /innodb_page_size = 8192: /],
] as const) {
  test(`what stands in the way: ${JSON.stringify(given)} ${says === null ? 'is fine' : 'is said'}`, () => {
    const sentences = hindranceSentences(where, new Map(Object.entries(given)));
    assert.equal(sentences.length, says === null ? 0 : 1);
    if (says !== null) assert.match(sentences[0] ?? '', says);
  });
}

for (const { with: given, says } of [
  { with: {}, says: [] },
  { with: { innodb_flush_log_at_trx_commit: '3', innodb_doublewrite: '1' }, says: [] },
  { with: { innodb_doublewrite: 'DETECT_AND_RECOVER' }, says: [] },
  {
    with: { innodb_flush_log_at_trx_commit: '0' },
    says: [
      /_commit = 0: a crash of the server takes the commits of the last seconds; collect stores its own again .*; set it to 1$/,
    ],
  },
  {
    with: { innodb_flush_log_at_trx_commit: '2' },
    says: [
      /_commit = 2: a crash of its machine or a power cut takes the commits of the last seconds; .*; set it to 1$/,
    ],
  },
  { with: { innodb_doublewrite: 'OFF' }, says: [/innodb_doublewrite = OFF: .* can damage a page, .*; set it to ON$/] },
  { with: { innodb_doublewrite: 'DETECT_ONLY' }, says: [/innodb_doublewrite = DETECT_ONLY: /] },
  { with: { log_bin: 'ON' }, says: [/sync_binlog = 0: .* the newest events of the binary log/] },
  { with: { log_bin: 'ON', sync_binlog: '1' }, says: [] },
  { with: { wsrep_on: 'ON' }, says: [/wsrep_on = ON: nodes of the cluster .* \(MDEV-38974, MDEV-38976\)/] },
  { with: { innodb_flush_log_at_trx_commit: '0', wsrep_on: 'ON' }, says: [/_commit = 0/, /wsrep_on/] },
] as const) {
  test(`what a crash can take, with ${JSON.stringify(given)}`, () => {
    const said = crashSentences(where, new Map(Object.entries({ ...safe, ...given })));
    assert.equal(said.length, says.length);
    for (const [index, pattern] of says.entries()) assert.match(said[index] ?? '', pattern);
  });
}

test('a server is described with its loose settings alone', () => {
  const loose = { ...safe, innodb_flush_log_at_trx_commit: '0' };
  assert.equal(describeServer(where, new Map(Object.entries(safe))), `MariaDB 11.8.3 at ${where}`);
  const expected = `MariaDB 11.8.3 at ${where}, innodb_flush_log_at_trx_commit = 0`;
  assert.equal(describeServer(where, new Map(Object.entries(loose))), expected);
  assert.equal(describeServer(where, new Map([['version', '8.4.6']])), `MySQL 8.4.6 at ${where}`);
});

for (const { what, rows, says } of [
  { what: 'no replica', rows: [], says: [] },
  { what: 'a replica that keeps up', rows: [{ Seconds_Behind_Source: 3 }], says: [] },
  { what: 'a replica that is nearly late', rows: [{ Seconds_Behind_Source: 9 }], says: [] },
  { what: 'a replica that is just late', rows: [{ Seconds_Behind_Source: 10 }], says: [/is 10 s behind/] },
  { what: 'a replica that lags, of MySQL', rows: [{ Seconds_Behind_Source: 120 }], says: [/is 120 s behind/] },
  { what: 'a replica that lags, of MariaDB', rows: [{ Seconds_Behind_Master: '120' }], says: [/is 120 s behind/] },
  { what: 'a replica that has stopped', rows: [{ Seconds_Behind_Master: null }], says: [/does not replicate now/] },
  { what: 'no right to read that', rows: null, says: [/may not read how far replication lags/] },
] as const) {
  test(`the delay of replication: ${what}`, () => {
    const said = replicaSentences(where, rows);
    assert.equal(said.length, says.length);
    for (const [index, pattern] of says.entries()) assert.match(said[index] ?? '', pattern);
  });
}

test('a real server answers, whatever rights the account has', { skip: !isWide || skipWithoutMariadb }, async (t) => {
  const server = await startMariadb();
  t.after(() => server.stop());
  const { storage } = await server.createDatabase();
  await server.asRoot('SET GLOBAL innodb_flush_log_at_trx_commit = 0');
  const database = await openMysqlDatabase({ storage, program: 'collect' });
  t.after(() => database.close());
  const notes = await database.notes?.();
  assert.ok(
    notes?.some((note) => note.includes('innodb_flush_log_at_trx_commit = 0')),
    String(notes),
  );
});
