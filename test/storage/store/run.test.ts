/** Runs as they are stored, and what they say of records that a database has lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dayMs } from '../../../src/platform/units.ts';
import {
  lossOfDay,
  lossWords,
  readerOrNull,
  readers,
  restoredRows,
  type RunFact,
  spanOf,
  storedRun,
  unfinishedRuns,
} from '../../../src/storage/store/run.ts';
import { noonMs } from '../support/samples.ts';

test('the agents that this version knows are read, and no others', () => {
  assert.deepEqual(readers.map(readerOrNull), ['node', 'runtime', 'shell', 'push', 'spoke']);
  assert.deepEqual([readerOrNull(null), readerOrNull('teleport'), readerOrNull('')], [null, null, null]);
});

test('a run is read with its program, scope and times, and its counts are unknown until it has ended', () => {
  const row = { id: 'r', program: 'ingest', collector_id: 'c', host: 'h', scope: 'full', config_digest: 'd' };
  const times = { outcome: 'running', started_at: '2026-11-20 10:00:00.000', finished_at: null, clients: null };
  const run = storedRun.read({ ...row, ...times, restored_from: '2026-11-20 10:00:00.000' });
  assert.deepEqual([run.program, run.scope, run.startedAtMs, run.finishedAtMs], ['ingest', 'full', noonMs, null]);
  assert.deepEqual([run.clients, run.succeeded, run.restored, run.restoredFromMs], [null, null, null, noonMs]);
  const program = (value: unknown) => storedRun.read({ ...row, program: value }).program;
  assert.deepEqual(['collect', 'alert', 'ingest', 'teleport'].map(program), ['collect', 'alert', 'ingest', 'collect']);
  assert.equal(storedRun.read({ ...row, scope: 'filtered' }).scope, 'filtered');
});

test('the rows that a run stored again are its reports and its other records', () => {
  const some = { reports: 3, records: 4, fromMs: null, toMs: null, note: null };
  assert.deepEqual([restoredRows(some), restoredRows(null)], [7, 0]);
});

test('a run of the collector may be under way until its deadline, by a clock that is behind too', () => {
  const runs = [
    { id: 'now', program: 'collect', startedAtMs: noonMs },
    { id: 'in time', program: 'collect', startedAtMs: noonMs - 99 },
    { id: 'killed', program: 'collect', startedAtMs: noonMs - 100 },
    { id: 'ahead', program: 'collect', startedAtMs: noonMs + 99 },
    { id: 'far ahead', program: 'collect', startedAtMs: noonMs + 100 },
    { id: 'a pass', program: 'alert', startedAtMs: noonMs },
    { id: 'ended', program: 'collect', startedAtMs: noonMs, finishedAtMs: noonMs },
  ] as const;
  const found = unfinishedRuns(
    runs.map((one) => ({ finishedAtMs: null, ...one })),
    { nowMs: noonMs, runDeadlineMs: 100 },
  );
  assert.deepEqual([...found], ['now', 'in time', 'ahead']);
});

test('a span is from the first to the last time, in any order', () => {
  assert.deepEqual(spanOf([]), { fromMs: null, toMs: null });
  assert.deepEqual(spanOf([5]), { fromMs: 5, toMs: 5 });
  assert.deepEqual(spanOf([5, 1, 9]), { fromMs: 1, toMs: 9 });
});

const run = (startedAtMs: number, over: Partial<RunFact> = {}): RunFact => ({
  ...storedRun.read({ id: String(startedAtMs), program: 'collect', scope: 'full' }),
  ...{ startedAtMs, restored: 3, restoredReports: 2, restoredFromMs: startedAtMs, restoredToMs: startedAtMs + 1 },
  ...over,
});

test('the losses of less than a day are one, with their sums, their span and the newest note', () => {
  const runs = [
    run(noonMs, { restoredNote: 'MariaDB 1' }),
    run(noonMs - 100, { restoredNote: 'MariaDB 0' }),
    run(noonMs + 100, { restoredFromMs: null }),
    run(noonMs - dayMs),
    run(noonMs + 50, { restored: 0 }),
    run(noonMs + 60, { restored: null }),
  ];
  const loss = lossOfDay(runs, noonMs);
  assert.deepEqual(
    loss?.runs.map(({ startedAtMs }) => startedAtMs - noonMs),
    [-100, 0, 100],
  );
  assert.deepEqual([loss.restored, loss.reports, loss.note], [9, 6, 'MariaDB 1']);
  assert.deepEqual([loss.fromMs, loss.toMs], [noonMs - 100, noonMs + 101]);
  assert.notEqual(lossOfDay([run(noonMs - dayMs + 1)], noonMs), null);
  assert.equal(lossOfDay([run(noonMs - dayMs), run(noonMs + dayMs)], noonMs), null);
});

/** Losses in words. */
const words: readonly (readonly [over: Partial<Parameters<typeof lossWords>[0]>, words: string])[] = [
  [{}, 'the database has lost 37 reports; they are stored again'],
  [{ restored: 1, reports: 1 }, 'the database has lost 1 report; it is stored again'],
  [{ restored: 40 }, 'the database has lost 37 reports and 3 records; they are stored again'],
  [{ restored: 1, reports: 0 }, 'the database has lost 1 record; it is stored again'],
  [{ fromMs: 1, toMs: 2 }, 'the database has lost 37 reports of 1 to 2; they are stored again'],
  [{ fromMs: 1, toMs: 1 }, 'the database has lost 37 reports of 1; they are stored again'],
  [{ fromMs: 1 }, 'the database has lost 37 reports; they are stored again'],
  [{ note: 'MariaDB' }, 'the database has lost 37 reports; they are stored again. The database is MariaDB'],
];
for (const [over, expected] of words) {
  test(expected, () => {
    const loss = { restored: 37, reports: 37, fromMs: null, toMs: null, note: null, ...over };
    assert.equal(lossWords(loss, String), expected);
  });
}
