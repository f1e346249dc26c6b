import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { copyTable, type TableCopy } from '../../../src/storage/copy/copy-table.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
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

/** Opens two databases with series, each of a client and a key, and returns the parts of a copy between them. */
async function ofSeries(t: TestContext, source: readonly string[], target: readonly string[]) {
  const dir = tempFolder(t);
  const table = tables.find(({ name }) => name === 'series');
  assert.ok(table !== undefined);
  const [from, to] = [await filled(path.join(dir, 'from.db'), ''), await filled(path.join(dir, 'to.db'), '')];
  t.after(() => Promise.all([from.close(), to.close()]));
  for (const [database, rows] of [[from, source] as const, [to, target] as const]) {
    for (const row of rows) {
      await database.write((session) =>
        session.run(
          `INSERT INTO series (id, client, series_key, metric, labels, unit, last_on)
             VALUES (?, ?, ?, 'm', '', '', '2026-11-20')`,
          row.split(' '),
        ),
      );
    }
  }
  const removals: number[] = [];
  const copy: Omit<TableCopy, 'mayWait'> = {
    ...{ source: from, target: to, table, pageRows: 2, startedAt: '' },
    write: (work) => to.write(work),
    onRemoval: () => Promise.resolve(void removals.push(1)),
    onPage: () => Promise.resolve(),
  };
  const rows = async (): Promise<readonly string[]> =>
    (await to.readOnly('SELECT id, client, series_key AS k FROM series ORDER BY id')).map(
      ({ id, client, k }) => `${String(id)} ${String(client)} ${String(k)}`,
    );
  return { copy, removals, rows };
}

const [former, moved] = [
  ['1 x k', '2 a a', '3 b b'],
  ['2 a a', '3 b b', '4 x k'],
];

test('a row that has what a row of another page must have waits for the next pass, if it may', async (t) => {
  const { copy, rows } = await ofSeries(t, former, moved);
  const first = await copyTable({ ...copy, mayWait: true });
  assert.deepEqual([first.rows, first.changed > 0], [3, true]);
  assert.ok((await copyTable({ ...copy, mayWait: true })).changed > 0);
  assert.deepEqual([(await copyTable({ ...copy, mayWait: false })).changed, await rows()], [0, former]);
});

test('two rows that have what the other must have make way, both', async (t) => {
  const [exchanged, there] = [
    ['1 x k', '2 a a', '3 b b', '9 y j'],
    ['1 y j', '2 a a', '3 b b', '9 x k'],
  ];
  const { copy, rows } = await ofSeries(t, exchanged, there);
  await copyTable({ ...copy, mayWait: true });
  assert.ok((await copyTable({ ...copy, mayWait: true })).changed > 0);
  assert.deepEqual([(await copyTable({ ...copy, mayWait: false })).changed, await rows()], [0, exchanged]);
});

test('later it is a fault that names the table, and nothing of it is changed', async (t) => {
  const { copy, rows } = await ofSeries(t, former, moved);
  await assert.rejects(copyTable({ ...copy, mayWait: false }), (thrown) => {
    assert.ok(thrown instanceof StorageFault && thrown.kind === 'duplicate', String(thrown));
    assert.match(thrown.message, /series: .*UNIQUE/);
    return true;
  });
  assert.deepEqual(await rows(), moved);
});

test('rows of the target are removed only after it was asked, and rows that are new ask nothing', async (t) => {
  const added = await ofSeries(t, former, []);
  await copyTable({ ...added.copy, mayWait: false });
  assert.deepEqual([added.removals.length, await added.rows()], [0, former]);
  const removed = await ofSeries(t, [], former);
  const refusing = { ...removed.copy, mayWait: false, onRemoval: () => Promise.reject(new Error('in use')) };
  await assert.rejects(copyTable(refusing), /^Error: in use$/);
  assert.deepEqual(await removed.rows(), former);
  assert.equal((await copyTable({ ...removed.copy, mayWait: false })).changed, 3);
  assert.deepEqual([removed.removals.length > 0, await removed.rows()], [true, []]);
});

test('runs that the copy turned away are left out, and those of before it are not', async (t) => {
  const dir = tempFolder(t);
  const table = tables.find(({ name }) => name === 'runs');
  assert.ok(table !== undefined);
  const [from, to] = [await filled(path.join(dir, 'from.db'), ''), await filled(path.join(dir, 'to.db'), '')];
  t.after(() => Promise.all([from.close(), to.close()]));
  const runs = [
    ['before', 'overlapped', '09:59'],
    ['at', 'overlapped', '10:00'],
    ['ended', 'finished', '10:01'],
  ];
  for (const [id, outcome, time] of runs) {
    await from.write((session) =>
      session.run(
        `INSERT INTO runs (id, program, outcome, collector_id, host, scope, config_digest, started_at)
           VALUES (?, 'alert', ?, 'c', 'h', 'full', '', ?)`,
        [id ?? '', outcome ?? '', `2026-11-20 ${time}:00.000`],
      ),
    );
  }
  const done = (): Promise<void> => Promise.resolve();
  const pages: number[] = [];
  const result = await copyTable({
    ...{ source: from, target: to, table, startedAt: '2026-11-20 10:00:00.000', mayWait: false, onRemoval: done },
    write: (work) => to.write(work),
    onPage: (rows) => Promise.resolve(void pages.push(rows)),
  });
  assert.deepEqual([result.rows, result.changed, pages], [2, 2, [2]]);
  const ids = (await to.readOnly('SELECT id FROM runs ORDER BY id')).map(({ id }) => id);
  assert.deepEqual(ids, ['before', 'ended']);
});

test('rows that databases order otherwise are compared after the last page', async (t) => {
  const odd = ['a\tz', 'a\u0001', 'b'];
  const dir = tempFolder(t);
  const table = tables.find(({ name }) => name === 'client_labels');
  assert.ok(table !== undefined);
  const [from, to] = [
    await filled(path.join(dir, 'from.db'), odd),
    await filled(path.join(dir, 'to.db'), ['a\t', 'b']),
  ];
  t.after(() => Promise.all([from.close(), to.close()]));
  const done = (): Promise<void> => Promise.resolve();
  const copy = { source: from, target: to, table, pageRows: 1, startedAt: '', mayWait: false, onRemoval: done };
  const ways = { ...copy, write: (work: Parameters<TableCopy['write']>[0]) => to.write(work), onPage: done };
  const first = await copyTable(ways);
  const second = await copyTable(ways);
  assert.deepEqual([first.rows, first.changed, second.rows, second.changed], [3, 2, 3, 0]);
  assert.notEqual(first.digest, second.digest, 'the digest is of the rows that were there');
  assert.equal((await copyTable({ ...ways, pageRows: 9 })).digest, second.digest, 'whatever the pages');
});

/** Opens a database with a row for each of the letters. */
async function filled(file: string, letters: Iterable<string>) {
  const storage = sqliteConfig(file);
  await makeMigrated(storage);
  const database = await openDatabase({ storage, program: 'change' });
  await database.write(async (session) => {
    for (const letter of letters) await session.run("INSERT INTO client_labels VALUES (?, 'n', 'v')", [letter]);
  });
  return database;
}
