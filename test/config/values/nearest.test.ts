import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { didYouMean, editDistance, nearest } from '../../../src/config/values/nearest.ts';

test('edits: insert, delete, replace, and swap neighbours', () => {
  const table = [
    { from: '', to: '', edits: 0 },
    { from: 'a', to: '', edits: 1 },
    { from: 'port', to: 'prot', edits: 1 },
    { from: 'collector', to: 'colector', edits: 1 },
    { from: 'kitten', to: 'sitting', edits: 3 },
    { from: 'ab', to: 'ba', edits: 1 },
    { from: 'abc', to: 'cba', edits: 2 },
  ];
  for (const { from, to, edits } of table) assert.equal(editDistance(from, to), edits, `${from} ${to}`);
});

test('distance is the same both ways, and none to oneself', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (left, right) => {
      assert.equal(editDistance(left, right), editDistance(right, left));
      assert.equal(editDistance(left, left), 0);
      assert.ok(editDistance(left, right) <= Math.max(left.length, right.length));
    }),
  );
});

test('the nearest word, and none when nothing is near', () => {
  const commands = ['collect', 'alert', 'check', 'trust', 'status', 'keys'];
  assert.equal(nearest('colect', commands), 'collect');
  assert.equal(nearest('COLLECT', commands), 'collect');
  assert.equal(nearest('chekc', commands), 'check');
  assert.equal(nearest('launch', commands), null);
  assert.equal(nearest('xy', ['ab']), null);
  assert.equal(nearest('web-1', []), null);
  assert.equal(didYouMean('colect', commands), '; did you mean "collect"?');
  const hosts = ['db-1', 'web-01', 'web-10', 'www.example.org'];
  for (const [written, meant] of [
    ['web1', 'web-01'],
    ['WEB_10', 'web-10'],
    ['db-1.example.org', 'db-1'],
    ['www', 'www.example.org'],
    ['mail', null],
  ] as const) {
    assert.equal(nearest(written, hosts), meant);
  }
  assert.equal(didYouMean('launch', commands), '');
});
