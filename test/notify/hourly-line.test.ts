import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { claimHourlyLine } from '../../src/notify/hourly-line.ts';
import { tempFolder } from '../support/temp-folder.ts';

const minuteMs = 60_000;

test('a line is due at once, then hourly, and at once again when something new began', (t) => {
  const dir = tempFolder(t);
  const file = path.join(dir, 'said');
  const beganMs = Date.UTC(2026, 10, 20, 10);
  const dueAt = (sinceMs: number, minutes: number): boolean =>
    claimHourlyLine(file, sinceMs, beganMs + minutes * minuteMs);
  const due = Array.from({ length: 125 }, (_, minute) => minute).filter((minute) => dueAt(beganMs, minute));
  assert.deepEqual(due, [0, 60, 120]);
  assert.ok(dueAt(beganMs + 125 * minuteMs, 126));
});

test('a state folder that cannot be written makes every line due', () => {
  assert.ok(claimHourlyLine('/dev/null/said', 0, minuteMs));
  assert.ok(claimHourlyLine('/dev/null/said', 0, minuteMs));
});
