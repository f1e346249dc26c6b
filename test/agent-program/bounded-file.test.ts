// Runs alone: programs that it has started go on for a while.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { appendLine } from '../../src/agent-program/bounded-file.ts';
import { tempFolder } from '../support/temp-folder.ts';

test('a file at its bound becomes the older one, of which there is one', (t) => {
  const file = path.join(tempFolder(t), 'reports.jsonl');
  for (const line of ['first', 'second', 'third', 'fourth', 'fifth']) appendLine(file, line, 14);
  assert.equal(readFileSync(`${file}.1`, 'utf8'), 'third\nfourth\n');
  assert.equal(readFileSync(file, 'utf8'), 'fifth\n');
  assert.ok(!existsSync(`${file}.2`));
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a line beyond the bound is written all the same', (t) => {
  const file = path.join(tempFolder(t), 'reports.jsonl');
  appendLine(file, 'longer than its bound', 10);
  assert.equal(readFileSync(file, 'utf8'), 'longer than its bound\n');
});

test('the rest of a line that was begun spoils no other line', (t) => {
  const file = path.join(tempFolder(t), 'reports.jsonl');
  writeFileSync(file, '{"whole": 1}\n{"begu');
  appendLine(file, '{"whole": 2}');
  assert.equal(readFileSync(file, 'utf8'), '{"whole": 1}\n{"begu\n{"whole": 2}\n');
});

test('a symbolic link is not followed', (t) => {
  const dir = tempFolder(t);
  const [target, file] = [path.join(dir, 'target'), path.join(dir, 'reports.jsonl')];
  writeFileSync(target, 'as it was');
  symlinkSync(target, file);
  assert.throws(() => appendLine(file, 'line'), { code: 'ELOOP' });
  assert.equal(readFileSync(target, 'utf8'), 'as it was');
});
