import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CollectEvent } from '../../../src/collector/collect-options.ts';
import { tellFew } from '../../../src/collector/ingest/tell-few.ts';

test('twenty quarantined reports of a client are named, the last says so; other clients and events come through', () => {
  const events: CollectEvent[] = [];
  const observe = tellFew((event) => void events.push(event));
  const quarantined = (client: string): CollectEvent => ({
    kind: 'quarantined',
    client,
    code: 'report-refused',
    message: 'too many',
  });
  for (let number = 0; number < 100; number++) {
    observe(quarantined('evil'));
    observe({ kind: 'note', message: 'noted' });
  }
  observe(quarantined('good'));
  const told = events.flatMap((event) => (event.kind === 'quarantined' ? [`${event.client}: ${event.message}`] : []));
  assert.deepEqual(told, [
    ...Array<string>(19).fill('evil: too many'),
    'evil: too many; further reports of it are only counted',
    'good: too many',
  ]);
  assert.equal(events.filter(({ kind }) => kind === 'note').length, 100);
});
