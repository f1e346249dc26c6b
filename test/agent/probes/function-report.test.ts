import assert from 'node:assert/strict';
import { test } from 'node:test';

import { functionReport, missing, printable, rounded } from '../../../agent/probes/function-report.ts';

test('missing values become null with the reason, of every row or of one', () => {
  const none = missing('first visit');
  const a = { name: 'a', one: none, two: 1, three: none };
  const b = { name: 'b', one: none, two: NaN, three: 2 };
  const report = functionReport('x', [a, b]);
  assert.deepEqual(report, {
    name: 'x',
    data: [
      { name: 'a', one: null, two: 1, three: null },
      { name: 'b', one: null, two: null, three: 2 },
    ],
    unknown: [
      { field: 'one', reason: 'first visit' },
      { row: 0, field: 'three', reason: 'first visit' },
      { row: 1, field: 'two', reason: 'not a number' },
    ],
  });
});

test('nothing unknown, nothing left out: no such keys', () => {
  assert.deepEqual(functionReport('x', [{ a: 1, b: undefined }]), { name: 'x', data: [{ a: 1 }] });
});

test('the first 200 rows stay, in the order of a label', () => {
  const facts = Array.from({ length: 205 }, (_, n) => ({ subject: String(999 - n), value: n }));
  const report = functionReport('x', facts, 'subject');
  assert.equal(report.data.length, 200);
  assert.equal(report.omitted, 5);
  assert.deepEqual(report.data[0], { subject: '800', value: 199 });
  assert.equal(facts[0]?.subject, '999', 'what was given is as it was');
});

for (const [text, expected] of [
  ['plain', 'plain'],
  ['Ünïcode 日本 😀', 'Ünïcode 日本 😀'],
  ['a\nb\u001b[31mc\u0000', 'a\ufffdb\ufffd[31mc\ufffd'],
  ['right\u202eleft', 'right\ufffdleft'],
  ['lone\ud800', 'lone\ufffd'],
  ['x'.repeat(300), `${'x'.repeat(254)}…`],
  [`${'x'.repeat(253)}😀😀`, `${'x'.repeat(253)}\ufffd…`],
] as const) {
  test(`printable: ${JSON.stringify(text.slice(0, 20))}`, () => {
    const found = printable(text);
    assert.equal(found, expected);
    assert.ok(found.length <= 255);
    assert.equal(Buffer.from(found).toString(), found, 'well-formed');
  });
}

test('rounding', () => {
  assert.equal(rounded(41.7006, 2), 41.7);
  assert.equal(rounded(1 / 3, 2), 0.33);
});
