import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openRuntimeAttempts } from '../../../src/collector/runtimes/runtime-supply.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const everyMs = 300_000;
const nowMs = Date.UTC(2026, 10, 20, 12);

function place(t: TestContext): string {
  const dir = tempFolder(t);
  return path.join(dir, 'attempts');
}

test('nothing is remembered of whom nothing was tried with, and no folder is made for that', (t) => {
  const dir = place(t);
  const attempts = openRuntimeAttempts(dir, everyMs);
  attempts.clear('web-1');
  assert.equal(attempts.waitsUntilMs('web-1', 'a', nowMs), null);
  assert.throws(() => readdirSync(dir), { code: 'ENOENT' });
});

test('pauses double from run to run up to six hours, over processes, and are of one digest', (t) => {
  const dir = place(t);
  const pauses = Array.from({ length: 9 }, () => {
    openRuntimeAttempts(dir, everyMs).note('web-1', { digest: 'a', hopeless: false, nowMs });
    return ((openRuntimeAttempts(dir, everyMs).waitsUntilMs('web-1', 'a', nowMs) ?? NaN) - nowMs) / 60_000 + 2.5;
  });
  assert.deepEqual(pauses, [10, 20, 40, 80, 160, 320, 360, 360, 360]);
  const attempts = openRuntimeAttempts(dir, everyMs);
  assert.equal(attempts.waitsUntilMs('web-1', 'b', nowMs), null);
  assert.equal(attempts.waitsUntilMs('web-2', 'a', nowMs), null);
  attempts.note('web-1', { digest: 'b', hopeless: false, nowMs });
  assert.equal(attempts.waitsUntilMs('web-1', 'b', nowMs + 7.6 * 60_000), null);
});

test('what is hopeless is tried once a day; what has answered is forgotten, by several runs at once too', (t) => {
  const dir = place(t);
  const attempts = openRuntimeAttempts(dir, everyMs);
  attempts.note('../web 1', { digest: 'a', hopeless: true, nowMs });
  assert.equal(attempts.waitsUntilMs('../web 1', 'a', nowMs), nowMs + 86_400_000);
  assert.equal(readdirSync(dir).length, 1);
  const ofAnotherRun = openRuntimeAttempts(dir, everyMs);
  for (const one of [attempts, ofAnotherRun]) {
    one.clear('../web 1');
    assert.deepEqual(readdirSync(dir), []);
  }
  assert.equal(attempts.waitsUntilMs('../web 1', 'a', nowMs), null);
});

test('a clock that went back, and damaged files, keep nobody waiting', (t) => {
  const dir = place(t);
  openRuntimeAttempts(dir, everyMs).note('web-1', { digest: 'a', hopeless: true, nowMs: nowMs + 30 * 86_400_000 });
  assert.equal(openRuntimeAttempts(dir, everyMs).waitsUntilMs('web-1', 'a', nowMs), null);
  const file = path.join(dir, readdirSync(dir)[0] ?? '');
  for (const content of ['', '{', 'null', '{"digest":1}', readFileSync(file, 'utf8').replace('"next_at"', '"x"')]) {
    writeFileSync(file, content);
    assert.equal(openRuntimeAttempts(dir, everyMs).waitsUntilMs('web-1', 'a', nowMs), null, content);
  }
});
