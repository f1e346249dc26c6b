import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { loadNotedNames } from '../../src/state-folder/noted-names.ts';
import { tempFolder } from '../support/temp-folder.ts';

const dir = tempFolder();
const awkward = 'with "quotes", ] and é\n';
const linesOf = (file: string): readonly string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');

test('each name is a line, written once, and what another program appends meanwhile stays', () => {
  const file = path.join(dir, 'names');
  const first = loadNotedNames({ file });
  for (const name of ['web-1', 'web-1', awkward]) first.note(name);
  first.save();
  first.save();
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const [second, third] = [loadNotedNames({ file }), loadNotedNames({ file })];
  for (const name of ['web-1', 'web-2']) second.note(name);
  third.note('web-3');
  second.save();
  third.save();
  assert.deepEqual(linesOf(file), ['"web-1"', JSON.stringify(awkward), '"web-2"', '"web-3"']);
  const again = loadNotedNames({ file });
  assert.deepEqual(
    [awkward, 'web-3', 'web'].map((name) => again.has(name)),
    [true, true, false],
  );
});

test('a line that a crash left unfinished hides no other', () => {
  const file = path.join(dir, 'cut');
  writeFileSync(file, '"web-1"\n"we');
  const names = loadNotedNames({ file });
  names.note('web-2');
  names.save();
  const again = loadNotedNames({ file });
  assert.deepEqual([again.has('web-1'), again.has('web-2'), again.has('we')], [true, true, false]);
});

test('a record that cannot be read is a fault, never an empty one', () => {
  assert.throws(() => loadNotedNames({ file: dir }), { name: 'FleetError', code: 'state-unusable' });
});

test('names that are forgotten count for their time, and not before a clock that was set back', () => {
  const file = path.join(dir, 'for-a-while');
  const at = (nowMs: number) => loadNotedNames({ file, forgotten: { afterMs: 1000, nowMs } });
  const first = at(5000);
  first.note(awkward);
  first.save();
  assert.deepEqual(
    [5000, 5999, 6000, 4999].map((nowMs) => at(nowMs).has(awkward)),
    [true, true, false, false],
  );
  appendFileSync(file, 'damaged\n{}\n"without a time"\n');
  assert.equal(at(5500).has(awkward), true);
});

test('what another program appends to names that are forgotten stays, as long as none is forgotten', () => {
  const file = path.join(dir, 'two-programs');
  const load = () => loadNotedNames({ file, forgotten: { afterMs: 1000, nowMs: 5000 } });
  const [first, second] = [load(), load()];
  first.note('a');
  second.note('b');
  first.save();
  second.save();
  assert.deepEqual([load().has('a'), load().has('b')], [true, true]);
});

test('the file does not grow for ever: forgotten names are removed with the next new one', () => {
  const file = path.join(dir, 'bounded');
  const noteAt = (nowMs: number, name: string): void => {
    const names = loadNotedNames({ file, forgotten: { afterMs: 1000, nowMs } });
    names.note(name);
    names.save();
  };
  noteAt(0, 'a');
  noteAt(500, 'b');
  noteAt(1200, 'a');
  assert.deepEqual(linesOf(file), ['["b",500]', '["a",1200]']);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});
