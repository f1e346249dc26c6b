/** The statements of pruning without a database: how far each one goes, and which row it goes on behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dayMs, hourMs } from '../../../src/platform/units.ts';
import { levelRemover } from '../../../src/storage/retention/prune-levels.ts';
import {
  countSubject,
  deleteRows,
  type Subject,
  subjectRemover,
} from '../../../src/storage/retention/prune-subjects.ts';
import { rollUpVisits } from '../../../src/storage/retention/prune-visits.ts';
import { expireRollup, rollUp, spanStart } from '../../../src/storage/retention/rollup.ts';
import type { SqlRow, SqlValue } from '../../../src/storage/sql/database.ts';
import { sqlTime } from '../../../src/storage/sql/sql-time.ts';
import { pluck } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';
import { answering, insertedInto } from '../support/answering.ts';
import { noonMs } from '../support/samples.ts';

test('levels go day by day, each up to the client with which a batch is full', async () => {
  const days: SqlRow[] = [{ day: '2026-07-01' }, { day: '2026-07-02' }];
  const { database, asked, changed } = answering(({ sql, values }) => {
    if (sql.includes('OFFSET')) return values[0] === '2026-07-01' ? [{ client: 'm' }] : [];
    return days.splice(0, 1);
  }, 7);
  const remove = levelRemover(database, noonMs);
  assert.deepEqual([await remove(5), await remove(5), await remove(5)], [7, 7, null]);
  assert.deepEqual(pluck(changed, 'values'), [['2026-07-01', 'm'], ['2026-07-02']]);
  const first = sqlTime(noonMs - 130 * dayMs).slice(0, 10);
  assert.deepEqual(pluck(asked, 'values'), [[first], ['2026-07-01', '5'], [first], ['2026-07-02', '5'], [first]]);
});

test('visits are added up by client and day, in the order of the key', async () => {
  const visit = (client: string, atMs: number, ok: number) => ({
    ...{ client, started_at: sqlTime(atMs), ok, duration_ms: 10, bytes_in: 100, bytes_out: 1000 },
  });
  const midnightMs = Date.UTC(2026, 10, 20);
  const rows = [
    visit('b', midnightMs, 1),
    visit('a', midnightMs, 1),
    visit('a', midnightMs - 1, 0),
    visit('a', midnightMs + hourMs, 0),
  ];
  const { session, changed } = answering(() => rows);
  await rollUpVisits(session, [1, 2, 3, 4]);
  const day = (client: string, name: string, visits: number, ok: number) => ({
    ...{ client, day: name, visits, ok, duration_ms: 10 * visits, bytes_in: 100 * visits, bytes_out: 1000 * visits },
  });
  assert.deepEqual(insertedInto('visits_daily', changed), [
    day('a', '2026-11-19', 1, 0),
    day('a', '2026-11-20', 2, 1),
    day('b', '2026-11-20', 1, 1),
  ]);
});

const subject: Subject = {
  select: 'SELECT t.id AS id, t.at AS at FROM t ORDER BY t.at, t.id LIMIT ?',
  firstId: 0,
  deletes: [
    ['parts', 't_id'],
    ['t', 'id'],
  ],
};

test('old rows go in batches, each behind the last row of the one before', async () => {
  const left: SqlRow[] = [3, 1, 2].map((id) => ({ id, at: `at ${id}` }));
  const { database, asked, changed } = answering(() => left.splice(0, 2), 2);
  const remove = subjectRemover(database, subject, 'before');
  assert.deepEqual([await remove(2), await remove(2), await remove(2)], [4, 2, null]);
  const begin = '1000-01-01 00:00:00.000';
  assert.deepEqual(pluck(asked, 'values'), [
    ['before', begin, begin, 0, '2'],
    ['before', 'at 1', 'at 1', 1, '2'],
    ['before', 'at 2', 'at 2', 2, '2'],
  ]);
  assert.deepEqual(
    changed.slice(0, 4).map(({ sql, values }) => `${sql.split(' ')[2]} ${values.join()}`),
    ['parts 1', 'parts 3', 't 1', 't 3'],
  );
});

test('rows to remove are counted as they would be selected, whatever their number', async () => {
  const { session, asked } = answering(() => [{ count: 7 }]);
  assert.equal(await countSubject(session, subject, 'before'), 7);
  const [{ sql, values } = { sql: '', values: [] }] = asked;
  assert.match(sql, /^SELECT COUNT\(\*\) AS count FROM \(SELECT t\.id AS id, t\.at AS at FROM t \) old$/);
  assert.deepEqual(values, ['before', '1000-01-01 00:00:00.000', '1000-01-01 00:00:00.000', 0]);
});

test('rows are rolled up once each, in the order of their ids, before they are deleted', async () => {
  const rolled: SqlValue[] = [];
  const { session, changed } = answering(undefined, 64);
  const ids = times(130, (index) => 130 - index);
  const up = (_: unknown, some: readonly SqlValue[]): Promise<void> => {
    assert.equal(changed.length, 0);
    rolled.push(...some);
    return Promise.resolve();
  };
  const deletes = [['t', 'id']] as const;
  const count = await deleteRows(session, { deletes, rollUp: up }, ids);
  assert.deepEqual(
    rolled,
    times(130, (index) => index + 1),
  );
  assert.deepEqual(
    changed.flatMap(({ values }) => values),
    rolled,
  );
  assert.equal(count, 64 * changed.length);
});

test('a span begins with its hour or its day', () => {
  const atMs = Date.UTC(2026, 10, 20, 10, 59, 59, 999);
  assert.deepEqual([spanStart('hour', atMs), spanStart('day', atMs)], ['2026-11-20 10:00:00', '2026-11-20']);
});

test('each table of rows is added to its hours and days, and names only as many as a report has', async () => {
  const { session, changed } = answering();
  await rollUp(session, { hourMs: noonMs, spans: ['hour', 'day'], statIds: [4, 5], marks: '?, ?' });
  assert.deepEqual(
    changed.map(({ sql, values }) => [/^INSERT INTO (\w+)/.exec(sql)?.[1], values[0]].join(' ')),
    ['hourly 2026-11-20 10:00:00', 'daily 2026-11-20'].flatMap((span) =>
      ['stats', 'disk_stats', 'network_stats', 'check_stats', 'samples'].map((table) => `${table}_${span}`),
    ),
  );
  assert.ok(changed.every(({ values }) => values.slice(1).join() === '4,5'));
  assert.deepEqual(
    changed.map(({ sql }) => sql.includes('WHERE place <= ')),
    [false, true, true, true, true, false, true, true, true, true],
  );
});

test('old hours go client by client, each up to a batch, until the batch is full', async () => {
  const names = ['a', 'b', 'c'];
  const { database, asked, changed } = answering(({ sql, values }) => {
    if (sql.includes('FROM clients')) return names.map((name) => ({ name }));
    return values[0] === 'a' ? [{ at: '2026-01-02 05:00:00' }] : [];
  }, 3);
  const source = { table: 'stats' } as const;
  assert.equal(await expireRollup(database, source, 'hour', 'before', 6), 6);
  assert.deepEqual(
    changed.map(({ sql, values }) => [/hour (\S+) \?/.exec(sql)?.[1], ...values].join(' ')),
    ['<= a 2026-01-02 05:00:00', '< b before'],
  );
  assert.deepEqual(pluck(asked, 'values'), [
    ['before', '50'],
    ['a', 'before', '6'],
    ['b', 'before', '6'],
  ]);
  assert.equal(await expireRollup(answering().database, source, 'day', 'before', 6), null);
});
