import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { Dialect, Session, SqlRow } from '../../../../src/storage/sql/database.ts';
import { dialectOf, mariadbDialect, mysqlDialect } from '../../../../src/storage/dialects/mysql/dialect.ts';

describe('versions of database servers', () => {
  for (const version of ['10.6.0-MariaDB', '10.11.14-MariaDB-0+deb12u2-log', '11.8.2-MariaDB', '12.0.1-MariaDB']) {
    test(`${version} is taken, with the words of MariaDB`, () => {
      assert.equal(dialectOf(version, 'db'), mariadbDialect);
    });
  }

  for (const version of ['8.0.19', '8.0.43-0ubuntu0.24.04.1', '8.4.6', '9.7.4-2', '8.0.39-30 Percona', '10.0.0']) {
    test(`${version} is taken, without what MySQL has deprecated`, () => {
      assert.equal(dialectOf(version, 'db'), mysqlDialect);
    });
  }

  test('a MySQL before 8.0.19, which knows no other words, is asked with the old ones', () => {
    assert.equal(dialectOf('8.0.11', 'db'), mariadbDialect);
  });

  for (const [version, least] of [
    ['10.5.29-MariaDB', 'MariaDB 10.6'],
    ['5.5.68-MariaDB', 'MariaDB 10.6'],
    ['5.7.44-log', 'MySQL 8.0'],
  ] as const) {
    test(`${version} is refused with its version and the oldest that is supported`, () => {
      assert.throws(() => dialectOf(version, 'db'), {
        kind: 'too-old',
        message: `db: the server is ${least.split(' ')[0]} ${version}; at least ${least} is needed`,
      });
    });
  }

  test('a version in no known form is believed', () => {
    assert.equal(dialectOf('', 'db'), mysqlDialect);
  });
});

/** Returns a session that answers queries by the first pattern that fits, and notes all statements. */
function answering(answers: readonly (readonly [RegExp, readonly SqlRow[]])[]) {
  const ran: string[] = [];
  const answer = (sql: string): readonly SqlRow[] => {
    ran.push(sql);
    return answers.find(([pattern]) => pattern.test(sql))?.[1] ?? [];
  };
  const session: Session = {
    ...{ dialect: mariadbDialect, maxBatchBytes: 1 },
    run: (sql) => Promise.resolve(answer(sql).length),
    all: (sql) => Promise.resolve(answer(sql)),
  };
  return { ran, session };
}

test('the next number of a table is that of its definition; one is the first', async () => {
  const created = (definition: string) => answering([[/^SHOW CREATE/, [{ 'Create Table': definition }]]]).session;
  assert.equal(await mariadbDialect.counter(created(') ENGINE=InnoDB AUTO_INCREMENT=4711 DEFAULT'), 'stats'), 4711);
  assert.equal(await mariadbDialect.counter(created(') ENGINE=InnoDB DEFAULT'), 'stats'), 1);
  const { ran, session } = answering([]);
  await mariadbDialect.setCounter(session, 'stats', 12);
  assert.deepEqual(ran, ['ALTER TABLE stats AUTO_INCREMENT = 12']);
});

test('a schema is described without what differs between two of the same', async () => {
  const view = { name: 'v', security: 'INVOKER' };
  const made = (definition: string, table: string) =>
    mariadbDialect.schema(
      answering([
        [/information_schema\.views/, [{ ...view, definition }]],
        [/information_schema\.tables/, [{ name: 't' }]],
        [/^SHOW CREATE TABLE t$/, [{ 'Create Table': table }]],
      ]).session,
      ['v', 't'],
    );
  const plain = await made('select cast(`a` as char)', 'CREATE TABLE t (id int) ENGINE=InnoDB');
  assert.deepEqual(plain, [
    { name: 'v', kind: 'view', definition: 'INVOKER select cast(`a` as char)' },
    { name: 't', kind: 'table', definition: 'CREATE TABLE t (id int) ENGINE=InnoDB' },
  ]);
  const other = 'select cast(`a` as char charset utf8mb4) AS `Name_exp_1`';
  assert.deepEqual(await made(other, 'CREATE TABLE t (id int) ENGINE=InnoDB AUTO_INCREMENT=9'), plain);
  assert.deepEqual(await made('select cast(`a` as char) AS `b IS NOT NULL`', plain[1]?.definition ?? ''), plain);
});

test('a row that is there already is changed, in the words of each server', () => {
  const inWords = (dialect: Dialect) => [
    dialect.onConflict('id', [`a = ${dialect.incoming('a')}`, `b = ${dialect.incoming('b')}`]),
    dialect.selected('SELECT 1'),
  ];
  assert.deepEqual(inWords(mariadbDialect), [' ON DUPLICATE KEY UPDATE a = VALUES(a), b = VALUES(b)', 'SELECT 1']);
  assert.deepEqual(inWords(mysqlDialect), [
    ' AS incoming ON DUPLICATE KEY UPDATE a = incoming.a, b = incoming.b',
    'SELECT * FROM (SELECT 1)',
  ]);
  assert.equal(mariadbDialect.quotient('a', 2), 'a DIV 2');
});
