import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Rule } from '../../../src/config/config.ts';
import { readClientHistory } from '../../../src/look/data/client-history.ts';
import { readHistories } from '../../../src/look/data/histories.ts';
import { decodeHistory } from '../../../src/look/page/browser/decode-series.ts';
import { hourMs, minuteMs, secondMs } from '../../../src/platform/units.ts';
import { stateDigest } from '../../../src/report/state/state.ts';
import type { Grid } from '../../../src/storage/store/look-store.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import { item, noonMs, worker } from '../../storage/support/samples.ts';
import { stateItem } from '../../storage/support/state-samples.ts';

const grid: Grid = { sinceMs: noonMs, stepMs: hourMs, points: 6, untilMs: noonMs + 6 * hourMs, sampleMs: null };
/** CPU, memory and uptime in seconds, by minute. The machine was booted at minutes 140 and 290. */
const reports: readonly (readonly [minute: number, cpu: number, memory: number, uptimeS: number])[] = [
  [0, 10, 40, 86_400],
  [30, 30, 50, 88_200],
  [60, 20, 41, 90_000],
  [90, 21, 43, 91_800],
  [120, 90, 42, 93_600],
  [150, 50, 44, 600],
  // The fourth hour has no report.
  [240, 5, 45, 6_000],
  [270, 7, 47, 7_800],
  [300, 1, 46, 600],
  [330, 4, 48, 2_400],
];

const rule = (more: Partial<Rule>): Rule =>
  ({
    metric: null,
    type: 'cpu',
    op: 'ge',
    selectors: {},
    warning: null,
    critical: null,
    freeBytes: null,
    ...more,
  }) as Rule;
const rules = [
  rule({ name: 'cpu', warning: 80, critical: 95 }),
  rule({ type: 'memory', critical: 90 }),
  // None of these rules is a limit of a single plotted line.
  rule({ name: 'disk', type: 'disk', critical: 90, selectors: { mount: '/data' } }),
  rule({ type: 'disk', warning: 80, freeBytes: 1e9 }),
  rule({ type: 'memory', op: 'le', warning: 1 }),
  rule({ type: 'load', warning: 4 }),
];

onEachDatabase('the history of a client', (kit) => {
  test('has the least and the greatest CPU of hours, boots once each, limits, and alerts as spans', async () => {
    const { reports: store, plots } = (await kit.open()).storage;
    await store.ingest(
      reports.map(([minute, cpu, memory, seconds]) =>
        item({
          observedAtMs: noonMs + minute * minuteMs,
          workers: [
            worker('cpu', { used_percent: cpu, cpus: 4, interval_s: 300 }),
            worker('memory', { used_percent: memory }),
            worker('uptime', { seconds }),
          ],
        }),
      ),
    );
    const alerts = [
      alert({ rule: 'cpu', subject: '', severity: 'warning', pendingSinceMs: noonMs - hourMs, resolvedAtMs: noonMs }),
      alert({ pendingSinceMs: noonMs + 2 * hourMs + 499, resolvedAtMs: null }),
    ];
    const history = await readClientHistory(plots, { client: 'web-1', grid, rules, alerts, changesMs: [] });
    const valuesOf = (group: string, name: string): unknown =>
      history.series.find((one) => one.group === group && one.name === name)?.values;
    assert.deepEqual(valuesOf('cpu', 'least'), [10, 20, 50, null, 5, 1]);
    assert.deepEqual(valuesOf('cpu', 'mean'), [20, 20.5, 70, null, 6, 2.5]);
    assert.deepEqual(valuesOf('cpu', 'most'), [30, 21, 90, null, 7, 4]);
    assert.deepEqual(valuesOf('memory', 'memory'), [45, 42, 43, null, 46, 47]);
    assert.deepEqual(history.series.filter(({ name }) => name === 'least').length, 1);
    // The time of a boot is known to the hour.
    const hourOf = (boot: number): number => Math.floor((boot * secondMs - noonMs) / hourMs);
    assert.deepEqual(history.boots.map(hourOf), [2, 5]);
    assert.deepEqual(history.limits, [
      { group: 'cpu', severity: 'warning', value: 80 },
      { group: 'cpu', severity: 'critical', value: 95 },
      { group: 'memory', severity: 'critical', value: 90 },
    ]);
    const at = (ms: number): number => (noonMs + ms) / secondMs;
    assert.deepEqual(history.alerts, [
      { group: 'cpu', rule: 'cpu', subject: '', severity: 'warning', from: at(-hourMs), to: at(0) },
      { group: 'disk', rule: 'disk', subject: '/data', severity: 'critical', from: at(2 * hourMs), to: null },
    ]);
    assert.equal(history.cpus, 4);
  });

  test('of steps shorter than an hour has the mean alone', async () => {
    const { reports: store, plots } = (await kit.open()).storage;
    await store.ingest([item({})]);
    const fine = { ...grid, stepMs: 30 * minuteMs, points: 12 };
    const { series } = await readClientHistory(plots, {
      client: 'web-1',
      grid: fine,
      rules: [],
      alerts: [],
      changesMs: [],
    });
    assert.deepEqual(
      series.filter(({ group }) => group === 'cpu').map(({ name }) => name),
      ['mean'],
    );
  });

  test('of a report has a tick for each look of its span that found changes', async () => {
    const { reports: store, plots, causes } = (await kit.open()).storage;
    const look = (minutes: number, ...lines: readonly string[]) =>
      stateItem('web-1', noonMs + minutes * minuteMs, [
        { kind: 'package', digest: stateDigest(lines), error: null, lines },
      ]);
    const looks = [look(-90, 'a\t1'), look(-60, 'a\t2'), look(60, 'a\t3', 'b\t1'), look(200, 'a\t4', 'b\t1')];
    for (const one of looks) await store.ingest([one]);
    const clients = ['web-1', 'web-2'].map((client) => ({ client, rules: [], alerts: [] }));
    const watch = { signal: AbortSignal.timeout(60_000), onProgress: () => undefined };
    const ticksUntil = async (untilMs: number): Promise<unknown> => {
      const gridOf = (): Grid => ({ ...grid, untilMs });
      const { plots: drawn } = await readHistories({ plots, causes, clients, gridOf, historyBytes: 1e6, ...watch });
      return await Promise.all(drawn.map(async ({ history }) => (await decodeHistory(history ?? '')).changes));
    };
    const at = (minutes: number): number => (noonMs + minutes * minuteMs) / secondMs;
    assert.deepEqual(await ticksUntil(noonMs + 6 * hourMs), [[at(60), at(200)], []]);
    assert.deepEqual(await ticksUntil(noonMs + 2 * hourMs), [[at(60)], []]);
  });
});
