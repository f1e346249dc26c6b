import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { stateCounts } from '../../../src/look/page/state-counts.ts';
import { clientOf } from './support/page-samples.ts';

test('a failing client with a critical alert counts as critical alone', () => {
  const counts = stateCounts([clientOf({ state: 'failing', worst: 'critical' }), clientOf({ state: 'failing' })]);
  const shown = counts.filter(({ clients }) => clients > 0).map(({ words, clients }) => `${clients} ${words}`);
  assert.deepEqual(shown, ['1 critical', '1 failing']);
});

test('each client counts once, whatever its state and its alerts', () => {
  const client = fc.record({
    state: fc.constantFrom('ok', 'failing', 'late', 'new', 'paused', 'retired'),
    worst: fc.constantFrom('critical', 'warning', null),
  });
  fc.assert(
    fc.property(fc.array(client), (clients) => {
      const counts = stateCounts(clients.map(clientOf));
      assert.equal(
        counts.reduce((sum, count) => sum + count.clients, 0),
        clients.length,
      );
    }),
  );
});
