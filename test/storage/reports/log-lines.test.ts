/** Lines of logs: from a report to `log_lines`, and to the predecessor's column. */
import assert from 'node:assert/strict';

import type { Row } from '../../../src/report/report.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item, noonMs, worker } from '../support/samples.ts';

const dayMs = 86_400_000;
const never = new AbortController().signal;
const limits = { nowMs: noonMs, rawMs: 30 * dayMs, detailMs: 2 * dayMs, hourlyMs: null, dailyMs: null };

const logged = (client: string, daysAgo: number, ...lines: readonly Row[]): ReturnType<typeof item> =>
  item({ client, observedAtMs: noonMs - daysAgo * dayMs, workers: [worker('log_line', ...lines)] });
const line = (text: string): Row => ({ time: '1795326068', priority: 'err', unit: 'sshd', text, times: 1 });

onEachDatabase('lines of logs', ({ it }) => {
  it('are stored with their time in UTC, and the predecessor reads their text', async ({ reports, history, rows }) => {
    const times = [
      '1795326068',
      '2026-11-22T06:41:08.25+01:00',
      'Nov 22 05:41:08',
      '2026-11-22T05:41:08',
      '9'.repeat(12),
    ];
    const lines = times.map((time, at) => ({ ...line(`line ${at}`), time }));
    await reports.ingest([logged('web-1', 0, ...lines), item({ client: 'web-2' })]);
    assert.deepEqual(await rows('SELECT ordinal, client, logged_at, priority, unit, text, times FROM log_lines'), [
      [0, 'web-1', '2026-11-22 05:41:08.000', 3, 'sshd', 'line 0', 1],
      [1, 'web-1', '2026-11-22 05:41:08.250', 3, 'sshd', 'line 1', 1],
      [2, 'web-1', null, 3, 'sshd', 'line 2', 1],
      [3, 'web-1', null, 3, 'sshd', 'line 3', 1],
      [4, 'web-1', null, 3, 'sshd', 'line 4', 1],
    ]);
    const read = await history.query('SELECT event_logs FROM collected_stats ORDER BY id');
    assert.deepEqual(
      read.map((row) => row['event_logs']),
      ['line 0\nline 1\nline 2\nline 3\nline 4', null],
    );
  });

  it('are counted: by the newest report, in series, and by the day', async ({ reports, detail, retention, rows }) => {
    const counted = (daysAgo: number, errors: number | null, count: number): ReturnType<typeof item> =>
      item({
        observedAtMs: noonMs - daysAgo * dayMs,
        workers: [
          worker('log', { source: 'journal', errors }),
          worker('log_match', { match: 'a"\u001b|b', priority: 'info', count }, { priority: 'err', count: -1 }),
        ],
      });
    await reports.ingest([counted(40, 1, 2), counted(40, 3, 4), counted(1, null, 6), counted(0, 12, 0)]);
    assert.deepEqual(await detail.logCountsOf('web-1'), [
      { metric: 'log_errors', labels: { source: 'journal' }, count: 12 },
      { metric: 'log_matches', labels: { match: 'a"\ufffd|b', priority: 'info' }, count: 0 },
    ]);
    assert.deepEqual(await detail.logCountsOf('nobody'), []);
    await retention.prune({ ...limits, dailyMs: 400 * dayMs }, never);
    const totals = await rows(
      'SELECT k.metric, d.value_mean * d.value_count FROM samples_daily d JOIN series k ON k.id = d.series_id ORDER ' +
        'BY k.metric',
    );
    assert.deepEqual(
      totals.map(([metric, total]) => `${String(metric)} ${Number(total)}`),
      ['log_errors 4', 'log_matches 6'],
    );
  });

  it('of any kind leave the report stored, the newest twenty of them', async ({ reports, rows }) => {
    const hostile: readonly Row[] = [
      { text: 'a', times: -1, priority: 'urgent', unit: 7, time: 'x' },
      { text: '\u{10ffff}\u001b]0;x\u0007<b>\u202e', times: 1e300, priority: 'emerg', time: '-1' },
      { text: "'; DROP TABLE stats; --", times: 1.6, time: '2026-13-01T00:00:00Z' },
      { text: 5 },
      { times: 3 },
      { text: '', unit: 'x'.repeat(255), times: null },
    ];
    const filler = Array.from({ length: 30 }, (_, at) => line(`old ${at}`));
    assert.deepEqual(
      (await reports.ingest([logged('web-1', 0, ...filler, ...hostile)])).map(({ kind }) => kind),
      ['stored'],
    );
    const stored = await rows('SELECT logged_at, priority, unit, text, times FROM log_lines ORDER BY ordinal');
    assert.equal(stored.length, 18);
    assert.deepEqual(stored.slice(-4), [
      [null, null, null, 'a', 1],
      [null, 0, null, '\u{10ffff}\u001b]0;x\u0007<b>\u202e', 2 ** 31 - 1],
      [null, null, null, "'; DROP TABLE stats; --", 2],
      [null, null, 'x'.repeat(255), '', 1],
    ]);
  });

  it('go after a time of their own, and with their rows', async ({ reports, retention, rows }) => {
    await reports.ingest([40, 20, 5, 0].map((days) => logged('web-1', days, line(`${days}`), line('more'))));
    const left = async (): Promise<unknown> =>
      (await rows('SELECT text FROM log_lines WHERE ordinal = 0 ORDER BY stat_id')).flat();
    await retention.prune(limits, never);
    assert.deepEqual(await left(), ['20', '5', '0']);
    await retention.prune({ ...limits, logsMs: 7 * dayMs }, never);
    assert.deepEqual(await left(), ['5', '0']);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM stats'), [[3]]);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM log_lines'), [[4]]);
  });

  it('go with their rows even if their own time is longer', async ({ reports, retention, rows }) => {
    await reports.ingest([40, 0].map((days) => logged('web-1', days, line(`${days}`))));
    await retention.prune({ ...limits, logsMs: 60 * dayMs }, never);
    assert.deepEqual(await rows('SELECT text FROM log_lines'), [['0']]);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM stats'), [[1]]);
  });

  it('follow their client to another name, and go with it', async ({ reports, retention, rows }) => {
    await reports.ingest([logged('old', 0, line('a')), logged('other', 0, line('b'))]);
    await retention.renameClient('old', 'new');
    assert.deepEqual(await rows('SELECT client FROM log_lines ORDER BY client'), [['new'], ['other']]);
    await retention.forgetClient('new', never);
    assert.deepEqual(await rows('SELECT client FROM log_lines'), [['other']]);
  });
});
