import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { changeAwayState, makeAwayState } from '../../src/notify/away-state.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** Records an outage. Returns its beginning, as another program reads it. */
function sinceOf(file: string): number | null {
  makeAwayState(file);
  changeAwayState(file, (change) => change.seen('collect', 1000));
  return changeAwayState(file, ({ state }) => state.sinceMs);
}

test('no bytes in the file of an outage keep its state from being kept', (t) => {
  const file = path.join(tempFolder(t), 'database-away.db');
  const magic = Buffer.from('SQLite format 3\0');
  fc.assert(
    fc.property(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 5000 }), (isLike, bytes) => {
      writeFileSync(file, isLike ? Buffer.concat([magic, bytes]) : bytes);
      assert.equal(sinceOf(file), 1000);
    }),
    { numRuns: 50 },
  );
});

for (const sql of [
  'CREATE TABLE programs (x)',
  'CREATE TABLE outage (one INTEGER)',
  'CREATE TABLE recipients (x)',
  'CREATE VIEW programs AS SELECT 1 AS program',
  'CREATE TABLE other (x)',
]) {
  test(`a database with ${sql} is made anew or kept, and has the state`, (t) => {
    const file = path.join(tempFolder(t), 'database-away.db');
    const database = openSqlite(file);
    database.exec(sql);
    database.close();
    assert.equal(sinceOf(file), 1000);
    changeAwayState(file, (change) =>
      change.keep('a@b', { sinceMs: 1, mails: 1, mailedAtMs: 1, triedAtMs: null, refusals: 0 }),
    );
    assert.equal(
      changeAwayState(file, ({ state }) => state.recipients.size),
      1,
    );
  });
}
