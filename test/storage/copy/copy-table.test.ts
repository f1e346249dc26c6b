import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { copyTable, type TableCopy } from '../../../src/storage/copy/copy-table.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { tables } from '../../../src/storage/sql/tables.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { sqliteConfig } from '../support/sqlite-config.ts';

/** Pairs of rows: those of the source and those of the target, each row a letter. */
const cases = [
  { source: 'abcdefgh', target: '', changed: 8 },
  { source: '', target: 'abc', changed: 3 },
  { source: 'abcdefgh', target: 'bdfh', changed: 4 },
  { source: 'efgh', target: 'abcdefgh', changed: 4 },
  { source: 'abcdefgh', target: 'efghijkl', changed: 8 },
];

for (const { source, target, changed } of cases) {
  test(`pages of "${target}" become those of "${source}" with ${changed} changes`, async (t) => {
    const dir = tempFolder(t);
    const table = tables.find(({ name }) => name === 'client_labels');
    assert.ok(table !== undefined);
    const [from, to] = [await filled(path.join(dir, 'from.db'), source), await filled(path.join(dir, 'to.db'), target)];
    const done = (): Promise<void> => Promise.resolve();
    const write: TableCopy['write'] = (work) => to.write(work);
    const ways = { startedAt: '', mayWait: false, write, onRemoval: done, onPage: done };
    const copy = { source: from, target: to, table, pageRows: 2, ...ways };
    const first = await copyTable(copy);
    assert.deepEqual([first.rows, first.changed], [source.length, changed]);
    assert.equal((await copyTable(copy)).changed, 0);
    const rows = await to.readOnly('SELECT client FROM client_labels ORDER BY client');
    assert.equal(rows.map(({ client }) => String(client)).join(''), source);
    await Promise.all([from.close(), to.close()]);
  });
}

/** Opens a database with a row for each of the letters. */
async function filled(file: string, letters: string) {
  const storage = sqliteConfig(file);
  await makeMigrated(storage);
  const database = await openDatabase({ storage, program: 'change' });
  await database.write(async (session) => {
    for (const letter of letters) await session.run("INSERT INTO client_labels VALUES (?, 'n', 'v')", [letter]);
  });
  return database;
}
