/** The looks of clients beside lost ones, as they are stored and read. */
import assert from 'node:assert/strict';

import { type Beside, formatBeside, parseBeside } from '../../../src/report/beside.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { alert } from '../support/alert-samples.ts';
import { onEachDatabase } from '../support/databases.ts';
import { noonMs, refusedVisit, runStart, visit } from '../support/samples.ts';

const minute = 60_000;
const look = (outcome: 'reached' | 'no answer', ...names: readonly string[]): Beside => ({
  ...{ from: 'fra-1', port: 22 },
  seen: names.map((name): [string, typeof outcome] => [name, outcome]),
});

/** Stores alerts of the client that began to fire with a visit. The last one is open. */
async function storeAlerts({ evaluation, leases }: Storage, ...minutes: readonly number[]): Promise<void> {
  const lease = await leases.takeLease('alerter', 'a test');
  assert.ok(lease);
  const alerts = minutes.map((from, index) => {
    const sinceMs = noonMs + from * minute;
    const times = { pendingSinceMs: sinceMs, firingSinceMs: sinceMs };
    const end = index < minutes.length - 1 ? { state: 'resolved' as const, resolvedAtMs: sinceMs + 1 } : {};
    return alert({ client: 'db-1', rule: 'unreachable', subject: '', firstEvidence: `${from}`, ...times, ...end });
  });
  await evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts, ruleStates: new Map() });
}

onEachDatabase('looks', ({ it }) => {
  it('are read of the span of an alert, with those that had reached the client before', async ({ storage, rows }) => {
    const at = (minutes: number, beside?: Beside) =>
      visit({
        ...refusedVisit,
        ...{ runId: `run-${minutes}`, client: 'db-1', startedAtMs: noonMs + minutes * minute },
        ...(beside === undefined ? {} : { beside }),
      });
    await storeAlerts(storage, 0, 4, 10);
    await storage.reports.saveVisits([
      at(0, look('reached', 'db-2')),
      at(5, look('no answer', 'db-3')),
      at(10),
      at(15, look('no answer', 'db-2', 'db-3')),
      at(20),
    ]);
    const span = { fromMs: noonMs + 10 * minute, untilMs: noonMs + 60 * minute };
    const asked = ['db-1', 'db-9'].map((client) => ({ client, ...span }));
    const found = await storage.notifications.looksOf(asked);
    const beside = look('no answer', 'db-2', 'db-3');
    const atMs = noonMs + 15 * minute;
    assert.deepEqual([...found], [['db-1', { beside, atMs, code: refusedVisit.code, reachedBefore: ['db-2'] }]]);
    const later = { client: 'db-1', fromMs: noonMs + 16 * minute, untilMs: noonMs + 60 * minute };
    assert.deepEqual([...(await storage.notifications.looksOf([later]))], []);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM visits WHERE beside IS NULL'), [[2]]);
  });

  it('wait for failures that count: not of filtered runs, nor of host keys', async ({ storage: { reports } }) => {
    const visits = (
      [
        ['good', 'full', null],
        ['first', 'full', 'connect-timeout'],
        ['named', 'filtered', 'connect-timeout'],
        ['key', 'full', 'host-key-changed'],
      ] as const
    ).map(([runId, scope, code], at) => {
      const startedAtMs = noonMs + at * minute;
      const one = visit({ ...(code === null ? {} : { ...refusedVisit, code }), runId, client: 'db-1', startedAtMs });
      return { run: runStart({ id: runId, scope, startedAtMs }), one };
    });
    const counts: unknown[] = [];
    for (const { run, one } of visits) {
      await reports.startRun(run);
      await reports.saveVisits([one]);
      const { consecutiveFailures, uncountedFailures } = (await reports.clientFacts()).get('db-1') ?? {};
      counts.push([consecutiveFailures, uncountedFailures]);
    }
    assert.deepEqual(counts, [
      [0, 0],
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
  });

  it('take 512 bytes at most, and rows of another version are none', async ({ storage, rows, database }) => {
    // Names of clients have 128 bytes at most, and host names 253.
    const names = ['\u4e16'.repeat(42), 'x'.repeat(128)];
    const beside = { ...look('no answer', ...names), from: 'f'.repeat(100), port: 65_535 };
    await storage.reports.saveVisits([visit({ ...refusedVisit, client: 'db-1', beside })]);
    const [[text] = []] = await rows('SELECT beside FROM visits');
    assert.ok(Buffer.byteLength(String(text)) <= 512);
    const span = { client: 'db-1', fromMs: noonMs, untilMs: noonMs };
    const read = async () => (await storage.notifications.looksOf([span])).get('db-1')?.beside;
    assert.deepEqual(await read(), beside);
    // The last answer goes first where both do not fit.
    const long = { ...beside, from: 'f'.repeat(255) };
    assert.deepEqual(parseBeside(JSON.parse(formatBeside(long) ?? '')), {
      ...long,
      seen: [[names[0], 'no answer']],
    });
    assert.equal(formatBeside({ ...beside, from: '\u4e16'.repeat(255) }), null);
    for (const other of ['{"seen":7}', 'no JSON', '{"unasked":"moon"}']) {
      await database.write((session) => session.run('UPDATE visits SET beside = ?', [other]));
      assert.equal(await read(), undefined, other);
    }
  });
});
