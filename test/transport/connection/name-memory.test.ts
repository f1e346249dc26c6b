import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { loadNameMemory } from '../../../src/transport/connection/name-memory.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dayMs = 24 * 60 * 60 * 1000;

test('names and failures are kept for a day, and the addresses of a name that does not answer', () => {
  const file = path.join(tempFolder(), 'names.json');
  const first = loadNameMemory({ file, nowMs: 1000 });
  first.noteAddresses('web.example', ['192.0.2.1', '2001:db8::1']);
  first.noteAddresses('slow.example', ['192.0.2.2']);
  first.noteFailure('slow.example', false);
  first.noteAddresses('gone.example', ['192.0.2.3']);
  first.noteFailure('gone.example', true);
  first.save();
  const second = loadNameMemory({ file, nowMs: dayMs });
  const told = (name: string) => [second.outcomeOf(name), second.lastOf(name)];
  assert.deepEqual(told('web.example'), ['resolved', ['192.0.2.1', '2001:db8::1']]);
  assert.deepEqual(told('slow.example'), ['failed', ['192.0.2.2']]);
  assert.deepEqual(told('gone.example'), ['failed', null]);
  assert.deepEqual(told('new.example'), [null, null]);
  assert.equal(loadNameMemory({ file, nowMs: dayMs + 1000 }).outcomeOf('web.example'), null);
  assert.equal(loadNameMemory({ file, nowMs: 999 }).outcomeOf('web.example'), null);
});

test('a damaged file counts as empty, and nothing in it but addresses is dialled', () => {
  const file = path.join(tempFolder(), 'names.json');
  const entry = { addresses: ['192.0.2.1', 'evil.example', 7], atMs: 5, failed: false };
  const texts = ['', '{', '{}', '[1, null, [], ["a"], ["a", null], ["a", {}]]', JSON.stringify([['a', entry]])];
  const found = texts.map((text) => {
    writeFileSync(file, text);
    return loadNameMemory({ file, nowMs: 6 }).lastOf('a');
  });
  assert.deepEqual(found, [null, null, null, null, ['192.0.2.1']]);
});

test('nothing is written without news, nor an error thrown for a file that cannot be written', () => {
  const file = path.join(tempFolder(), 'names.json');
  const memory = loadNameMemory({ file, nowMs: 1 });
  memory.save();
  assert.throws(() => readFileSync(file));
  const nowhere = loadNameMemory({ file: '/dev/null/names.json', nowMs: 1 });
  nowhere.noteFailure('a', false);
  nowhere.save();
});
