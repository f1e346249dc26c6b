/** The watches of a run over other programs, at their limits; run-watches.test.ts has them over a real database. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { alerterFault, hasAnswered, ingestFault, ranMeanwhile } from '../../../src/collector/run/run-watches.ts';
import { minuteMs } from '../../../src/platform/units.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const nowMs = Date.UTC(2026, 5, 1, 12);
const everyMs = 5 * minuteMs;
const run = { id: 'this', collectorId: 'own' };

/** Returns a run that finished some minutes ago. */
const ran = (minutesAgo: number, more: Partial<RunFact> = {}): RunFact =>
  ({
    ...{ id: `run-${minutesAgo}`, collectorId: 'own', scope: 'full', outcome: 'finished' },
    ...{ startedAtMs: nowMs - minutesAgo * minuteMs, finishedAtMs: nowMs - minutesAgo * minuteMs },
    ...more,
  }) as Partial<RunFact> as RunFact;

type Watched = Pick<Storage, 'fleet' | 'history' | 'nowMs'>;

/** Returns a storage of these passes of the alerter, the newest first, and runs of collectors. */
function storageOf(passes: readonly RunFact[], collects: readonly RunFact[]): Watched {
  const runs = (program: string, sinceMs: number): Promise<readonly RunFact[]> =>
    Promise.resolve((program === 'alert' ? passes : collects).filter((one) => one.startedAtMs >= sinceMs));
  return {
    nowMs: () => Promise.resolve(nowMs),
    history: { lastRun: (program: string) => Promise.resolve(program === 'alert' ? (passes[0] ?? null) : null) },
    fleet: { runs },
  } as unknown as Watched;
}
const usual = [ran(11), ran(6)];

for (const [what, passes, collects, age] of [
  ['no alerter ever ran', [], usual, null],
  ['a pass finished three times `every` ago', [ran(15)], usual, null],
  ['a pass finished a minute longer ago', [ran(16)], usual, '16m'],
  ['the newest pass failed, one before finished in time', [ran(1, { outcome: 'failed' }), ran(14)], usual, null],
  ['the newest passes failed', [ran(1, { outcome: 'failed' }), ran(20)], usual, '20m'],
  ['all passes failed', [ran(1, { outcome: 'failed' })], usual, 'a week or more'],
  ['a pass is under way', [ran(1, { outcome: 'running', finishedAtMs: null }), ran(20)], usual, '20m'],
  ['a pass finished a week ago', [ran(1, { outcome: 'failed' }), ran(7 * 24 * 60)], usual, '7d'],
  ['a pass finished eight days ago', [ran(1, { outcome: 'failed' }), ran(8 * 24 * 60)], usual, 'a week or more'],
  ['a pass that begins in the future', [ran(-60)], usual, 'a week or more'],
  ['the collector ran once', [ran(20)], [ran(11)], null],
  ['the collector’s first run is younger than half of that', [ran(20)], [ran(7), ran(6)], null],
  ['the collector’s first run is as old as that', [ran(20)], [ran(7.5), ran(6)], '20m'],
] as const) {
  test(`the alerter ${age === null ? 'is not silent' : 'is silent'}: ${what}`, async () => {
    const fault = await alerterFault({ storage: storageOf(passes, collects), everyMs, run });
    if (age === null) assert.equal(fault, null);
    else {
      assert.deepEqual([fault?.code, fault?.stage], ['alerter-silent', 'run']);
      const [{ startedAtMs, outcome }] = passes as readonly [RunFact];
      const began = `the newest began at ${new Date(startedAtMs).toISOString()} (${outcome})`;
      assert.equal(fault?.message, `no pass of the alerter has finished for ${age}; ${began}`);
    }
  });
}

for (const [what, second, expected] of [
  ['two full runs of this collector', ran(6), true],
  ['this run itself', ran(6, { id: 'this' }), false],
  ['a run of another collector', ran(6, { collectorId: 'other' }), false],
  ['a run over some clients', ran(6, { scope: 'filtered' }), false],
  ['a run that found the lock taken', ran(6, { outcome: 'overlapped' }), false],
  ['a run that failed', ran(6, { outcome: 'failed' }), true],
  ['a run before that time', ran(16), false],
] as const) {
  test(`a collector ${expected ? 'ran' : 'did not run'} meanwhile: one run and ${what}`, async () => {
    const question = { run, sinceMs: nowMs - 15 * minuteMs, byMs: nowMs - 10 * minuteMs };
    assert.equal(await ranMeanwhile(storageOf([], [ran(10), second]), question), expected);
  });
}

test('a database that was away has answered after three times `every`, by a file that only its owner reads', (t) => {
  const file = path.join(tempFolder(t), 'database-back');
  const ask = (atMs: number, wasAway = false): boolean => hasAnswered(file, { wasAway, atMs, everyMs });
  assert.equal(ask(nowMs), true, 'it was never away');
  assert.equal(ask(nowMs, true), false);
  assert.deepEqual([statSync(file).mode & 0o777, statSync(file).mtimeMs], [0o600, nowMs]);
  assert.equal(ask(nowMs + 3 * everyMs - 1), false);
  assert.equal(ask(nowMs + 3 * everyMs), true);
  assert.equal(ask(nowMs), false);
  assert.equal(ask(nowMs - 1), true, 'a time in the future comes from a wrong clock');
  const [full] = [path.join(tempFolder(t), 'no', 'folder')];
  assert.equal(hasAnswered(full, { wasAway: true, atMs: nowMs, everyMs }), false);
  assert.equal(existsSync(full), false);
});

for (const [what, unseen, message] of [
  ['nothing waits', null, null],
  ['a report waits since a moment less than that', { reports: 2, minutes: 14.9 }, null],
  ['a report waits since then', { reports: 1, minutes: 15 }, '1 sealed report waits'],
  ['reports wait since then', { reports: 2, minutes: 20 }, '2 sealed reports wait'],
] as const) {
  test(`an ingest that opens nothing is silent after three times \`every\`: ${what}`, async () => {
    const sinceMs = nowMs - (unseen?.minutes ?? 0) * minuteMs;
    const sealedWaiting = () =>
      Promise.resolve(
        unseen === null ? [] : [{ code: null, keyId: 'k', reports: unseen.reports, sinceMs, message: '' }],
      );
    const storage = { ...storageOf([], []), fleet: { sealedWaiting } } as unknown as Watched;
    const fault = await ingestFault({ storage, everyMs });
    const since = `, the oldest since ${new Date(sinceMs).toISOString()}, and no ingest has opened them`;
    assert.equal(fault?.message ?? null, message === null ? null : `${message} in the database${since}`);
    if (fault !== null) assert.deepEqual([fault.code, fault.stage], ['ingest-silent', 'run']);
  });
}
