import assert from 'node:assert/strict';
import { test } from 'node:test';

import { alertFigure, amount, percentBar } from '../../../src/look/page/figures.ts';

test('a bar is as wide as its value, and has the level of the limit that it has reached', () => {
  assert.match(percentBar({ value: 41.7, beyond: null }).html, /<svg class="bar" [^]*width="42%"[^]*42 %$/);
  assert.match(percentBar({ value: 120, beyond: 'critical' }).html, /<svg class="bar critical" [^]*width="100%"/);
  assert.doesNotMatch(percentBar({ value: null, beyond: null }).html, /svg/);
});

test('the digits of large numbers are grouped, by an entity that keeps the page small', () => {
  assert.deepEqual(
    [999, 1000, 1_234_567].map((count) => amount(count).html),
    ['999', '1&#8239;000', '1&#8239;234&#8239;567'],
  );
  assert.deepEqual([amount(1, 'client').html, amount(10_000, 'client').html], ['1 client', '10&#8239;000 clients']);
});

test("an alert's value and limit are grouped where they are a number, and inert", () => {
  const figures = [
    ['1234567', '1&#8239;234&#8239;567'],
    ['-12345.678/s', '-12&#8239;345.678/s'],
    ['4000 messages of 5000', '4&#8239;000 messages of 5000'],
    ['at least 10000', 'at least 10&#8239;000'],
    ['fewer than 4000 or more than 9000', 'fewer than 4&#8239;000 or more than 9&#8239;000'],
    ['2026-11-20 10:00', '2026-11-20 10:00'],
    ['5432/tcp', '5432/tcp'],
    ['1234.5.6', '1234.5.6'],
    ['100 %', '100 %'],
    ['12345 <b>', '12&#8239;345 &lt;b&gt;'],
  ] as const;
  for (const [text, html] of figures) assert.equal(alertFigure(text).html, html);
});
