import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import type { Database } from '../../src/storage/sql/database.ts';
import { openMysqlDatabase } from '../../src/storage/dialects/mysql/database.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { skipWithoutMariadb, startMariadb } from '../support/mariadb.ts';
import type { Mariadb, MariadbDatabase } from '../support/mariadb.ts';

const insertSql = `INSERT INTO silences (client, rule, subject, starts_at, ends_at, author, comment)
  VALUES ('*', '*', '*', '2026-11-20', '2026-11-21', 'ops', '')`;

describe('what is read while something is stored, on MariaDB', { skip: skipWithoutMariadb }, () => {
  let mariadb: Mariadb;
  let made: MariadbDatabase;
  before(async () => {
    mariadb = await startMariadb();
    made = await mariadb.createDatabase();
    await (await openStorage({ storage: made.storage, migrate: true, program: 'collect' })).close();
  });
  after(() => mariadb.stop());

  const connections = async (): Promise<readonly number[]> => {
    const rows = await mariadb.asRoot(
      `SELECT id FROM information_schema.processlist WHERE user = '${made.user}' ORDER BY id`,
    );
    return rows.map((row) => Number(row['id']));
  };
  const count = async (database: Database): Promise<unknown> =>
    (await database.read((session) => session.all('SELECT COUNT(*) AS n FROM silences')))[0]?.['n'];
  /** Stores a row, and reads while that transaction is open. */
  const countWhileStoring = async (database: Database): Promise<unknown> => {
    let commit: () => void = () => undefined;
    const mayCommit = new Promise<void>((resolve) => {
      commit = resolve;
    });
    const stored = database.write(async (session) => {
      await session.run(insertSql);
      await mayCommit;
    });
    try {
      return await count(database);
    } finally {
      commit();
      await stored;
    }
  };

  test('the alerter has it at once, from before; a second connection is made for it and ends with the first', async () => {
    const database = await openMysqlDatabase({ storage: made.storage, program: 'alert' });
    const stored = Number(await count(database));
    assert.equal((await connections()).length, 1, 'one is enough while nothing is stored');
    assert.equal(await countWhileStoring(database), stored);
    assert.equal((await connections()).length, 2);
    assert.equal(await count(database), stored + 1);
    assert.equal(await countWhileStoring(database), stored + 1);
    assert.equal((await connections()).length, 2, 'the same again');
    await database.close();
    for (let looks = 0; (await connections()).length > 0; looks += 1) assert.ok(looks < 1000, 'both end');
    await assert.rejects(count(database));
  });

  test('a second connection that died is replaced', async () => {
    const database = await openMysqlDatabase({ storage: made.storage, program: 'alert' });
    try {
      const stored = Number(await countWhileStoring(database));
      await mariadb.asRoot(`KILL ${(await connections()).at(-1)}`);
      assert.equal(await countWhileStoring(database), stored + 1);
      assert.equal(await count(database), stored + 2);
    } finally {
      await database.close();
    }
  });

  test('the transaction fails and what was read stands', async () => {
    const database = await openMysqlDatabase({ storage: made.storage, program: 'alert' });
    try {
      const stored = await count(database);
      const failing = database.write(async (session) => {
        await session.run(insertSql);
        throw new Error('no more');
      });
      const [read] = await Promise.all([count(database), assert.rejects(failing, { message: 'no more' })]);
      assert.equal(read, stored);
      assert.equal(await count(database), stored);
    } finally {
      await database.close();
    }
  });

  test('where a second connection is refused, reading waits for what is stored', async () => {
    await mariadb.asRoot(`ALTER USER '${made.user}' WITH MAX_USER_CONNECTIONS 1`);
    const database = await openMysqlDatabase({ storage: made.storage, program: 'alert' });
    try {
      const stored = Number(await count(database));
      for (const more of [1, 2]) {
        const storing = database.write((session) => session.run(insertSql));
        assert.equal(await count(database), stored + more);
        await storing;
      }
    } finally {
      await database.close();
      await mariadb.asRoot(`ALTER USER '${made.user}' WITH MAX_USER_CONNECTIONS 0`);
    }
  });

  test('any other program waits for what it stores', async () => {
    const database = await openMysqlDatabase({ storage: made.storage, program: 'collect' });
    try {
      const stored = Number(await count(database));
      const storing = database.write((session) => session.run(insertSql));
      assert.equal(await count(database), stored + 1);
      await storing;
      assert.equal((await connections()).length, 1);
    } finally {
      await database.close();
    }
  });
});
