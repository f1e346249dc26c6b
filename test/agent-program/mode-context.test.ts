import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { statusKeeper } from '../../src/agent-program/mode-context.ts';
import { tempFolder } from '../support/temp-folder.ts';

test('a mode removes what one that was killed left half written, and nothing else', (t) => {
  const place = tempFolder(t);
  // No process has the first one: it is beyond the kernel's greatest pid.
  const names = ['.new-9999999', `.new-${process.ppid}`, 'counters.json'];
  for (const name of names) writeFileSync(path.join(place, name), '{');
  statusKeeper(place, 'spoke')({ lastReportAtMs: null, queue: 0 });
  assert.deepEqual(readdirSync(place).sort(), [...names.slice(1), 'spoke-status.json'].sort());
});

test('what another account is writing stays: it may not be signalled, and is running', (t) => {
  const place = tempFolder(t);
  writeFileSync(path.join(place, '.new-4711'), '{');
  t.mock.method(process, 'kill', () => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  });
  statusKeeper(place, 'spoke')({ lastReportAtMs: null, queue: 0 });
  assert.deepEqual(readdirSync(place).sort(), ['.new-4711', 'spoke-status.json']);
});
