import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { maxRangeCount, parseRanged } from '../../../src/config/values/ranges.ts';

function expand(text: string): string[] | string {
  const range = parseRanged(text);
  return typeof range === 'string' ? range : Array.from({ length: range.count }, (_, index) => range.at(index));
}

test('ranges keep the digits of their first number', () => {
  assert.deepEqual(expand('web-[08-11]'), ['web-08', 'web-09', 'web-10', 'web-11']);
  assert.deepEqual(expand('10.0.0.[9-11]'), ['10.0.0.9', '10.0.0.10', '10.0.0.11']);
  assert.deepEqual(expand('[099-101].example.org'), ['099.example.org', '100.example.org', '101.example.org']);
  assert.deepEqual(expand('web-[5-5]'), ['web-5']);
  assert.deepEqual(expand('web'), ['web']);
});

test('what is no range says so', () => {
  assert.match(String(expand('web-[80-01]')), /ends before it begins; write \[01-80\]/);
  assert.match(String(expand('[1-2]-[3-4]')), /two ranges/);
  assert.match(String(expand('web-[a-f]')), /no range; a range is written like \[01-80\]/);
  assert.match(String(expand('web-[1-')), /no range/);
  assert.match(String(expand('web-1]')), /no range/);
  assert.match(String(expand('web-[]')), /no range/);
  assert.match(String(expand('web-[1-999999]')), new RegExp(`${maxRangeCount} are the most`));
});

test('every number between the two is there once, in order, with at least as many digits as the first', () => {
  const numbers = fc.integer({ min: 0, max: 100_000 });
  const widths = fc.integer({ min: 1, max: 7 });
  const texts = fc.string({ unit: fc.constantFrom('a', '-', '.', '1', '0'), maxLength: 5 });
  fc.assert(
    fc.property(
      numbers,
      fc.integer({ min: 1, max: 300 }),
      widths,
      texts,
      texts,
      (from, count, width, before, after) => {
        const first = String(from).padStart(width, '0');
        const values = expand(`${before}[${first}-${from + count - 1}]${after}`);
        assert.ok(Array.isArray(values));
        assert.equal(values.length, count);
        for (const [index, value] of values.entries()) {
          assert.ok(value.startsWith(before) && value.endsWith(after));
          const digits = value.slice(before.length, value.length - after.length);
          assert.equal(Number(digits), from + index);
          assert.ok(digits.length >= first.length);
          assert.equal(digits.length, Math.max(first.length, String(from + index).length));
        }
      },
    ),
  );
});
