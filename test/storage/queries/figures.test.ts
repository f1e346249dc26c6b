/** Newest reports and pages of stored figures: their bounds, their order, and their limits. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { hourMs, minuteMs } from '../../../src/platform/units.ts';
import type { FigurePage, FigureSpan, FigureSubject } from '../../../src/storage/store/figure-store.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { check, item, noonMs, runEnd, runStart, visit, worker } from '../support/samples.ts';

const disk = (mount: string, fstype: string | null) => ({
  ...{ mount, scope: 'local', mode: 'rw', used_percent: 50, size_bytes: 1000 },
  ...(fstype === null ? {} : { fstype }),
});

/** Returns a report a minute after the last one, received a second later. */
const report = (client: string, minutes: number, mounts: readonly (readonly [string, string | null])[] = []) =>
  item({
    client,
    observedAtMs: noonMs + minutes * minuteMs,
    receivedAtMs: noonMs + minutes * minuteMs + 1000,
    id: [client, minutes, ...mounts.map(([, fstype]) => fstype)].join(' '),
    workers: [
      worker('cpu', { used_percent: minutes, cpus: 4, interval_s: 300 }),
      worker('disk', ...mounts.map(([mount, fstype]) => disk(mount, fstype))),
    ],
    checks: [check('b', 0, 'OK | x=1 y=2'), check('a', 2, 'bad'), check('c', 0, 'OK | z=3')],
  });

onEachDatabase('stored figures', (kit) => {
  let opened: Opened;
  before(async () => {
    opened = await kit.open('suite');
    const { reports } = opened;
    await reports.saveVisits([visit({ client: 'c', address: '192.0.2.3', ok: false, stage: 'connect' })]);
    // The ids of the rows: 1 to 6.
    for (const one of [
      report('b', 0, [['/', 'ext4']]),
      report('a', 1, [
        ['/var', 'xfs'],
        ['/', null],
      ]),
      report('a', 2, [['/', 'ext4']]),
      report('a', 2, [['/', 'btrfs']]),
      report('a', 4),
      report('b', 3),
    ])
      await reports.ingest([one]);
  });

  test('the newest report of each client stands beside the client, by name', async () => {
    const { figures } = opened.storage;
    const newest = await figures.newestReports(['cpu_percent']);
    assert.deepEqual(
      newest.map(({ client, address, lastReportAtMs, consecutiveFailures, statId, observedAtMs, row }) => [
        ...[client, address, consecutiveFailures, statId, row['cpu_percent']],
        ...[lastReportAtMs, observedAtMs].map((atMs) => (atMs === null ? null : (atMs - noonMs) / minuteMs)),
      ]),
      [
        ['a', null, 0, 5, 4, 4, 4],
        ['b', null, 0, 6, 3, 3, 3],
        ['c', '192.0.2.3', 1, null, null, null, null],
      ],
    );
    const since = async (minutes: number) =>
      (await figures.newestSince(['cpu_percent'], noonMs + minutes * minuteMs)).map(({ client, statId, row }) =>
        [client, statId, row['cpu_percent']].join(' '),
      );
    assert.deepEqual(await since(3), ['a 5 4', 'b 6 3']);
    assert.deepEqual(await since(4), ['a 5 4']);
  });

  test('the newest reports of some clients come newest first, at most so many of each', async () => {
    const { figures } = opened.storage;
    const asked = { columns: ['cpu_percent'], sinceMs: noonMs + minuteMs };
    const recent = async (clients: readonly string[], limit: number) =>
      (await figures.recentReports({ ...asked, clients, limit })).map(({ client, statId }) => `${client}${statId}`);
    assert.deepEqual(await recent(['a', 'b'], 3), ['a5', 'a4', 'a3', 'b6']);
    assert.deepEqual(await recent(['a', 'c'], 9), ['a5', 'a4', 'a3', 'a2']);
  });

  test('subjects of reports are counted, and listed in the order of their report', async () => {
    const { figures } = opened.storage;
    assert.equal(await figures.countSubjects('disk_stats', [2, 4, 6]), 3);
    assert.equal(await figures.countSubjects('disk_stats', []), 0);
    assert.equal(await figures.countCheckValues([1, 2]), 6);
    assert.deepEqual(await figures.subjects('disk_stats', [2, 4], ['fstype', 'mount']), [
      { stat_id: 2, mount: '/var', fstype: 'xfs' },
      { stat_id: 2, mount: '/', fstype: null },
      { stat_id: 4, mount: '/', fstype: 'btrfs' },
    ]);
    const checks = await figures.subjects('check_stats', [5, 6], []);
    assert.deepEqual(
      checks.map((row) => Object.values(row).join(' ')),
      ['5 b', '5 a', '5 c', '6 b', '6 a', '6 c'],
    );
  });

  test('subjects of a span are each mount with each file system, by name; clients have none', async () => {
    const { exports } = opened.storage;
    const span = {
      client: 'a',
      resolution: 'row',
      sinceMs: noonMs + minuteMs,
      untilMs: noonMs + 2 * minuteMs,
    } as const;
    const words = (subjects: readonly FigureSubject[]) => subjects.map(({ name, fstype }) => `${name} ${fstype}`);
    const of = async (table: FigureSpan['table'], untilMs = span.untilMs) =>
      words(await exports.subjectsBetween({ ...span, table, untilMs }));
    assert.deepEqual(await of('disk_stats'), ['/ ', '/var xfs']);
    assert.deepEqual(await of('disk_stats', noonMs + hourMs), ['/ ', '/ btrfs', '/ ext4', '/var xfs']);
    assert.deepEqual(await of('check_stats'), ['a ', 'b ', 'c ']);
    assert.deepEqual(await of('stats'), []);
  });

  /** Returns the ids of the reports in each page of a span. */
  const pages = async (more: Partial<FigureSpan>, limit: number): Promise<readonly string[]> => {
    const span = { client: 'a', table: 'stats', resolution: 'row', columns: [], subject: null, ...more } as const;
    const found: string[] = [];
    for (let after: FigurePage['next'] = null; ;) {
      const whole = { ...span, sinceMs: noonMs + minuteMs, untilMs: noonMs + 4 * minuteMs };
      const { rows, next }: FigurePage = await opened.storage.exports.page(whole, after, limit);
      found.push(rows.map((row) => [row['id'] ?? row['stat_id'], row['mount']].join('')).join(' '));
      if (next === null) return found;
      after = next;
    }
  };

  test('pages go on behind the last row, also among rows of one time, and end with the span', async () => {
    assert.deepEqual(await pages({}, 9), ['2 3 4']);
    assert.deepEqual(await pages({}, 3), ['2 3 4', '']);
    assert.deepEqual(await pages({}, 2), ['2 3', '4']);
    assert.deepEqual(await pages({}, 1), ['2', '3', '4', '']);
    const mounts = { table: 'disk_stats', columns: ['mount'] } as const;
    assert.deepEqual(await pages(mounts, 1), ['2/var', '2/', '3/', '4/', '']);
    assert.deepEqual(await pages({ ...mounts, subject: { name: '/', fstype: '' } }, 9), ['2/']);
    assert.deepEqual(await pages({ ...mounts, subject: { name: '/', fstype: 'ext4' } }, 9), ['3/']);
    assert.deepEqual(await pages({ table: 'check_stats', subject: { name: 'a', fstype: '' } }, 9), ['2 3 4']);
  });

  test('whole reports behind a row end before the first one that arrived too late', async () => {
    const { exports } = opened.storage;
    const behind = async (statId: number, more: object = {}) => {
      const asked = { statId, sinceMs: noonMs, receivedUntilMs: noonMs + hourMs, limit: 9, ...more };
      return (await exports.reportsBehind(asked)).map((one) => `${one.client}${one.statId}`);
    };
    assert.deepEqual(await behind(0), ['b1', 'a2', 'a3', 'a4', 'a5', 'b6']);
    assert.deepEqual(await behind(4), ['a5', 'b6']);
    assert.deepEqual(await behind(0, { limit: 2 }), ['b1', 'a2']);
    assert.deepEqual(await behind(0, { sinceMs: noonMs + 2 * minuteMs }), ['a3', 'a4', 'a5', 'b6']);
    const fourMs = noonMs + 4 * minuteMs + 1000;
    assert.deepEqual(await behind(3, { receivedUntilMs: fourMs }), ['a4', 'a5', 'b6']);
    assert.deepEqual(await behind(3, { receivedUntilMs: fourMs - 1 }), ['a4']);
    const [whole] = await exports.reportsBehind({ statId: 4, sinceMs: 0, receivedUntilMs: noonMs + hourMs, limit: 1 });
    assert.deepEqual([whole?.observedAtMs, whole?.report.report_id], [noonMs + 4 * minuteMs, 'a 4']);
    assert.equal(await exports.lastStatId(), 6);
  });

  test('the last finished run is a full one of the program, by no collector of those left out', async () => {
    const { reports, figures } = opened.storage;
    const run = async (minutes: number, start: object = {}, outcome: 'finished' | 'interrupted' = 'finished') => {
      const begun = runStart({ startedAtMs: noonMs + minutes * minuteMs, ...start });
      await reports.saveRuns([{ start: begun, end: runEnd(begun, { outcome, failed: minutes }) }]);
    };
    assert.equal(await figures.lastFinished('collect'), null);
    await run(1, { collectorId: 'other' });
    await run(2);
    await run(1, { collectorId: 'third' });
    await run(3, { scope: 'filtered' });
    await run(4, {}, 'interrupted');
    await run(5, { program: 'alert' });
    const last = await figures.lastFinished('collect');
    assert.deepEqual(last, {
      ...{ startedAtMs: noonMs + 2 * minuteMs, finishedAtMs: noonMs + 2 * minuteMs + 5000 },
      ...{ succeeded: 2, failed: 2, skipped: 0 },
    });
    const others = await figures.lastFinished('collect', new Set(['collector-1', 'third']));
    assert.equal(others?.failed, 1);
    assert.equal((await figures.lastFinished('alert'))?.failed, 5);
  });

  test('the kind of a client is that of its newest inventory', async () => {
    const { reports, figures } = opened.storage;
    const inventory = (client: string, minutes: number, release: string) =>
      item({
        ...{ client, name: 'Inventory report', id: `${client} ${release}`, observedAtMs: noonMs + minutes * minuteMs },
        workers: [
          worker('os_release', { distribution: 'Debian', release, kernel: '6', architecture: 'x86_64' }),
          worker('cpu_model', { threads: 8 }),
          worker('system', { memory_bytes: 1e9 }),
        ],
      });
    for (const one of [inventory('b', 1, '11'), inventory('a', 2, '13'), inventory('a', 1, '12')])
      await reports.ingest([one]);
    const kind = { os: 'Debian', kernel: '6', architecture: 'x86_64', cpus: 8, memoryBytes: 1e9 };
    assert.deepEqual(await figures.inventoryKinds(), [
      { client: 'a', osVersion: '13', ...kind },
      { client: 'b', osVersion: '11', ...kind },
    ]);
  });
});
