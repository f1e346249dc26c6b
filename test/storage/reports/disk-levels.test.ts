import assert from 'node:assert/strict';

import type { Row } from '../../../src/report/report.ts';
import type { IngestItem } from '../../../src/storage/store/storage.ts';
import { times } from '../../support/times.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { item, noonMs, worker } from '../support/samples.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const never = new AbortController().signal;

const mount = (more: Row = {}): Row => ({
  mount: '/',
  fstype: 'ext4',
  scope: 'local',
  mode: 'rw',
  size_bytes: 1000,
  used_bytes: 500,
  available_bytes: 400,
  inodes_percent: 10,
  unresponsive: 0,
  ...more,
});
const report = (atMs: number, disks: readonly Row[], client = 'web-1'): IngestItem =>
  item({ client, observedAtMs: atMs, workers: [worker('disk', ...disks)] });

const levelsSql = `SELECT client, day, mount, size_bytes, available_bytes, used_bytes, inodes_percent
  FROM disk_levels ORDER BY client, day, mount`;
const stored = async ({ rows }: Opened): Promise<unknown> =>
  (await rows(levelsSql)).map((row) => row.map((value) => (typeof value === 'number' ? value : String(value))));

onEachDatabase('levels of mounts', ({ it }) => {
  it('are apart for names that differ in the blanks at their end', async (opened) => {
    const mounts = ['/a', '/a ', '/a  '].map((name, at) => mount({ mount: name, used_bytes: at }));
    await opened.storage.reports.ingest([report(noonMs, mounts)]);
    assert.equal((await opened.rows('SELECT DISTINCT mount FROM disk_levels')).length, 3);
  });

  it('are the greatest of each day, with the space of its newest report, in any order', async (opened) => {
    const day = [
      report(noonMs, [mount({ used_bytes: 500, available_bytes: 400, inodes_percent: 10 })]),
      report(noonMs + hourMs, [mount({ used_bytes: 800, available_bytes: 100, inodes_percent: 9 })]),
      report(noonMs + 2 * hourMs, [mount({ used_bytes: 600, available_bytes: 300, inodes_percent: null })]),
      report(noonMs + dayMs, [mount({ size_bytes: 2000, used_bytes: 600, available_bytes: 1300 })]),
    ];
    const expected = [
      ['web-1', '2026-11-20', '/', 1000, 300, 800, 10],
      ['web-1', '2026-11-21', '/', 2000, 1300, 600, 10],
    ];
    await opened.reports.ingest(day);
    assert.deepEqual(await stored(opened), expected);
    const backwards = [3, 1, 2, 0].map((index) => ({ ...day[index]?.report, client: 'web-2' }));
    for (const [index, own] of backwards.entries()) {
      const one = day[[3, 1, 2, 0][index] ?? 0];
      assert.ok(one !== undefined);
      const again = report(one.observedAtMs, own.worker_reports?.[0]?.function_reports[0]?.data ?? [], 'web-2');
      await opened.reports.ingest([again, again]);
    }
    const [, , ...others] = (await stored(opened)) as readonly unknown[];
    assert.deepEqual(
      others,
      expected.map(([, ...row]) => ['web-2', ...row]),
    );
  });

  it('leave out what no growth fills', async (opened) => {
    const disks = [
      mount({ mount: '/nfs', scope: 'network', fstype: 'nfs4' }),
      mount({ mount: '/ro', mode: 'ro' }),
      mount({ mount: '/gone', mode: 'missing' }),
      mount({ mount: '/tmp', fstype: 'tmpfs' }),
      mount({ mount: '/snap', fstype: 'squashfs' }),
      mount({ mount: '/hangs', used_bytes: null, inodes_percent: null, unresponsive: 1 }),
    ];
    await opened.reports.ingest([report(noonMs, [...disks, mount({ mount: '/data' })])]);
    assert.deepEqual(await stored(opened), [['web-1', '2026-11-20', '/data', 1000, 400, 500, 10]]);
  });

  it('are of 64 mounts of a client and day, whatever names it sends', async (opened) => {
    const named = (prefix: string, count: number): readonly Row[] =>
      times(count, (index) => mount({ mount: `/${prefix}${index}` }));
    await opened.reports.ingest([report(noonMs, named('a', 40))]);
    await opened.reports.ingest([report(noonMs + hourMs, named('b', 40)), report(noonMs + dayMs, named('b', 3))]);
    await opened.reports.ingest([report(noonMs + 2 * hourMs, [mount({ mount: '/a1', used_bytes: 900 })])]);
    const perDay = 'SELECT COUNT(*) AS mounts, MAX(used_bytes) AS most FROM disk_levels GROUP BY day ORDER BY day';
    assert.deepEqual(await opened.rows(perDay), [
      [64, 900],
      [3, 500],
    ]);
  });

  it('are read by the day up to today, of all clients or some', async (opened) => {
    const nowMs = await opened.nowMs();
    const todayMs = Math.floor(nowMs / dayMs) * dayMs;
    await opened.reports.ingest([
      report(todayMs + 1, [mount({ used_bytes: 700 })]),
      report(todayMs - 2 * dayMs, [mount({ used_bytes: 500, size_bytes: null })]),
      report(todayMs - 3 * dayMs, [mount({ used_bytes: 400 })]),
      report(todayMs + dayMs, [mount({ used_bytes: 999 })]),
      report(todayMs + dayMs, [mount()], 'of-tomorrow'),
      report(todayMs + 1, [mount({ mount: '/data', inodes_percent: null })], 'web-2'),
    ]);
    const { levels } = opened.storage;
    const all = await levels.levels(null, 3, never);
    assert.equal(all.todayMs, todayMs);
    assert.equal(all.mounts.length, 2);
    const [one, other] = all.mounts;
    assert.deepEqual([one?.client, one?.mount, other?.client, other?.mount], ['web-1', '/', 'web-2', '/data']);
    assert.deepEqual([...(one?.usedBytes ?? [])], [500, Number.NaN, 700]);
    assert.deepEqual([...(one?.sizeBytes ?? [])], [Number.NaN, Number.NaN, 1000]);
    assert.deepEqual([...(one?.availableBytes ?? [])], [400, Number.NaN, 400]);
    assert.deepEqual([...(one?.inodesPercent ?? [])], [10, Number.NaN, 10]);
    assert.deepEqual([...(other?.inodesPercent ?? [])], [Number.NaN, Number.NaN, Number.NaN]);
    const some = await levels.levels(['web-2', 'nobody'], 3, never);
    assert.deepEqual(
      some.mounts.map(({ client }) => client),
      ['web-2'],
    );
    await assert.rejects(levels.levels(null, 3, AbortSignal.abort(new Error('enough'))), /enough/);
  });

  it('are read in pages that a client may straddle', async (opened) => {
    const todayMs = Math.floor((await opened.nowMs()) / dayMs) * dayMs;
    const mounts = times(64, (index) => mount({ mount: `/m${index}` }));
    await opened.reports.ingest(times(65, (index) => report(todayMs, mounts, `client-${index}`)));
    const { mounts: read } = await opened.storage.levels.levels(null, 2, never);
    assert.equal(read.length, 65 * 64);
    assert.equal(new Set(read.map((one) => `${one.client} ${one.mount}`)).size, 65 * 64);
    assert.ok(read.every(({ usedBytes }) => usedBytes[1] === 500));
  });

  it('go with their client, follow its new name, and are removed after 130 days', async (opened) => {
    const { reports, retention } = opened;
    const nowMs = await opened.nowMs();
    const old = times(20, (index) => report(nowMs - 131 * dayMs, [mount()], `c${index}`));
    await reports.ingest([...old, report(nowMs - 130 * dayMs, [mount()], 'c1')]);
    await reports.ingest([report(nowMs, [mount({ used_bytes: 1 })], 'a'), report(nowMs, [mount()], 'b')]);
    await reports.ingest([report(nowMs - dayMs, [mount({ used_bytes: 2 })], 'a'), report(nowMs, [mount()], 'c')]);
    assert.equal(await retention.renameClient('a', 'b'), true);
    assert.equal(await retention.forgetClient('c', never), true);
    const limits = { nowMs, rawMs: 400 * dayMs, detailMs: 400 * dayMs, hourlyMs: null, dailyMs: null };
    await retention.prune(limits, never);
    const left = await opened.rows('SELECT client, used_bytes FROM disk_levels ORDER BY client, day');
    assert.deepEqual(left, [
      ['b', 2],
      ['b', 500],
      ['c1', 500],
    ]);
  });
});
