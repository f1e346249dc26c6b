/** When a digest is late, and when it is omitted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dueDigests } from '../../../src/alerter/digest/due-digests.ts';
import { digestConfig } from '../support/digest-samples.ts';
import { at } from '../support/rows.ts';

/** The digest of Friday, 11:00 in Berlin. */
const dueMs = at('10:00');
const minuteMs = 60_000;

const bounds: readonly (readonly [afterMs: number, outcome: 'not due' | 'made' | 'late'])[] = [
  [-1, 'not due'],
  [0, 'made'],
  [10 * minuteMs, 'made'],
  [10 * minuteMs + 1, 'late'],
  [720 * minuteMs, 'late'],
  [720 * minuteMs + 1, 'not due'],
];
for (const [afterMs, outcome] of bounds) {
  test(`${afterMs} ms after its time a digest is ${outcome}`, async () => {
    const store = {
      storedMessageIds: () => Promise.resolve(new Set<string>()),
      madeDigests: () => Promise.resolve([]),
      runTimes: () => Promise.resolve([]),
    };
    const due = await dueDigests(digestConfig, store, dueMs + afterMs);
    const found = due.map(({ lateSinceMs }) => (lateSinceMs === null ? 'made' : 'late'));
    assert.deepEqual(found, outcome === 'not due' ? [] : [outcome]);
    if (outcome === 'late') assert.equal(due[0]?.lateSinceMs, dueMs);
  });
}
