import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { claimHourlyLine, openFaultLines } from '../../src/notify/hourly-line.ts';
import type { ErrorCode } from '../../src/platform/errors/errors.ts';
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

test('a fault that lasts is a line an hour, each code by itself, and a line at once after a run without it', (t) => {
  const dir = path.join(tempFolder(t), 'faults-logged');
  const beganMs = Date.UTC(2026, 10, 20, 10);
  const run = (minutes: number, ...codes: readonly ErrorCode[]): readonly boolean[] => {
    const lines = openFaultLines(dir, () => beganMs + minutes * minuteMs);
    const due = codes.map((code) => lines.heed({ code }));
    lines.end();
    return due;
  };
  assert.deepEqual(run(0, 'alerter-silent'), [true]);
  assert.deepEqual(run(1, 'alerter-silent', 'spool-full'), [false, true]);
  assert.deepEqual(run(59, 'alerter-silent', 'spool-full'), [false, false]);
  assert.deepEqual(run(60, 'alerter-silent', 'spool-full'), [true, false]);
  assert.deepEqual(run(61), []);
  assert.deepEqual(run(62, 'alerter-silent'), [true]);
});

test('faults are a line in each run if the state folder cannot be written', () => {
  for (const run of [1, 2]) assert.ok(openFaultLines('/dev/null/logged', () => run).heed({ code: 'spool-full' }));
});
