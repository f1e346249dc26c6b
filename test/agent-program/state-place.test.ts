import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openStatePlace } from '../../src/agent-program/state-place.ts';
import { tempFolder } from '../support/temp-folder.ts';

test('whoever opens the state folder removes what a killed process left half written, and nothing else', (t) => {
  const place = tempFolder(t);
  // No process has the first pid: it is beyond the kernel's maximum.
  const names = ['.new-9999999', `.new-${process.ppid}`, 'counters.json'];
  for (const name of names) writeFileSync(path.join(place, name), '{');
  assert.equal(openStatePlace(place), place);
  assert.deepEqual(readdirSync(place).sort(), names.slice(1).sort());
});

test('what another account is writing stays: it may not be signalled, and is running', (t) => {
  const place = tempFolder(t);
  writeFileSync(path.join(place, '.new-4711'), '{');
  t.mock.method(process, 'kill', () => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  });
  openStatePlace(place);
  assert.deepEqual(readdirSync(place), ['.new-4711']);
});
