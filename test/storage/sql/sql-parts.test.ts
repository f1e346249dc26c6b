/** Small parts that statements share: work in its order, answers in time, and the names of rollups. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answerInTime } from '../../../src/storage/sql/answer-in-time.ts';
import { rollupColumns, rollupSources, rollupTable } from '../../../src/storage/sql/rollups.ts';
import { Serial } from '../../../src/storage/sql/serial.ts';

test('work runs one after the other, and goes on after a failure', async () => {
  const serial = new Serial();
  const order: string[] = [];
  const step = (name: string, fails = false) =>
    serial.run(async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const results = await Promise.allSettled([step('a'), step('b', true), step('c')]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(
    order,
    ['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

test('an answer that does not come is a lost connection, and a signal ends the wait for it', async () => {
  const never = (): Promise<never> => new Promise(() => undefined);
  const options = { timeoutMs: 10, signal: undefined, where: 'mysql://db' };
  const message = 'mysql://db: no answer within 0.01 s';
  await assert.rejects(answerInTime(options, never), { kind: 'lost', message });
  const signal = AbortSignal.abort();
  await assert.rejects(answerInTime({ ...options, timeoutMs: 60_000, signal }, never), {
    kind: 'aborted',
    message: 'mysql://db: ended',
  });
  assert.equal(await answerInTime({ ...options, timeoutMs: 60_000 }, () => Promise.resolve(7)), 7);
});

test('a rollup has the key of its subject, its rows, and four figures of each metric', () => {
  const names = rollupSources.map((source) => [rollupTable(source, 'hour'), rollupTable(source, 'day')]);
  assert.deepEqual(names[1], ['disk_stats_hourly', 'disk_stats_daily']);
  const columns = rollupSources.map((source) => rollupColumns(source, 'hour').slice(0, 4).join(' '));
  assert.deepEqual(columns, [
    'client hour samples uptime_s_min',
    'client hour mount samples',
    'client hour interface samples',
    'client hour check_name samples',
    'client hour series_id samples',
  ]);
  const [checks] = rollupSources.filter(({ table }) => table === 'check_stats');
  assert.deepEqual(rollupColumns(checks ?? assert.fail('none'), 'day').slice(3), [
    ...['samples', 'state_min', 'state_mean', 'state_max', 'state_count'],
  ]);
});
