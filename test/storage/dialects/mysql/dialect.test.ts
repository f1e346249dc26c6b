import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

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
