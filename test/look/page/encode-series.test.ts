import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { decodeHistory } from '../../../src/look/page/browser/decode-series.ts';
import { type ClientHistory, encodeHistory } from '../../../src/look/page/encode-series.ts';

const empty: ClientHistory = {
  start: 1_700_000_000,
  step: 3600,
  points: 0,
  cpus: 4,
  series: [],
  limits: [{ group: 'cpu', severity: 'warning', value: 80 }],
  alerts: [{ group: 'disk', rule: 'disk', subject: '/var', severity: 'critical', from: 1_700_000_000, to: null }],
  boots: [1_700_003_600],
  changes: [1_700_003_700],
  moreSeries: 0,
};

test('a browser reads what was written: values within half a step of their span, and gaps as gaps', async () => {
  const value = fc.option(fc.double({ min: -1e12, max: 1e12, noNaN: true }), { nil: null });
  const grids = fc.integer({ min: 1, max: 60 }).chain((points) =>
    fc.record({
      points: fc.constant(points),
      lines: fc.array(fc.array(value, { minLength: points, maxLength: points }), { maxLength: 5 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(grids, async ({ points, lines }) => {
      const series = lines.map((values, index) => ({ group: 'disk' as const, name: `/mnt/${index} – ü`, values }));
      const decoded = await decodeHistory(encodeHistory({ ...empty, points, series }));
      assert.deepEqual(
        { ...decoded, series: decoded.series.map(({ name }) => name), times: decoded.times[0] },
        { ...empty, points, series: series.map(({ name }) => name), times: empty.start },
      );
      for (const [index, { values }] of series.entries()) {
        const known = values.filter((one) => one !== null);
        const halfStep = Math.max((Math.max(...known) - Math.min(...known)) / 254, 0.2) / 2;
        for (const [point, expected] of values.entries()) {
          const found = decoded.series[index]?.values[point] ?? null;
          if (expected === null) assert.equal(found, null);
          else
            assert.ok(
              found !== null && Math.abs(found - expected) <= halfStep * (1 + 1e-9) + 1e-9 * Math.abs(expected),
            );
        }
      }
    }),
  );
});

test('a month by the hour of seven series takes less than half of its bytes as text', () => {
  const values = Array.from({ length: 720 }, (_, hour) => 40 + 20 * Math.sin(hour / 3.8) + (hour % 7));
  const series = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => ({ group: 'disk' as const, name, values }));
  assert.ok(encodeHistory({ ...empty, points: 720, series }).length < (7 * 720) / 2);
});

test('names in a history are as harmless as in the page around it', async () => {
  const name = '/mnt/\u202egpj.exe\u001b[2J';
  const [alert] = empty.alerts;
  assert.ok(alert !== undefined);
  const series = [{ group: 'disk' as const, name, values: [1] }];
  const alerts = [{ ...alert, rule: name, subject: name }];
  const decoded = await decodeHistory(encodeHistory({ ...empty, points: 1, series, alerts }));
  const shown = '/mnt/\ufffdgpj.exe\ufffd[2J';
  assert.deepEqual(
    { name: decoded.series[0]?.name, rule: decoded.alerts[0]?.rule, subject: decoded.alerts[0]?.subject },
    { name: shown, rule: shown, subject: shown },
  );
});
