import assert from 'node:assert/strict';

import type { StateKind } from '../../../src/report/report.ts';
import { stateDigest } from '../../../src/report/state/state.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { noonMs } from '../support/samples.ts';
import { stateItem } from '../support/state-samples.ts';

const dayMs = 86_400_000;

async function look({ storage }: Opened, client: string, day: number, ...lines: readonly string[]): Promise<void> {
  const section = { kind: 'package' as StateKind, digest: stateDigest(lines), error: null, lines };
  const [result] = await storage.reports.ingest([stateItem(client, noonMs + day * dayMs, [section])]);
  assert.equal(result?.kind, 'stored');
}

const limits = (changesMs: number): object => ({
  changesMs,
  rawMs: 1e12,
  detailMs: 1e12,
  hourlyMs: null,
  dailyMs: null,
});
async function prune({ storage }: Opened, days: number): Promise<void> {
  const nowMs = await storage.nowMs();
  await storage.reports.saveRuns([]);
  await storage.retention.prune(
    { nowMs, ...limits(nowMs - noonMs - days * dayMs) } as Parameters<typeof storage.retention.prune>[0],
    new AbortController().signal,
  );
}

const tables = ['state_clients', 'state_items', 'state_values', 'state', 'state_changes', 'state_sections'];
const counts = async ({ rows }: Opened): Promise<readonly unknown[]> =>
  (await Promise.all(tables.map((table) => rows(`SELECT COUNT(*) FROM ${table}`)))).flat(2);

onEachDatabase('the state of clients that is pruned, forgotten and renamed', ({ it }) => {
  it('loses old changes, and the names and values that nothing uses any more', async (opened) => {
    await look(opened, 'web-1', 0, 'a\t1', 'gone\t1');
    await look(opened, 'web-1', 1, 'a\t2');
    await look(opened, 'web-1', 9, 'a\t3');
    assert.deepEqual(await counts(opened), [1, 2, 4, 1, 3, 1]);
    await prune(opened, 5);
    assert.deepEqual(await opened.rows('SELECT item, old_value, new_value FROM changes'), [['a', '2', '3']]);
    assert.deepEqual(await counts(opened), [1, 1, 2, 1, 1, 1]);
    await look(opened, 'web-1', 10, 'a\t1', 'gone\t1');
    assert.deepEqual(await opened.rows('SELECT item, value FROM state_now ORDER BY item'), [
      ['a', '1'],
      ['gone', '1'],
    ]);
  });

  it('goes with a forgotten client, and leaves that of others', async (opened) => {
    await look(opened, 'web-1', 0, 'a\t1');
    await look(opened, 'web-1', 1, 'a\t2');
    await look(opened, 'db', 0, 'a\t1');
    await opened.storage.retention.forgetClient('web-1', new AbortController().signal);
    assert.deepEqual(await opened.rows('SELECT client, value FROM state_now'), [['db', '1']]);
    assert.deepEqual((await counts(opened)).slice(3), [1, 0, 1]);
  });

  it('follows a client to its new name, whose own state stays', async (opened) => {
    await look(opened, 'old', 0, 'a\t1');
    await look(opened, 'old', 1, 'a\t2');
    assert.equal(await opened.storage.retention.renameClient('old', 'new'), true);
    assert.deepEqual(await opened.rows('SELECT client, value FROM state_now'), [['new', '2']]);
    await look(opened, 'older', 0, 'b\t1');
    await look(opened, 'older', 1, 'b\t2');
    assert.equal(await opened.storage.retention.renameClient('older', 'new'), true);
    assert.deepEqual(await opened.rows('SELECT client, item, value FROM state_now'), [['new', 'a', '2']]);
    assert.deepEqual(await opened.rows('SELECT client, item FROM changes ORDER BY item'), [
      ['new', 'a'],
      ['new', 'b'],
    ]);
  });
});
