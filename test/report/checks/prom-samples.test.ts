import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { measuredChecks } from '../../../src/report/checks/checks.ts';
import { parseSample } from '../../../src/report/checks/prom-samples.ts';
import { checkReadings } from '../../../src/report/checks/readings.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { maxLongOutputBytes } from '../../../src/report/checks.ts';
import { pluck, pluckAll } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';
import { codePoint } from '../../support/code-points.ts';

const datetime = '2026-11-20T10:00:00.000Z';
const ran = (output: string, more: Partial<CheckResult> = {}): CheckResult => {
  return { name: 'own', format: 'prom', exit: 0, why: null, output, age_s: 0, ...more };
};
const readings = (...checks: readonly CheckResult[]) => checkReadings(measuredChecks({ datetime, checks }));

test('lines of samples are read as Prometheus reads them', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['up 1', ['up', '', 1]],
    ['a:b{} -1.5e3 1700000000000', ['a:b', '', -1500]],
    ['up{b="2", a = "1",} 1\r', ['up', 'a=1,b=2', 1]],
    ['up{a="} \\"x\\" \\\\ \\n",b=""} 0', ['up', 'a=} "x" \\ \n', 0]],
    ['up +Inf', ['up', '', NaN]],
    ['up 0x10', ['up', '', NaN]],
    ['', null],
    ['# HELP up 1', null],
    ['1up 1', null],
    ['up', null],
    ['up{a="1"}1', ['up', 'a=1', 1]],
    ['up {a="1"} 1', ['up', 'a=1', 1]],
    [' up\t{ a="1" , }\t1 -5', ['up', 'a=1', 1]],
    ['up nan', ['up', '', NaN]],
    ['up{a="1"} .5', ['up', 'a=1', 0.5]],
    ['{"my.metric", "a b"="c"} 1', ['my.metric', 'a b=c', 1]],
    ['{"my.metric"} 2 1700000000000', ['my.metric', '', 2]],
    [' { a="1" , "größe \\"x\\"" } .5', ['größe "x"', 'a=1', 0.5]],
    ['up{"a.b"="1",c="2",} 1', ['up', 'a.b=1,c=2', 1]],
    ['up{"other"} 1', null],
    ['{"a","b"} 1', null],
    ['{""} 1', null],
    ['{a="1"} 1', null],
    ['{up} 1', null],
    ['{"up" 1', null],
    ['up{,} 1', null],
    ['up{a="1"', null],
    ['up+1', null],
    ['up{a="1} 1', null],
    ['up{a="1",a="2"} 1', null],
    ['up{a-b="1"} 1', null],
    ['up 1 x', null],
  ];
  for (const [line, expected] of cases) {
    const sample = parseSample(line);
    const labels = sample?.labels.map((pair) => pair.join('=')).join(',');
    assert.deepEqual(sample === null ? null : [sample.metric, labels, sample.value], expected, line);
  }
});

test('the samples of a program are readings, whose names tell their units', () => {
  const output =
    '# TYPE a gauge\na_seconds 1\na_bytes{x="y"} 2\na_ratio 0.5\na_percent 5\na_total 7\nplain 3\nodd NaN\nbig 1e25\n';
  assert.deepEqual(
    readings(ran(output, { exit: 1 })).map(({ metric, labels, unit, value }) => ({ metric, labels, unit, value })),
    [
      { metric: 'a_seconds', labels: '{}', unit: 'seconds', value: 1 },
      { metric: 'a_bytes', labels: '{"x":"y"}', unit: 'bytes', value: 2 },
      { metric: 'a_ratio', labels: '{}', unit: 'ratio', value: 0.5 },
      { metric: 'a_percent', labels: '{}', unit: 'percent', value: 5 },
      { metric: 'a_total', labels: '{}', unit: 'counter', value: 7 },
      { metric: 'plain', labels: '{}', unit: 'count', value: 3 },
    ],
  );
  assert.deepEqual(pluck(measuredChecks({ datetime, checks: [ran(output)] }), 'stat')[0]?.text, '8 samples');
  for (const more of [{ age_s: 60 }, { exit: 127 }, { exit: null, why: 'timeout' }]) {
    assert.deepEqual(readings(ran(output, more)), [], JSON.stringify(more));
  }
});

test('a name in quotes makes a series whose name has no blank', () => {
  assert.deepEqual(pluckAll(readings(ran('{"my metric.bytes\\u0007", "a.b"="c"} 1')), 'metric', 'labels'), [
    ['my_metric.bytesu0007', '{"a.b":"c"}'],
  ]);
});

test('figures of checks come before samples, for there is a limit', () => {
  const plugin = ran('OK | took=1s', { name: 'plugin', format: 'nagios' });
  assert.deepEqual(pluck(readings(ran('up 1'), plugin), 'metric'), ['plugin took', 'up']);
});

test('a last line that may have been cut counts for nothing', () => {
  const lines = times(600, (at) => `sample_${at} 1234567`).join('\n');
  const some = readings(ran(lines.slice(0, 4096)));
  assert.ok(some.length > 100 && some.every(({ value }) => value === 1234567));
  assert.equal(readings(ran(lines.slice(0, 3000))).length, lines.slice(0, 3000).split('\n').length);
  const folder = { name: 'textfile:/f', format: 'textfile' } as const;
  const many = `stale=1\nfile=0 a.prom\n${times(3000, (at) => `+sample_${at} 1234567`).join('\n')}`;
  const output = many.slice(0, maxLongOutputBytes);
  const taken = readings(ran(output, folder)).filter(({ metric }) => metric.startsWith('sample'));
  assert.ok(taken.length > 1000 && taken.every(({ value }) => value === 1234567));
  const [row] = measuredChecks({ datetime, checks: [ran(output, folder)] });
  assert.equal(row?.stat.text, `1 file, and more samples than the ${taken.length} that a result holds`);
});

test('what is no number makes no sample, and OpenMetrics has finer times and exemplars', () => {
  const valueOf = (line: string) => parseSample(line)?.value ?? null;
  for (const line of ['up down', 'up 1,5', 'up 1e', 'up 1_000', 'up 1 x', 'up --1']) assert.equal(valueOf(line), null);
  assert.ok(Number.isNaN(valueOf('up -Infinity')));
  assert.equal(valueOf('up 1 1700000000.123'), 1);
  assert.equal(valueOf('up_total{a="b"} 1 # {trace_id="x"} 0.5 1700000000.1'), 1);
});

test('the text of a program names the lines that are no samples', () => {
  const textOf = (output: string) => pluck(measuredChecks({ datetime, checks: [ran(output)] }), 'stat')[0]?.text;
  assert.equal(textOf('# HELP up x\n\nup 1\n \n# EOF\n'), '1 sample');
  assert.equal(textOf('up 1\nsmartctl: not found\nup down\n'), '1 sample, and 2 other lines');
  assert.equal(textOf('Traceback\n'), '0 samples, and 1 other line');
});

test('no sample is too long for its row, or has what a screen must not meet', () => {
  const label = fc.string({ unit: codePoint }).map((text) => JSON.stringify(text));
  fc.assert(
    fc.property(fc.array(label, { maxLength: 5 }), fc.string({ unit: codePoint }), (labels, text) => {
      const line = `${text}{${labels.map((value, at) => `l${at}=${value}`).join(',')}} 1`;
      for (const { metric, labels: json } of readings(ran(`${line}\nup${line}`))) {
        assert.ok(metric.length <= 128 && json.length <= 1000);
        assert.doesNotMatch(String(Object.values(JSON.parse(json) as object)), /[\p{Cc}\p{Cf}\p{Cs}]/u);
      }
    }),
  );
  assert.deepEqual(readings(ran(`up{a="${'x'.repeat(1000)}"} 1\n${'m'.repeat(129)} 1`)), []);
});
