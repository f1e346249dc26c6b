import assert from 'node:assert/strict';
import { test } from 'node:test';

import { utcText } from '../../../agent/start/clock.ts';

test('a time in UTC, as toISOString has it', () => {
  const day = 86_400_000;
  const times = [0, 1, 999, day - 1, Date.UTC(2000, 1, 29, 3, 4, 5, 6), Date.UTC(2038, 0, 19, 3, 14, 8), Date.now()];
  const latest = Date.UTC(2262, 3, 11);
  for (const time of [...times, latest]) assert.equal(utcText(time), new Date(time).toISOString());
});
