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
  const digits = '9'.repeat(17);
  const sorted = ['n1', 'n09', 'n10', `n${digits}`, `n1${'0'.repeat(17)}`, `n1${'0'.repeat(200)}`, 'na'];
  assert.deepEqual([...sorted].reverse().sort(byName), sorted);
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
