/** The parts of pruning that need no database: bounds of each kind of rows, batches, and the space that is freed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dayMs, hourMs } from '../../../src/platform/units.ts';
import { prune } from '../../../src/storage/retention/prune.ts';
import { filledUp, wholeClients } from '../../../src/storage/retention/prune-stats.ts';
import { reclaim } from '../../../src/storage/retention/reclaim.ts';
import type { Database, FileSpace, Session, SqlValue } from '../../../src/storage/sql/database.ts';
import { sqlTime } from '../../../src/storage/sql/sql-time.ts';
import type { PruneLimits } from '../../../src/storage/store/storage.ts';

const rowsOf = (clients: string) => clients.split('').map((client, id) => ({ id, client }));

for (const [clients, limit, size] of [
  ['ab', 2, 2],
  ['aab', 2, 2],
  ['abb', 2, 1],
  ['aabbb', 4, 2],
  ['abbcc', 4, 3],
  ['abbcc', 3, 3],
  ['aaaa', 3, 3],
  ['aaab', 1, 1],
] as const) {
  test(`a batch of at most ${limit} of the rows ${clients} ends with a client: ${size}`, () => {
    assert.equal(wholeClients(rowsOf(clients), limit), size);
  });
}

for (const [count, size] of [
  ...[0, 1, 16].map((count) => [count, 16] as const),
  ...[17, 64].map((count) => [count, 64] as const),
  ...[65, 256].map((count) => [count, 256] as const),
  ...[257, 512].map((count) => [count, 512] as const),
  [513, 513] as const,
]) {
  test(`a statement for ${count} ids has ${size}, of which the last ones are equal`, () => {
    const ids = Array.from({ length: count }, (_, id) => id);
    const { values, marks } = filledUp(ids);
    assert.deepEqual(values, [...ids, ...Array<SqlValue>(size - count).fill(ids.at(-1) ?? null)]);
    assert.equal(marks.match(/\?/g)?.length, size);
  });
}

/** Returns a database without rows, and the bound of each query for rows to remove, by its table. */
function emptyDatabase(found: (sql: string) => readonly object[] = () => []) {
  const bounds = new Map<string, unknown>();
  const all = (sql: string, [before]: readonly SqlValue[] = []): Promise<readonly object[]> => {
    const table = (/FROM (\w+) (?:WHERE id >|t WHERE)/.exec(sql) ?? /FROM (\w+)/.exec(sql))?.[1] ?? sql;
    const which = /NOT EXISTS \(SELECT 1 FROM events/.test(sql) ? ' newest' : '';
    if (before !== undefined) bounds.set(table + which, before);
    return Promise.resolve(found(sql));
  };
  const session = { all } as unknown as Session;
  const work = <T>(run: (session: Session) => Promise<T>): Promise<T> => run(session);
  return { bounds, database: { read: work, write: work, space: () => Promise.resolve(null) } as unknown as Database };
}

const nowMs = Date.UTC(2026, 10, 20, 10, 30);
const never = new AbortController().signal;
const daysAgo = (days: number): string => sqlTime(nowMs - days * dayMs);

/** Returns the bounds with these limits, in words: days before now, or the value itself. */
async function boundsWith(limits: Partial<PruneLimits>): Promise<Readonly<Record<string, unknown>>> {
  const { bounds, database } = emptyDatabase();
  const given = { nowMs, rawMs: 30 * dayMs, detailMs: 2 * dayMs, hourlyMs: null, dailyMs: null, ...limits };
  await prune(database, given, never);
  return Object.fromEntries(bounds);
}

const usual = {
  reports: daysAgo(2),
  log_lines: daysAgo(30),
  stats: sqlTime(Date.UTC(2026, 9, 21, 10)),
  visits: daysAgo(30),
  runs: daysAgo(30),
  inventory_reports: daysAgo(30),
  mails: daysAgo(30),
  alerts: daysAgo(30),
  silences: daysAgo(30),
  state_changes: daysAgo(30),
};

test('each kind of rows goes by its own limit, which is that of the rows unless it is given', async () => {
  const bounds = await boundsWith({});
  for (const [table, before] of Object.entries(usual)) assert.equal(bounds[table], before, table);
  for (const [limit, tables] of [
    [{ logsMs: 3 * dayMs }, ['log_lines']],
    [{ alertsMs: 3 * dayMs }, ['mails', 'alerts', 'silences']],
    [{ visitsMs: 3 * dayMs }, ['visits']],
    [{ changesMs: 3 * dayMs }, ['state_changes']],
  ] as const) {
    const own = await boundsWith(limit);
    const changed = Object.keys(usual).filter((table) => own[table] !== bounds[table]);
    assert.deepEqual(changed.sort(), [...tables].sort());
    for (const table of tables) assert.equal(own[table], daysAgo(3), table);
  }
});

test('events, levels and unused names go by limits that nobody sets', async () => {
  const bounds = await boundsWith({});
  const { events, 'events newest': newest, disk_levels: levels } = bounds;
  assert.deepEqual([events, newest, levels], [daysAgo(7), daysAgo(35), daysAgo(130).slice(0, 10)]);
  assert.deepEqual([bounds['state_values'], bounds['state_items']], [0, 0]);
});

test('rollups and series go by the longest limit, if all have one', async () => {
  assert.equal('series' in (await boundsWith({})), false);
  assert.equal('series' in (await boundsWith({ hourlyMs: 60 * dayMs })), false);
  assert.equal('series' in (await boundsWith({ dailyMs: 90 * dayMs })), false);
  const bounds = await boundsWith({ hourlyMs: 60 * dayMs, dailyMs: 90 * dayMs });
  const { series, stats_hourly: hours, stats_daily: days, visits_daily: visits } = bounds;
  assert.deepEqual([series, days, visits], [daysAgo(90), daysAgo(90).slice(0, 10), daysAgo(90).slice(0, 10)]);
  assert.equal(hours, `${sqlTime(nowMs - 60 * dayMs).slice(0, 13)}:00:00`);
  assert.equal('visits_hourly' in bounds, false);
  assert.equal((await boundsWith({ hourlyMs: hourMs, dailyMs: hourMs }))['series'], daysAgo(30));
});

const space = (freeBytes: number, sizeBytes = 1000, shrinks = true): FileSpace => ({ sizeBytes, freeBytes, shrinks });

for (const [what, all, spaces, freed, steps] of [
  ['a server', true, [null], 0, 0],
  ['a file that cannot shrink', true, [space(900, 1000, false)], 0, 0],
  ['a file with a tenth free', false, [space(100)], 0, 0],
  ['a file with more free', false, [space(101), space(81, 980)], 20, 1],
  ['all of a file', true, [space(100), space(50, 950), space(0, 900)], 100, 2],
  ['a file that gives nothing more', true, [space(100), space(60, 960), space(60, 960)], 40, 2],
  ['a file that grows meanwhile', true, [space(100), space(120, 1020)], 0, 1],
  ['a file that is gone after a step', true, [space(100), space(60, 960), null], 40, 2],
  ['a file that is gone meanwhile', true, [space(100), null], 0, 1],
] as const) {
  test(`the space of ${what} is freed: ${freed} bytes in ${steps} steps`, async () => {
    const left: (FileSpace | null)[] = [...spaces];
    let reclaimed = 0;
    const database = {
      space: () => Promise.resolve(left.shift() ?? null),
      reclaim: () => Promise.resolve(void (reclaimed += 1)),
    } as unknown as Database;
    assert.equal(await reclaim(database, { all, step: (work) => work(), signal: never }), freed);
    assert.equal(reclaimed, steps);
  });
}

test('a signal ends the freeing of space between two steps', async () => {
  const run = new AbortController();
  let free = 500;
  const database = {
    space: () => Promise.resolve(space(free, 500 + free)),
    reclaim: () => Promise.resolve(void (free -= 100)),
  } as unknown as Database;
  const step = async (work: () => Promise<void>): Promise<void> => {
    await work();
    if (free === 300) run.abort();
  };
  assert.equal(await reclaim(database, { all: true, step, signal: run.signal }), 200);
});
