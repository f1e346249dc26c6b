import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { SchemaObject, Session } from '../../../src/storage/sql/database.ts';
import { createdName, dropViewsFirst } from '../../../src/storage/sql/schema-objects.ts';
import { Serial } from '../../../src/storage/sql/serial.ts';
import { storableValues } from '../../../src/storage/sql/storable-values.ts';

const steps: Readonly<Record<string, string | null>> = {
  'CREATE TABLE stats (id INTEGER)': 'stats',
  'CREATE TABLE IF NOT EXISTS stats (id INTEGER)': 'stats',
  'CREATE UNIQUE INDEX stats_time ON stats (t)': 'stats_time',
  'CREATE SQL SECURITY INVOKER VIEW stats_by_hour AS SELECT 1': 'stats_by_hour',
  'ALTER TABLE stats ADD COLUMN x INT': null,
  'DROP TABLE stats': null,
};
for (const [step, name] of Object.entries(steps)) {
  test(`${step} creates ${name ?? 'nothing'}`, () => assert.equal(createdName(step), name));
}

test('views go before the tables that they read, indices with their table', async () => {
  const ran: string[] = [];
  const session = { run: (sql: string) => Promise.resolve(void ran.push(sql)) } as unknown as Session;
  const objects = (['table stats', 'view by_day', 'index stats_time', 'view by_hour'] as const).map((text) => {
    const [kind = '', name = ''] = text.split(' ');
    return { kind, name, definition: '' } as SchemaObject;
  });
  await dropViewsFirst(session, objects);
  assert.deepEqual(ran, ['DROP VIEW by_day', 'DROP VIEW by_hour', 'DROP TABLE stats']);
});

test('serial work is done in the order of its calls, also after a failure', async () => {
  const serial = new Serial();
  const done: number[] = [];
  const work = async (number: number, turns: number): Promise<number> => {
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    done.push(number);
    if (number === 2) throw new Error('two');
    return number;
  };
  const results = await Promise.allSettled([1, 2, 3].map((number) => serial.run(() => work(number, 9 - 3 * number))));
  assert.deepEqual(done, [1, 2, 3]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});

test('U+0000 is stored as U+FFFD, and values without it are passed on as they are', () => {
  const without = ['a', 5, null, Buffer.of(0)];
  assert.equal(storableValues(without), without);
  assert.deepEqual(storableValues(['a\0b\0', 5, null]), ['a\ufffdb\ufffd', 5, null]);
});
