/** The file of opening marks: what is written, when, and what the next run knows by it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openMarks } from '../../../src/collector/ingest/opening-marks.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const marksOf = (file: string): unknown => {
  const text = readFileSync(file, 'utf8');
  return text === '' ? '' : JSON.parse(text);
};

/** The content of the file, and what is known of `a` and `b`: the deaths, `deadly`, or null. */
const contents: readonly (readonly [what: string, content: unknown, a: unknown, b: unknown])[] = [
  ['of a run that has ended', '', null, null],
  ['of a run that died with one report', { open: ['a'], deaths: {} }, 1, null],
  ['of a run that died with two reports', { open: ['a', 'b'], deaths: {} }, 0, 0],
  ['of a second run that died with one report', { open: ['a'], deaths: { a: 1, b: 1 } }, 'deadly', 1],
  ['of a second run that died with two reports', { open: ['a', 'b'], deaths: { a: 1 } }, 1, 0],
  ['of deaths without an open report', { open: [], deaths: { a: 1, b: 0 } }, 1, 0],
  ['of another form', { open: 'a', deaths: {} }, null, null],
  ['of deaths that are no whole numbers', { open: ['a'], deaths: { a: 0.5 } }, null, null],
];
for (const [what, content, a, b] of contents) {
  test(`marks ${what}`, (t) => {
    const file = path.join(tempFolder(t), 'opening');
    writeFileSync(file, content === '' ? '' : JSON.stringify(content));
    const { deathsOf, isDeadly } = openMarks(file);
    assert.deepEqual(
      ['a', 'b'].map((name) => (isDeadly(name) ? 'deadly' : deathsOf(name))),
      [a, b],
    );
  });
}

test('names are written before reports are opened, and removed after, for the owner alone', async (t) => {
  const file = path.join(tempFolder(t), 'opening');
  const marks = openMarks(file);
  await marks.begin([]);
  marks.end();
  assert.equal(existsSync(file), false, 'nothing was opened');
  await marks.begin(['a', 'b']);
  assert.deepEqual(marksOf(file), { open: ['a', 'b'], deaths: {} });
  marks.end();
  assert.deepEqual([marksOf(file), statSync(file).mode & 0o777], ['', 0o600]);
  rmSync(file);
  marks.end();
  assert.equal(existsSync(file), false, 'the end is written once');
  await marks.begin(['c']);
  rmSync(file);
  marks.end();
  assert.deepEqual([marksOf(file), statSync(file).mode & 0o777], ['', 0o600]);
});

test('the deaths of other reports are kept, and those of one that is opened alone are over', async (t) => {
  const file = path.join(tempFolder(t), 'opening');
  writeFileSync(file, JSON.stringify({ open: [], deaths: { a: 1, b: 1 } }));
  const marks = openMarks(file);
  await marks.begin(['c', 'd']);
  assert.deepEqual(marksOf(file), { open: ['c', 'd'], deaths: { a: 1, b: 1 } });
  await marks.begin(['a']);
  assert.deepEqual(marksOf(file), { open: ['a'], deaths: { a: 1, b: 1 } }, 'it may die again');
  marks.end();
  assert.deepEqual(marksOf(file), { open: [], deaths: { b: 1 } });
  assert.equal(marks.deathsOf('a'), null);
});

test('marks that an earlier run left are gone once this one has ended, deadly ones too', (t) => {
  const file = path.join(tempFolder(t), 'opening');
  for (const [content, left] of [
    [
      { open: ['a', 'b'], deaths: {} },
      { open: [], deaths: { a: 0, b: 0 } },
    ],
    [{ open: ['a'], deaths: { a: 1 } }, ''],
    [{ open: [], deaths: { a: 2 } }, ''],
  ] as const) {
    writeFileSync(file, JSON.stringify(content));
    openMarks(file).end();
    assert.deepEqual(marksOf(file), left);
  }
});

test('a disk that stores no marks keeps no report from being opened', async (t) => {
  const file = path.join(tempFolder(t), 'no', 'folder', 'opening');
  const marks = openMarks(file);
  await marks.begin(['a']);
  marks.end();
  assert.equal(marks.deathsOf('a'), null);
});
