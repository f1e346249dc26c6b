// Second tier: a history larger than a batch.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { escapeControls } from '../../../src/platform/errors/log.ts';
import { csvCell, csvHistory } from '../../../src/look/metrics/export-csv.ts';
import { jsonlHistory } from '../../../src/look/metrics/export-jsonl.ts';
import { openMetricsHistory } from '../../../src/look/metrics/export-openmetrics.ts';
import type { HistoryOptions } from '../../../src/look/metrics/history.ts';
import { onEachDatabase, type Opened } from '../../storage/support/databases.ts';
import { check, item, noonMs, ordinaryWorkers, worker } from '../../storage/support/samples.ts';
import { scrape } from './support/exposition.ts';
import { codePoint } from '../../support/code-points.ts';

const [hourMs, dayMs] = [3_600_000, 86_400_000];
const groups = ['client', 'check', 'disk', 'network', 'series'] as const;
const signal = AbortSignal.timeout(120_000);

const spanOf = ({ storage }: Opened, more: Partial<HistoryOptions> = {}): HistoryOptions => ({
  storage,
  clients: ['db', 'web-1'],
  sinceMs: noonMs - 40 * dayMs,
  untilMs: noonMs + 1,
  signal,
  onProgress: () => undefined,
  ...more,
});

async function joined(chunks: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk;
  return text;
}

const textfile = (value: number) => ({
  ...check('textfile:/f', 0, `stale=60\nfile=0 a.prom\n+=1\n+m{client="c",b="=1"} ${value}\n+n_total ${value}`),
  format: 'textfile' as const,
});

const cpuAt = (observedAtMs: number, percent: number, more: Partial<Parameters<typeof item>[0]> = {}) =>
  item({
    observedAtMs,
    checks: [
      check('mailq', percent % 3, `"queue" of ${percent} | unsent=${percent};50`),
      check('disk', 0, '=1+1'),
      textfile(percent),
    ],
    workers: ordinaryWorkers().map((one) =>
      one.name === 'cpu' ? worker('cpu', { used_percent: percent, cpus: 4, interval_s: 300 }) : one,
    ),
    ...more,
  });

/**
 * Makes 30 days of a client with a report every six hours, stored as days, then as hours from within a day on, then as
 * rows. Returns the number of reports.
 */
async function aged({ storage }: Opened): Promise<number> {
  const items = Array.from({ length: 120 }, (_, index) => cpuAt(noonMs - index * 6 * hourMs, index % 100));
  await storage.reports.ingest(items);
  const limits = { nowMs: noonMs, rawMs: 5 * dayMs, detailMs: dayMs, hourlyMs: 90 * dayMs, dailyMs: 90 * dayMs };
  await storage.retention.prune(limits, signal);
  await storage.retention.prune({ ...limits, hourlyMs: 15 * dayMs + hourMs }, signal);
  return items.length;
}

onEachDatabase('the history', (kit) => {
  test('has each report once, as a row, in its hour or in its day, and says which', async () => {
    const opened = await kit.open();
    const reports = await aged(opened);
    const lines = (await joined(csvHistory(spanOf(opened), 'client'))).split('\r\n').slice(1, -1);
    const cells = lines.map((line) => line.split(','));
    assert.deepEqual([...new Set(cells.map(([, , resolution]) => resolution))], ['"day"', '"hour"', '"row"']);
    assert.equal(
      cells.reduce((sum, [, , , samples]) => sum + Number(samples), 0),
      reports,
    );
    const sorted = await opened.rows("SELECT COUNT(*) AS n FROM stats WHERE client = 'web-1'");
    assert.equal(cells.filter(([, , resolution]) => resolution === '"row"').length, Number(sorted[0]?.[0]));
  });

  test('of checks is their states with texts and figures, and of hours and days the worst state', async () => {
    const opened = await kit.open();
    const reports = await aged(opened);
    const lines = (await joined(csvHistory(spanOf(opened), 'check'))).split('\r\n').slice(0, -1);
    assert.equal(
      lines[0],
      '"client","observed_at","resolution","samples","check_name","text","perfdata","age_s","refused","state"',
    );
    const of = (resolution: string): readonly string[] =>
      lines.filter((line) => line.includes(`,"${resolution}",`) && line.includes('"mailq"'));
    assert.match(of('row').at(-1) ?? '', /,"row",1,"mailq","""queue"" of 0","unsent=0;50",0,0,0$/);
    assert.match(lines.findLast((line) => line.includes('"disk"')) ?? '', /"disk","'=1\+1","",0,0,0$/);
    // The first day has two reports, of which the worse is a WARNING.
    assert.match(of('day')[0] ?? '', /,"day",2,"mailq",,,,,1$/);
    for (const line of of('day').slice(1)) assert.match(line, /^"web-1","[^"]+","day",4,"mailq",,,,,2$/);
    const counted = [...of('day'), ...of('hour'), ...of('row')].map((line) => Number(line.split(',')[3]));
    assert.equal(
      counted.reduce((sum, samples) => sum + samples, 0),
      reports,
    );
    const scraped = scrape(await joined(openMetricsHistory(spanOf(opened), ['check'])));
    assert.deepEqual(
      [...new Set(scraped.map(({ name }) => name))],
      ['fleet_health_check_state', 'fleet_health_check_value'],
    );
    const states = scraped.filter(({ name }) => name === 'fleet_health_check_state');
    const days = states.filter(({ labels }) => labels['check'] === 'mailq' && labels['resolution'] === 'day');
    assert.deepEqual(
      days.map(({ value }) => value),
      [1, ...Array.from({ length: days.length - 1 }, () => 2)],
    );
    const [line = ''] = (await joined(jsonlHistory(spanOf(opened), ['check']))).trimEnd().split('\n').slice(-1);
    const { check_stats: checks } = JSON.parse(line) as { check_stats: Record<string, unknown>[] };
    const row = { text: '"queue" of 0', perfdata: 'unsent=0;50', age_s: 0, refused: 0, state: 0 };
    assert.deepEqual(checks[0], { check_name: 'mailq', ...row });
  });

  test('of series is each sample once, with the mean of hours and days', async () => {
    const opened = await kit.open();
    const reports = await aged(opened);
    const lines = (await joined(csvHistory(spanOf(opened), 'series'))).split('\r\n').slice(0, -1);
    assert.equal(lines[0], '"client","observed_at","resolution","samples","metric","labels","unit","value"');
    const of = (metric: string): readonly string[] => lines.filter((line) => line.includes(`"${metric}"`));
    const m = of('m').map((line) => line.split(','));
    assert.equal(
      m.reduce((sum, [, , , samples]) => sum + Number(samples), 0),
      reports,
    );
    assert.match(of('m').at(-1) ?? '', /,"row",1,"m","\{""b"":""=1"",""client"":""c""\}","count",0$/);
    assert.match(of('mailq unsent')[1] ?? '', /,"day",4,"mailq unsent",".*","count",\d+(\.5)?$/);
    const scraped = scrape(await joined(openMetricsHistory(spanOf(opened), ['check', 'series'])));
    const rows = scraped.filter(({ labels }) => labels['metric'] === 'm' && labels['resolution'] === undefined);
    const stored = await opened.rows("SELECT cpu_percent FROM stats WHERE client = 'web-1' ORDER BY observed_at");
    assert.deepEqual(
      rows.map(({ value }) => value),
      stored.map(([value]) => value),
    );
    assert.deepEqual(rows[0]?.labels, { client: 'web-1', metric: 'm', b: '=1', exported_client: 'c' });
    const unsent = scraped.filter(({ name }) => name === 'fleet_health_check_value');
    assert.deepEqual(unsent.find(({ labels }) => labels['label'] === 'unsent')?.labels, {
      client: 'web-1',
      check: 'mailq',
      label: 'unsent',
      resolution: 'day',
    });
    const [last = ''] = (await joined(jsonlHistory(spanOf(opened), ['series']))).trimEnd().split('\n').slice(-1);
    const { samples } = JSON.parse(last) as { samples: Record<string, unknown>[] };
    assert.deepEqual(
      samples.find(({ metric }) => metric === 'm'),
      {
        metric: 'm',
        labels: '{"b":"=1","client":"c"}',
        unit: 'count',
        value: 0,
      },
    );
  });

  test('of a figure that changes its unit is that of the newer one', async () => {
    const opened = await kit.open();
    const said = (perfdata: string, days: number) =>
      item({ observedAtMs: noonMs - days * dayMs, checks: [check('x', 0, `|y=${perfdata}`)] });
    await opened.storage.reports.ingest([said('1s', 2), said('2B', 1), said('3B', 0)]);
    const scraped = scrape(await joined(openMetricsHistory(spanOf(opened), ['check'])));
    const values = scraped.filter(({ name }) => name === 'fleet_health_check_value');
    assert.deepEqual(
      values.map(({ value }) => value),
      [2, 3],
    );
  });

  test('as OpenMetrics is a family after the other, each series in the order of time', async () => {
    const opened = await kit.open();
    await aged(opened);
    const text = await joined(openMetricsHistory(spanOf(opened), groups));
    assert.equal(text, await joined(openMetricsHistory(spanOf(opened), groups)));
    assert.ok(text.endsWith('\n# EOF\n'));
    const scraped = scrape(text);
    const seen: string[] = [];
    let before = { series: '', time: 0 };
    for (const { name, labels, time } of scraped) {
      const series = `${name} ${JSON.stringify(labels)}`;
      if (series !== before.series) {
        assert.ok(!seen.includes(series), `${series} twice`);
        seen.push(series);
      } else assert.ok((time ?? 0) > before.time, series);
      before = { series, time: time ?? 0 };
    }
    const heads = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    assert.deepEqual([...new Set(scraped.map(({ name }) => name))], heads);
    const cpu = scraped.filter(({ name, labels }) => name === 'fleet_health_cpu_used_ratio' && !labels['resolution']);
    const stored = await opened.rows("SELECT cpu_percent FROM stats WHERE client = 'web-1' ORDER BY observed_at");
    assert.deepEqual(
      cpu.map(({ value }) => value * 100).map(Math.round),
      stored.map(([value]) => value),
    );
    assert.equal(cpu.at(-1)?.time, noonMs / 1000);
    const means = scraped.filter(({ labels }) => labels['resolution'] === 'hour' && labels['mount'] === '/data');
    assert.ok(means.some(({ name, value }) => name === 'fleet_health_filesystem_used_ratio' && value === 0.915));
    assert.ok(scraped.every(({ name, labels }) => !name.endsWith('boot_time_seconds') || !labels['resolution']));
  });

  test('as JSON is a report a line with its mounts and interfaces, by the names of the tables', async () => {
    const opened = await kit.open();
    await aged(opened);
    const text = await joined(jsonlHistory(spanOf(opened), groups));
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const [day, hour, row] = ['day', 'hour', 'row'].map((one) =>
      lines.findLast(({ resolution }) => resolution === one),
    );
    assert.deepEqual([day?.['client'], day?.['samples'], day?.['cpu_percent_count']], ['web-1', 4, 4]);
    assert.match(String(hour?.['hour']), /^2026-11-\d\dT\d\d:00:00\.000Z$/);
    const mounts = (of: unknown): readonly unknown[] => (of as { mount: string }[]).map(({ mount }) => mount).sort();
    assert.deepEqual(mounts(day?.['disk_stats_daily']), ['/', '/boot', '/data']);
    assert.deepEqual(mounts(hour?.['disk_stats_hourly']), ['/', '/boot', '/data']);
    assert.deepEqual(mounts(row?.['disk_stats']), ['/', '/boot', '/data']);
    const [network] = (row?.['network_stats'] ?? []) as Record<string, unknown>[];
    assert.deepEqual([network?.['interface'], network?.['rx_bytes_per_s']], ['eth0', 1024.5]);
    const some = await joined(jsonlHistory(spanOf(opened), ['network']));
    assert.deepEqual(Object.keys(JSON.parse(some.split('\n').at(-2) ?? '') as object), [
      'client',
      'resolution',
      'observed_at',
      'network_stats',
    ]);
  });

  test('is read in pages: more reports than one page, at one time', async () => {
    const opened = await kit.open();
    const items = Array.from({ length: 2100 }, (_, index) =>
      cpuAt(noonMs - 3000 + Math.floor(index / 3), 7, { checks: [] }),
    );
    for (let start = 0; start < items.length; start += 500) {
      await opened.storage.reports.ingest(items.slice(start, start + 500));
    }
    const lines = async (of: 'client' | 'disk'): Promise<number> =>
      (await joined(csvHistory(spanOf(opened), of))).split('\r\n').length - 2;
    assert.deepEqual([await lines('client'), await lines('disk')], [2100, 6300]);
    const text = await joined(openMetricsHistory(spanOf(opened), ['client']));
    // The first of several reports in one millisecond counts.
    assert.equal(scrape(text).filter(({ name }) => name === 'fleet_health_cpu_used_ratio').length, 700);
  });

  test('ends where the span ends, and at a signal', async () => {
    const opened = await kit.open();
    await opened.storage.reports.ingest([cpuAt(noonMs - hourMs, 1), cpuAt(noonMs, 2), cpuAt(noonMs + 1, 3)]);
    const text = await joined(csvHistory(spanOf(opened, { sinceMs: noonMs, untilMs: noonMs + 1 }), 'client'));
    assert.equal(text.split('\r\n').length, 3);
    const aborted = spanOf(opened, { signal: AbortSignal.abort(new Error('enough')) });
    await assert.rejects(joined(csvHistory(aborted, 'client')), /enough/);
  });
});

/** Reads a cell as RFC 4180 defines it. */
function readCell(cell: string): string {
  assert.match(cell, /^"(?:[^"]|"")*"$/s);
  return cell.slice(1, -1).replaceAll('""', '"');
}

test('no text is a formula in a spreadsheet or moves a terminal, and no two texts are one', () => {
  const start = fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', "'", '＝', '＋', '－', '＠', '');
  fc.assert(
    fc.property(start, fc.string({ unit: codePoint }), (first, rest) => {
      const text = `${first}${rest}`;
      const read = readCell(csvCell(text));
      assert.doesNotMatch(read, /^[=+\-@＝＋－＠]|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      assert.equal(read.startsWith("'") ? read.slice(1) : read, escapeControls(text));
    }),
    { numRuns: 1000 },
  );
  assert.deepEqual([csvCell('=1+1'), csvCell('a"b'), csvCell(-0.5), csvCell(null)], [`"'=1+1"`, '"a""b"', '-0.5', '']);
});
