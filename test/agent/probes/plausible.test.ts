import assert from 'node:assert/strict';
import { test } from 'node:test';

import { plausibleCount, plausiblePositive, plausibleText } from '../../../agent/probes/plausible.ts';

for (const nothing of [
  '',
  ' ',
  '-',
  'unknown',
  'Not Specified',
  'To Be Filled By O.E.M.',
  'Default string',
  'System Product Name',
  'None',
  '0',
  '00000000-0000-0000-0000-000000000000',
  'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
  '00:00:00:00:00:00',
  '0123456789',
  'xxxxx',
  '....',
  null,
  undefined,
  7,
  true,
]) {
  test(`${JSON.stringify(nothing)} says nothing`, () => assert.equal(plausibleText(nothing), null));
}

for (const [text, expected] of [
  [' PowerEdge R740 ', 'PowerEdge R740'],
  ['7', '7'],
  ['CZJ0123456', 'CZJ0123456'],
  ['4c4c4544-0042-4a10-8052-b4c04f503732', '4c4c4544-0042-4a10-8052-b4c04f503732'],
  ['unknown soldier', 'unknown soldier'],
] as const) {
  test(`${text} is kept`, () => assert.equal(plausibleText(text), expected));
}

test('numbers: defaults and what is no number are nothing; 0 counts where things are counted', () => {
  for (const value of [0, -1, NaN, Infinity, null, undefined, '5', 101])
    assert.equal(plausiblePositive(value, 100), null);
  assert.equal(plausiblePositive(100, 100), 100);
  assert.equal(plausibleCount(0), 0);
  assert.equal(plausibleCount(-1), null);
  assert.equal(plausibleCount(NaN), null);
});
