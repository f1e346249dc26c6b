import assert from 'node:assert/strict';
import { test } from 'node:test';

import { byName } from '../../src/text/name-order.ts';

test('names are sorted as people do', () => {
  const sorted = [
    'Alpha',
    'alpha-2',
    'alpha-02b',
    'alpha-10',
    'äpfel',
    'beta',
    'web-9.example',
    'web-10.example',
    'Zulu',
  ];
  const mixed = [...sorted].reverse().sort(byName);
  assert.deepEqual(mixed, ['Alpha', 'alpha-2', 'alpha-02b', 'alpha-10', 'äpfel', 'beta', ...sorted.slice(6)]);
});

test('numbers of any length are compared by their size', () => {
  const digits = '9'.repeat(15);
  assert.deepEqual([`n${digits}8`, `n${digits}`, 'n1'].sort(byName), ['n1', `n${digits}`, `n${digits}8`]);
});

test('names that differ by case or leading zeros alone have an order', () => {
  for (const [one, other] of [
    ['WEB-1', 'web-1'],
    ['web-01', 'web-1'],
  ] as const) {
    assert.equal(byName(one, other), -1);
    assert.equal(byName(other, one), 1);
    assert.equal(byName(one, one), 0);
  }
});
