import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { StateKind } from '../../../src/report/report.ts';
import { stateDigest } from '../../../src/report/state/state.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { item, noonMs, visit } from '../support/samples.ts';
import { stateItem } from '../support/state-samples.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const always = { afterMs: noonMs - dayMs, untilMs: noonMs + 100 * dayMs };

async function look({ storage }: Opened, client: string, atMs: number, kind: StateKind, ...lines: readonly string[]) {
  const section = { kind, digest: stateDigest(lines), error: null, lines };
  const [result] = await storage.reports.ingest([stateItem(client, atMs, [section])]);
  assert.equal(result?.kind, 'stored');
}

onEachDatabase('the queries for causes', ({ it }) => {
  it('find the changes of a client, and who else has a value or lacks an item', async (opened) => {
    const { causes } = opened.storage;
    for (const client of ['web-1', 'web-2', 'web-3']) await look(opened, client, noonMs, 'package', 'a\t1', 'b\t1');
    await look(opened, 'web-1', noonMs + hourMs, 'package', 'a\t2');
    await look(opened, 'web-2', noonMs + 2 * hourMs, 'package', 'a\t2', 'b\t1');
    const changes = await causes.changesOf('web-1', always, 10);
    assert.deepEqual(
      changes
        .map(({ item, oldValue, newValue, earliestAtMs, latestAtMs }) => [
          ...[item, oldValue, newValue, earliestAtMs - noonMs, latestAtMs - noonMs],
        ])
        .sort(),
      [
        ['a', '1', '2', 0, hourMs],
        ['b', '1', null, 0, hourMs],
      ],
    );
    assert.deepEqual(await causes.changesOf('web-1', { ...always, untilMs: noonMs + hourMs - 1 }, 10), []);
    assert.equal((await causes.changesOf('web-1', always, 1)).length, 1);
    const a = changes.find(({ item }) => item === 'a');
    const b = changes.find(({ item }) => item === 'b');
    assert.ok(a !== undefined && b !== undefined && a.afterId !== null);
    const others = ['web-2', 'web-3', 'nobody'];
    assert.deepEqual([...(await causes.holders([a.afterId], others))], [[a.afterId, new Set(['web-2'])]]);
    assert.deepEqual([...(await causes.itemHolders([b.itemId], others))], [[b.itemId, new Set(['web-2', 'web-3'])]]);
    const [same, ...more] = await causes.changesOfItems([a.itemId], others, always);
    assert.deepEqual([same?.client, same?.afterId, same?.earliestAtMs, more], ['web-2', a.afterId, noonMs, []]);
    assert.equal(await causes.firstLook('web-3'), noonMs);
    assert.equal(await causes.firstLook('nobody'), null);
    const reports = [0, 1, 2].map((hour) => item({ client: 'web-1', observedAtMs: noonMs + hour * hourMs }));
    await opened.storage.reports.ingest(reports);
    const rows = (await causes.rowsUntil('web-1', noonMs + hourMs, 2)).map(({ atMs }) => atMs - noonMs);
    assert.deepEqual(rows, [hourMs, 0]);
    assert.deepEqual(await causes.rowsUntil('nobody', noonMs, 2), []);
  });

  it('give the times of changes without restless items, and the sections that are known', async (opened) => {
    const { causes } = opened.storage;
    for (let day = 0; day < 6; day++)
      await look(
        opened,
        'web-1',
        noonMs + day * dayMs,
        'file',
        `/etc/restless\t${day}`,
        `/etc/calm\t${day > 2 ? 1 : 0}`,
      );
    const calm = new Map([['web-1', [noonMs + 3 * dayMs]]]);
    assert.deepEqual(await causes.changeTimes(['web-1', 'web-2'], always, 5), calm);
    assert.equal((await causes.changeTimes(['web-1'], always, 6)).get('web-1')?.length, 5);
    assert.equal((await causes.changeTimes(['web-1'], always, null)).get('web-1')?.length, 5);
    const [restless] = (await causes.changesOf('web-1', always, 1)).map(({ itemId }) => itemId);
    assert.equal((await causes.itemTimes('web-1', [restless ?? 0], always)).get(restless ?? 0)?.length, 5);
    const failed = { kind: 'file' as StateKind, digest: '', error: 'no permission', lines: null };
    await opened.storage.reports.ingest([stateItem('web-1', noonMs + 7 * dayMs, [failed])]);
    await opened.storage.reports.ingest([stateItem('web-2', noonMs, [failed])]);
    const sections = await causes.sections(['web-1', 'web-2']);
    assert.deepEqual(sections.map(({ client, observedAtMs, error }) => [client, observedAtMs, error]).sort(), [
      ['web-1', noonMs + 5 * dayMs, 'no permission'],
      ['web-2', null, 'no permission'],
    ]);
  });

  it('know a package unchanged until the last visit with the same stamp', async (opened) => {
    const { reports, causes } = opened.storage;
    const visited = async (atMs: number, more: object): Promise<void> =>
      reports.saveVisits([visit({ client: 'web-1', runId: randomUUID(), startedAtMs: atMs, ...more })]);
    await look(opened, 'web-1', noonMs, 'package', 'a\t1');
    await look(opened, 'web-1', noonMs, 'mount', '/srv\t1');
    await visited(noonMs + hourMs, { stateSame: true });
    await visited(noonMs + 2 * hourMs, { stateSame: true });
    await visited(noonMs + 3 * hourMs, {});
    await look(opened, 'web-1', noonMs + 4 * hourMs, 'package', 'a\t2');
    await look(opened, 'web-1', noonMs + 4 * hourMs, 'mount', '/srv\t2');
    const changes = await causes.changesOf('web-1', always, 10);
    assert.deepEqual(
      new Map(changes.map(({ kind, earliestAtMs }) => [kind, (earliestAtMs - noonMs) / hourMs])),
      new Map([
        ['mount', 0],
        ['package', 2],
      ]),
    );
  });
});
