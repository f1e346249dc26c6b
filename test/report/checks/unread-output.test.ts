import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { unreadOutput } from '../../../src/report/checks/unread-output.ts';
import { maxFigures, parsePerfdata, unreadFigures } from '../../../src/report/checks/perfdata.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { times } from '../../support/times.ts';
import { codePoint } from '../../support/code-points.ts';

const cases: readonly (readonly [format: CheckResult['format'], output: string, left: readonly string[]])[] = [
  ['nagios', 'OK | a=1 b=U c=2;3;4', []],
  [
    'nagios',
    "OK | a=1 ip=192.0.2.1 'the version'=1.2.3 a=2 b=0x1F",
    [
      'check x: figure ip: its value is no number',
      'check x: figure the version: its value is no number',
      'check x: figure a: it is there twice',
      'check x: figure b: its value is no number',
    ],
  ],
  ['nagios', `OK | ${times(70, (at) => `f${at}=1`).join(' ')}`, ['check x: figures after the first 64']],
  [
    'checkmk',
    '0 a n=1|ip=192.0.2.1 fine\n<<<local>>>\nbash: df: not found\nP b - t\n',
    ['check x, line 1: figure ip: its value is no number', 'check x, line 3: it is no line of a local check'],
  ],
  [
    'prom',
    '# HELP up x\nup 1\nup{a="1\nhot NaN\n{"a b"} +Inf\n',
    [
      'check x, line 3: it is no sample',
      'check x, line 4: sample hot: its value cannot be stored',
      'check x, line 5: sample a b: its value cannot be stored',
    ],
  ],
  ['gpu', 'a=b=c', []],
];
for (const [format, output, left] of cases) {
  test(`a reader of ${format} names what it saw and did not take: ${output.slice(0, 30)}`, () => {
    const said = unreadOutput([{ name: 'x', format, output }]);
    assert.deepEqual(
      said.map(({ where, why }) => `${where}: ${why}`),
      left,
    );
  });
}

test('each label of performance data is a figure or named as left out', () => {
  const part = fc.constantFrom('a', 'b c', "'", '=', '1', '0x1F', ';', ' ', '|', 'U', ',');
  const text = fc.oneof(
    fc.array(part, { maxLength: 30 }).map((parts) => parts.join('')),
    fc.string({ unit: codePoint }),
  );
  fc.assert(
    fc.property(text, (written) => {
      const { labels, further } = unreadFigures(written);
      const figures = parsePerfdata(written);
      assert.equal(further, false);
      assert.ok(figures.length <= maxFigures);
      // Each equals sign ends a label, or stands in a label or a value.
      assert.ok(figures.length + labels.length <= written.split('=').length - 1);
    }),
  );
});
