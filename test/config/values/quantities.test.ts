import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseNumber, parsePercent, parseSeconds, parseSpan } from '../../../src/config/values/quantities.ts';

test('spans are a time or a count', () => {
  assert.deepEqual(parseSpan('2x'), { ms: null, count: 2 });
  assert.deepEqual(parseSpan('15m'), { ms: 900_000, count: null });
  for (const text of ['0x', '1001x', 'x', '2 x', '2', '']) assert.equal(parseSpan(text), null, text);
});

test('percents, seconds and numbers', () => {
  assert.equal(parsePercent('85%'), 85);
  assert.equal(parsePercent('85 %'), 85);
  assert.equal(parsePercent('99.5'), 99.5);
  for (const text of ['101%', '-1%', '%', '5m', '']) assert.equal(parsePercent(text), null, text);
  assert.equal(parseSeconds('900'), 900);
  assert.equal(parseSeconds('15m'), 900);
  assert.equal(parseSeconds('0.5'), 0.5);
  for (const text of ['-5', '15min', '85%', '']) assert.equal(parseSeconds(text), null, text);
  assert.equal(parseNumber('-12.5'), -12.5);
  for (const text of ['1e3', '0x10', 'NaN', 'Infinity', '1,5', '']) assert.equal(parseNumber(text), null, text);
});
