// Second tier: a server of its own, and a new schema for each setting that a server may have.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import type { StorageConfig } from '../../../../src/config/config.ts';
import { FleetError } from '../../../../src/platform/errors/errors.ts';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import { tryStorage } from '../../../../src/storage/try-storage.ts';
import {
  serverName,
  skipWithoutMariadb,
  startMariadb,
  type Mariadb,
  type MariadbDatabase,
} from '../../../support/databases/mariadb.ts';
import { makeMigrated } from '../../../support/databases/migrated.ts';
import { item, visit } from '../../support/samples.ts';

interface Setting {
  readonly set: string;
  readonly undo: string;
  /** The fault of a program that stores, and of `check --connect`. Default: none. */
  readonly fault?: RegExp | null;
  /** The sentence of `check --connect` about a setting that stands in the way later. */
  readonly note?: RegExp;
  readonly only?: 'MariaDB' | 'MySQL';
}

const setting = (name: string, value: string, usual: string, more: Partial<Setting> = {}): Setting => ({
  set: `SET GLOBAL ${name} = ${value}`,
  undo: `SET GLOBAL ${name} = ${usual}`,
  ...more,
});
const mariadb = { only: 'MariaDB' } as const;

/** Defaults of a server that would be those of a new table. */
const ofTables: readonly Setting[] = [
  setting('innodb_default_row_format', "'compact'", "'dynamic'"),
  setting('innodb_default_row_format', "'redundant'", "'dynamic'"),
  setting('default_storage_engine', 'Aria', 'InnoDB', mariadb),
  setting('default_storage_engine', 'MyISAM', 'InnoDB'),
  setting('character_set_server', 'utf32', 'latin1'),
  setting('innodb_strict_mode', '0', '1'),
  setting('innodb_file_per_table', '0', '1'),
  setting('alter_algorithm', "'INSTANT'", "'DEFAULT'", mariadb),
  setting('enforce_storage_engine', 'Aria', 'NULL', { ...mariadb, fault: /enforce_storage_engine .* empty or InnoDB/ }),
  setting('sql_require_primary_key', '1', '0', { only: 'MySQL' }),
  setting('sql_generate_invisible_primary_key', '1', '0', { only: 'MySQL' }),
  setting('max_prepared_stmt_count', '0', '16382', { fault: /raise max_prepared_stmt_count/ }),
];

const initConnect = (sql: string, more: Partial<Setting> = {}): Setting =>
  setting('init_connect', `'${sql}'`, "''", more);

/** Settings that a session inherits. */
const ofSessions: readonly Setting[] = [
  setting('sql_mode', "'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH'", "''"),
  setting('sql_mode', "'ORACLE'", "''", mariadb),
  setting('max_sort_length', '8', '1024'),
  setting('lc_messages', "'de_DE'", "'en_US'"),
  setting('max_statement_time', '0.001', '0', mariadb),
  setting('max_execution_time', '1', '0', { only: 'MySQL' }),
  setting('wait_timeout', '1', '28800'),
  setting('idle_transaction_timeout', '1', '0', mariadb),
  setting('max_join_size', '1', '18446744073709551615'),
  setting('sql_select_limit', '1', '18446744073709551615'),
  setting('sql_big_selects', '0', '1'),
  setting('autocommit', '0', '1'),
  setting('completion_type', "'RELEASE'", "'NO_CHAIN'"),
  setting('check_constraint_checks', '0', '1', mariadb),
  setting('tx_isolation', "'SERIALIZABLE'", "'REPEATABLE-READ'", mariadb),
  setting('tx_read_only', '1', '0', mariadb),
  setting('div_precision_increment', '0', '4'),
  setting('group_concat_max_len', '4', '1048576'),
  setting('tmp_memory_table_size', '1024', '16777216', mariadb),
  setting('sql_safe_updates', '1', '0', mariadb),
  setting('old_mode', "'UTF8_IS_UTF8MB3,ZERO_DATE_TIME_CAST'", "''", mariadb),
  setting('binlog_format', "'STATEMENT'", "'ROW'", {
    fault: /set binlog_format of the server to ROW or MIXED, or grant the account BINLOG ADMIN/,
  }),
  setting('max_allowed_packet', '1048576', '16777216', { note: /max_allowed_packet = 1048576: a large report/ }),
  setting('max_prepared_stmt_count', '900', '16382', { note: /max_prepared_stmt_count = 900: / }),
  setting('max_user_connections', '3', '100', { note: /max_user_connections = 3: / }),
  setting('read_only', '1', '0', { fault: /read-only/ }),
  initConnect('SET sql_select_limit = 5'),
  initConnect('SET autocommit = 0, sql_safe_updates = 1, unique_checks = 0'),
  initConnect('SET SESSION TRANSACTION READ ONLY'),
  initConnect('SET NAMES latin1'),
  initConnect('SET @@session.time_zone = "+09:00", @@session.sql_mode = "ANSI"'),
  initConnect('SELECT nothing FROM nowhere', { fault: /init_connect/ }),
];

const here = (all: readonly Setting[]): readonly Setting[] =>
  all.filter(({ only = serverName }) => only === serverName);

describe(`${serverName} as people set it`, { skip: skipWithoutMariadb }, () => {
  let server: Mariadb;
  before(async () => {
    server = await startMariadb(['--log-bin', '--server-id=1', '--binlog-format=ROW', '--max-user-connections=100']);
  });
  after(() => server.stop());

  /** Tries what `check --connect` and a run do. Returns the notes. */
  async function store(storage: StorageConfig): Promise<readonly string[]> {
    const opened = await openStorage({ storage, migrate: true, program: 'collect' });
    try {
      const client = 'wäb-😀';
      await opened.reports.saveVisits([visit({ client })]);
      assert.deepEqual(await opened.reports.ingest([item({ client })]), [{ kind: 'stored' }]);
      assert.ok((await opened.reports.clientFacts()).has(client));
    } finally {
      await opened.close();
    }
    return await tryStorage({ storage, open: true });
  }

  async function trying({ set, undo, fault = null, note }: Setting, database: MariadbDatabase): Promise<void> {
    await server.asRoot(set);
    try {
      const tried = await store(database.storage).catch((thrown: unknown) => thrown);
      if (fault === null) {
        assert.ok(Array.isArray(tried), String(tried));
        const others = tried.map(String).filter((one) => !/sync_binlog|how far replication lags/.test(one));
        assert.equal(others.length, note === undefined ? 0 : 1, others.join('\n'));
        if (note !== undefined) assert.match(others[0] ?? '', note);
      } else {
        assert.ok(tried instanceof FleetError, String(tried));
        assert.match(tried.message, fault);
        // Reports wait for the server; none of them is at fault.
        assert.match(tried.code, /^storage-(?:failed|unavailable|read-only)$/);
        const checked = await tryStorage({ storage: database.storage, open: true }).catch((thrown: unknown) => thrown);
        assert.match(String(checked), fault);
      }
    } finally {
      await server.asRoot(undo);
    }
  }

  for (const one of here(ofTables)) {
    test(`a new schema below ${one.set}`, async () => {
      const database = await server.createDatabase();
      await trying(one, database);
      if (one.fault !== undefined) return;
      const tables = await server.asRoot(
        `SELECT table_name AS name, engine AS engine_, row_format AS format_, table_collation AS collation_ FROM information_schema.tables
         WHERE table_schema = '${database.name}' AND table_type = 'BASE TABLE'`,
      );
      assert.ok(tables.length > 40);
      for (const { name, ...form } of tables) {
        assert.deepEqual(form, { engine_: 'InnoDB', format_: 'Dynamic', collation_: 'utf8mb4_bin' }, String(name));
      }
    });
  }

  describe('with a schema', () => {
    let database: MariadbDatabase;
    before(async () => {
      database = await server.createDatabase();
      await makeMigrated(database.storage);
    });
    for (const one of here(ofSessions)) test(`stores below ${one.set}`, () => trying(one, database));
  });
});
