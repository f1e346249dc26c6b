import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readClientHistory } from '../../../src/look/data/client-history.ts';
import { chooseSeries } from '../../../src/look/data/client-series.ts';
import type { PlottedSeries } from '../../../src/look/page/encode-series.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/platform/units.ts';
import type { Grid, KnownSeries } from '../../../src/storage/store/look-store.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import { check, item, noonMs } from '../../storage/support/samples.ts';

const known = (metric: string, more: Partial<KnownSeries> = {}): KnownSeries => ({
  id: 1,
  metric,
  labels: '{}',
  unit: 'count',
  isVaried: true,
  ...more,
});

test('series that change are drawn before others, temperatures before figures, figures before samples', () => {
  const figure = (label: string, isVaried: boolean | null): KnownSeries =>
    known(`gpu ${label}`, { labels: JSON.stringify({ check: 'gpu', label }), isVaried });
  const { shown } = chooseSeries([
    known('apt_upgrades_pending'),
    figure('used', true),
    figure('temperature', true),
    figure('count', false),
    figure('rare', null),
  ]);
  assert.deepEqual(
    shown.map(({ plot, name }) => `${plot}/${name}`),
    ['gpu/temperature', 'gpu/used', 'apt_upgrades_pending/apt_upgrades_pending', 'gpu/rare', 'gpu/count'],
  );
});

test('a client has twelve plots and 24 lines of series at most, and the others are counted', () => {
  const disk = (index: number): KnownSeries =>
    known('smartmon_value', { id: index, labels: `{"disk":"/dev/sd${index}","type":"sat"}` });
  const lines = chooseSeries(Array.from({ length: 60 }, (_, index) => disk(index)));
  assert.deepEqual([lines.shown.length, lines.more], [24, 36]);
  assert.equal(lines.shown[0]?.name, 'disk /dev/sd0, type sat');
  const plots = chooseSeries(Array.from({ length: 20 }, (_, index) => known(`metric_${index}`, { id: index })));
  assert.deepEqual([plots.shown.length, plots.more], [12, 8]);
});

const reports = 12 * 24;
const untilMs = noonMs + 2 * dayMs;
/** Two days in steps of an hour: the first day from hourly rollups, the second from rows. */
const grid: Grid = { sinceMs: noonMs, stepMs: hourMs, points: 48, untilMs, sampleMs: 10 * minuteMs };
const unsentAt = (report: number): number => (report * 37) % 101;

async function fill({ reports: store, retention }: Storage): Promise<void> {
  await store.ingest(
    Array.from({ length: reports }, (_, report) =>
      item({
        observedAtMs: noonMs + report * 10 * minuteMs,
        // Only the second of three reports has a new result.
        checks: [
          check('mailq', 0, `OK | unsent=${unsentAt(report)} limit=200`, { age_s: report % 3 === 1 ? 0 : 600 }),
          check('load', 0, `OK | sent=${report * 60}c share=-5% queue=${report % 7}`),
        ],
      }),
    ),
  );
  const keep = { rawMs: dayMs, detailMs: dayMs, hourlyMs: 90 * dayMs, dailyMs: 900 * dayMs };
  assert.ok((await retention.prune({ nowMs: untilMs, ...keep }, AbortSignal.timeout(60_000))).stats > 0);
}

onEachDatabase('the series of a client', (kit) => {
  test('have the means of hours and of rows, also where a report of each step would have none', async () => {
    const { storage } = await kit.open();
    await fill(storage);
    const history = await readClientHistory(storage.plots, {
      client: 'web-1',
      grid,
      rules: [],
      alerts: [],
      changesMs: [],
    });
    const series = history.series.filter(({ group }) => group === 'series');
    assert.deepEqual(series.map(({ plot, name, unit }) => [plot, name, unit]).sort(), [
      ['load', 'queue', 'count'],
      ['load', 'sent', 'per_second'],
      ['load', 'share', 'percent'],
      ['mailq', 'limit', 'count'],
      ['mailq', 'unsent', 'count'],
    ]);
    assert.equal(history.moreSeries, 0);
    const valuesOf = (name: string): PlottedSeries['values'] => series.find((one) => one.name === name)?.values ?? [];
    assert.deepEqual(new Set(valuesOf('share')), new Set([-5]));
    const expected = Array.from(
      { length: grid.points },
      (_, hour) => (unsentAt(hour * 6 + 1) + unsentAt(hour * 6 + 4)) / 2,
    );
    assert.deepEqual(valuesOf('unsent'), expected);
    assert.deepEqual(
      (await storage.plots.knownSeries('web-1', grid)).map(({ metric, isVaried }) => [metric, isVaried]),
      [
        ['load queue', true],
        ['load sent', false],
        ['load share', false],
        // None of the sampled reports has a new result of this check.
        ['mailq limit', null],
        ['mailq unsent', null],
      ],
    );
  });

  test('are counted by client, without counters and those that ended before a day', async () => {
    const { storage } = await kit.open();
    await fill(storage);
    assert.deepEqual(await storage.plots.seriesCounts(['web-1', 'web-2'], noonMs), new Map([['web-1', 5]]));
    assert.deepEqual(await storage.plots.seriesCounts(['web-1'], untilMs + dayMs), new Map());
    assert.deepEqual(await storage.plots.knownSeries('web-2', grid), []);
  });
});
