/** Rows as pages and views ask for them: their order, their bounds, and their limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Alert } from '../../../src/storage/store/alert.ts';
import type { RowPlace } from '../../../src/storage/store/evaluation-store.ts';
import { pluck } from '../../support/pluck.ts';
import { alert } from '../support/alert-samples.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { check, item, noonMs, runEnd, runStart, visit } from '../support/samples.ts';

const idOf = (number: number): string => `${String(number).padStart(8, '0')}-0000-4000-8000-000000000000`;

async function withAlerts({ storage }: Opened, alerts: readonly Partial<Alert>[]): Promise<void> {
  const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
  const saved = alerts.map((one) => alert(one));
  await storage.evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts: saved, ruleStates: new Map() });
}

onEachDatabase('records for pages', (kit) => {
  test('the newest runs of all programs come first, as many as are asked for', async () => {
    const { reports, records } = (await kit.open()).storage;
    const programs = ['collect', 'alert', 'ingest', 'collect', 'collect'] as const;
    for (const [at, program] of programs.entries())
      await reports.startRun(runStart({ id: idOf(at), program, startedAtMs: noonMs + at }));
    const newest = async (limit: number) =>
      pluck(await records.newestRuns(limit), 'startedAtMs').map((ms) => ms - noonMs);
    assert.deepEqual(await newest(2), [4, 3]);
    assert.deepEqual(await newest(9), [4, 3, 2, 1, 0]);
  });

  test('runs of a span have the one before it, and not those of its end, of others or that overlapped', async () => {
    const { reports, records } = (await kit.open()).storage;
    const starts = [0, 1, 2, 3, 4].map((at) => runStart({ id: idOf(at), startedAtMs: noonMs + 10 * at }));
    for (const start of starts) await reports.startRun(start);
    await reports.startRun(runStart({ id: idOf(9), program: 'alert', startedAtMs: noonMs + 25 }));
    const beside = runStart({ id: idOf(8), startedAtMs: noonMs + 26 });
    await reports.saveRuns([{ start: beside, end: runEnd(beside, { outcome: 'overlapped' }) }]);
    const found = await records.runsBetween('collect', noonMs + 20, noonMs + 40);
    assert.deepEqual(
      found.map(({ startedAtMs }) => startedAtMs - noonMs),
      [10, 20, 30],
    );
  });

  test('alerts of a span are those that were open in it, by number', async () => {
    const opened = await kit.open();
    await withAlerts(opened, [
      { subject: '/a', state: 'resolved', pendingSinceMs: noonMs, resolvedAtMs: noonMs + 10 },
      { subject: '/b', state: 'resolved', pendingSinceMs: noonMs, resolvedAtMs: noonMs + 9 },
      { subject: '/c', state: 'firing', pendingSinceMs: noonMs },
      { subject: '/d', state: 'pending', pendingSinceMs: noonMs + 19 },
      { subject: '/e', state: 'firing', pendingSinceMs: noonMs + 20 },
      { subject: '/f', client: 'db-1', state: 'firing', pendingSinceMs: noonMs },
    ]);
    const { records } = opened.storage;
    const between = async (limit: number) =>
      pluck(await records.alertsBetween(noonMs + 10, noonMs + 20, limit), 'subject');
    assert.deepEqual(await between(10), ['/a', '/c', '/d', '/f']);
    assert.deepEqual(await between(1), ['/a', '/f']);
    const own = async (limit: number) =>
      pluck(await records.alertsOfClient('web-1', noonMs + 10, noonMs + 20, limit), 'subject');
    assert.deepEqual(await own(10), ['/a', '/c', '/d']);
    assert.deepEqual(await own(2), ['/c', '/d']);
    assert.equal((await records.alert(3))?.subject, '/c');
    const like = async (subject: string, sinceMs: number, limit = 9) =>
      pluck(await records.alertsLike({ client: 'web-1', rule: 'disk', subject }, sinceMs, limit), 'id');
    assert.deepEqual([await like('/a', noonMs + 10), await like('/a', noonMs + 11)], [[1], []]);
    await withAlerts(opened, [{ subject: '/a', state: 'firing', pendingSinceMs: noonMs + 30 }]);
    assert.deepEqual([await like('/a', noonMs), await like('/a', noonMs, 1), await like('/f', 0)], [[7, 1], [7], []]);
  });

  test('of the newest report of each client the good checks are counted and the others listed', async () => {
    const { reports, records } = (await kit.open()).storage;
    const of = (client: string, observedAtMs: number, ...exits: readonly number[]) =>
      item({ client, observedAtMs, checks: exits.map((exit, at) => check(`c${at}`, exit, 'text')) });
    await reports.ingest([
      of('a', noonMs, 2, 2),
      of('a', noonMs + 10, 0, 1, 0, 2),
      of('b', noonMs, 0),
      of('c', noonMs),
    ]);
    const found = async (beforeMs: number | null) =>
      Object.fromEntries(
        [...(await records.checksOfClients(['a', 'b', 'c', 'd'], beforeMs))].map(([client, { ok, bad }]) => [
          client,
          [ok, ...bad.map(({ check_name: name, state }) => `${name} ${state}`)],
        ]),
      );
    assert.deepEqual(await found(null), { a: [2, 'c1 1', 'c3 2'], b: [1] });
    assert.deepEqual(await found(noonMs + 10), { a: [0, 'c0 2', 'c1 2'], b: [1] });
  });

  test('pages of rows that are not processed go on where the last one ended, reports and visits together', async () => {
    const { storage } = await kit.open();
    const { reports, evaluation } = storage;
    const times = [0, 0, 0, 1, 2];
    await reports.ingest(times.map((at) => item({ client: 'a', observedAtMs: noonMs + at })));
    for (const [at, run] of [0, 0, 3].entries()) {
      await reports.startRun(runStart({ id: idOf(at) }));
      await reports.saveVisits([visit({ runId: idOf(at), client: 'a', startedAtMs: noonMs + run })]);
    }
    const pages: (readonly [number, number])[] = [];
    const seen: string[] = [];
    let after: RowPlace | null = null;
    for (let more = true; more;) {
      const page: Awaited<ReturnType<typeof evaluation.unprocessed>> & { readonly next?: RowPlace | null } =
        await evaluation.unprocessed(2, after);
      pages.push([page.reports.length, page.visits.length]);
      seen.push(...page.reports.map(({ id }) => `report ${id}`), ...page.visits.map(({ id }) => `visit ${id}`));
      after = page.next ?? null;
      more = page.more && after !== null;
    }
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(seen.length, 8);
    assert.deepEqual(pages[0], [2, 2]);
  });
});
