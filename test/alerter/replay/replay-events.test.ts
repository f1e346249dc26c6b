import assert from 'node:assert/strict';
import { test } from 'node:test';

import { followEvents } from '../../../src/alerter/replay/replay-events.ts';
import { configOf } from '../support/config-of.ts';

const config = configOf(`<alerts><alert type="event" service="backup*" within="26h"/></alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>`);

test('events are read page by page, each once, and are known from their arrival on', async () => {
  const all = Array.from({ length: 1001 }, (_, index) => ({
    ...{ rowId: index + 1, receivedAtMs: index, host: 'nas', service: `backup-${index}`, instance: '' },
    ...{ status: 'OK' as const, description: '', ttl: null },
  }));
  const pages: number[] = [];
  const events = {
    newestEventsAt: () => Promise.resolve([]),
    eventsAfter: (_sinceMs: number, rowId: number, most: number) => {
      assert.ok(!pages.includes(rowId), 'the same page again');
      pages.push(rowId);
      return Promise.resolve(all.filter((one) => one.rowId > rowId).slice(0, most));
    },
  };
  const eventsAt = followEvents(config, events, { sinceMs: 0, untilMs: 2000 });
  assert.equal((await eventsAt?.(499))?.newest.length, 500);
  assert.deepEqual((await eventsAt?.(2000))?.newest, all);
  assert.deepEqual(pages, [0, 1000]);
});
