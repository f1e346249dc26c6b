import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { runInNewContext } from 'node:vm';

import ts from 'typescript';

import { createRandom } from '../fuzz/random.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { breakSources, breakVariable } from './break-sources.ts';
import { chooseBreaks, type Break } from './find-breaks.ts';

const source = `
const found: string[] = [];
const add = (word: string): void => void found.push(word);
for (const word of ['a', 'b']) {
  if (word === 'a') add('first');
  else add('second');
}
const isKnown: boolean = true;
if (isKnown) add('known');
add(String(found.length + found.length));
found.join(' ');
`;
const unbroken = 'first second known 6';

function breaksIn(t: TestContext): { readonly dir: string; readonly breaks: readonly Break[] } {
  const dir = tempFolder(t);
  mkdirSync(path.join(dir, 'src'));
  writeFileSync(path.join(dir, 'src/one.ts'), source);
  return { dir, breaks: chooseBreaks(dir, ['src'], 100, createRandom(1)) };
}

/** Runs the broken source with one break in force. Returns the value of its last statement. */
function run(dir: string, id: number): unknown {
  const text = readFileSync(path.join(dir, 'src/one.ts'), 'utf8');
  const { outputText } = ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2023 } });
  return runInNewContext(outputText, { process: { env: { [breakVariable]: String(id) } } });
}

test('breaks of a file do not overlap, and there is one of every kind', (t) => {
  const { breaks } = breaksIn(t);
  const inOrder = [...breaks].sort((a, b) => a.start - b.start);
  for (const [index, one] of inOrder.entries()) assert.ok(one.end <= (inOrder[index + 1]?.start ?? Infinity));
  assert.deepEqual([...new Set(breaks.map(({ kind }) => kind))].sort(), [
    'condition',
    'constant',
    'operator',
    'statement',
  ]);
});

test('a source with breaks does what it did while none is in force', (t) => {
  const { dir, breaks } = breaksIn(t);
  breakSources(dir, breaks);
  assert.equal(run(dir, -1), unbroken);
});

test('a break in force changes what the source does', (t) => {
  const { dir, breaks } = breaksIn(t);
  breakSources(dir, breaks);
  for (const { id, before } of breaks) assert.notEqual(run(dir, id), unbroken, before);
});

test('the same seed chooses the same breaks', (t) => {
  const { dir, breaks } = breaksIn(t);
  assert.deepEqual(chooseBreaks(dir, ['src'], 100, createRandom(1)), breaks);
});
