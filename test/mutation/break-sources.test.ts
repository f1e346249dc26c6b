import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { runInNewContext } from 'node:vm';

import ts from 'typescript';

import { createRandom } from '../fuzz/random.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { breakSources, breakVariable } from './break-sources.ts';
import { chooseBreaks, findBreaks, type Break } from './find-breaks.ts';

const source = `
type Size = 'small' | 'large';
const sizes: readonly Size[] = ['small', 'large'];
const weights: Readonly<Record<string, string>> = { small: 'S', large: 'L' };
const place: readonly [string, string] = ['x', 'y'];
const nameOf = (size: Size): string => (size === 'large' ? 'wide' : weights[size] ?? 'none');
const glue = ' - ';
const found: string[] = [];
const add = (word: string): void => void found.push(word);
for (const word of ['a', 'b']) {
  if (word === 'a') add('first');
  else add('second');
}
const isKnown: boolean = true;
if (isKnown) add('known');
const double = found.length + found.length;
add(String(double));
found.push(...sizes.map(nameOf), Object.keys(weights).join(), place.join(glue));
found.join('|');
`;
const unbroken = 'first|second|known|6|S|wide|small,large|x - y';

/** Strings and lists as they stand in sources, each line with the breaks of its entries and members. */
const cases: readonly (readonly [source: string, ...breaks: readonly string[]])[] = [
  [
    "const list: readonly Size[] = ['small', 'large'];",
    "'small' out",
    "'small' to large",
    "'large' out",
    "'large' to small",
  ],
  ["const words = ['one', 'two'] as const;", "'one' out", "'two' out"],
  ['const table: Record<Size, number> = { small: 1, large: 2 };', 'small: 1 out', 'large: 2 out'],
  [
    "const sizes = new Map<Size, string>([['small', 'S'], ['large', 'L']]);",
    "['small', 'S'] out",
    "'small' to large",
    "['large', 'L'] out",
    "'large' to small",
  ],
  ["const pair: [Size, string] = ['small', 'x'];", "'small' to large"],
  ['const shape: Shape = { size: null, name: null };'],
  ["const at = (): Shape => ({ size: 'small', name: null });", "'small' to large"],
  ["const made = (): Answer => ({ kind: 'yes' });", "'yes' to no"],
  ["const is = (size: Size): boolean => size === 'large';", "'large' to small"],
  ["const is = (thing: unknown): boolean => typeof thing === 'string';"],
  ["const word: string = 'small';"],
  ["const of = (size: Size): void => { switch (size) { case 'small': } };", "'small' to large"],
  ['let [a, b] = [[1], [2]]; [a, b] = [b, a];'],
];
/** Texts as they stand in sources, with what is left of each without its words. */
const words: readonly (readonly [source: string, rest: string | undefined])[] = [
  ["const said: string = 'no such file';", "''"],
  ["const said: string = 'none';", undefined],
  ['const said = `${1} of ${2 + 3} files`;', '`${1}${2 + 3}`'],
  ['const said = `${1}-${2}`;', undefined],
  ['const form = /^a\\/b+$/m;', '/(?!)/m'],
  ["const table = { 'two words': 1 };", undefined],
];
const types = `export {}; type Size = 'small' | 'large'; interface Shape { size: Size | null; name: string | null }
  type Answer = { kind: 'yes' } | { kind: 'no' };`;

const place = mkdtempSync(path.join(tmpdir(), 'fleet-breaks-'));
after(() => rmSync(place, { recursive: true }));
mkdirSync(path.join(place, 'src'));
writeFileSync(path.join(place, 'src/one.ts'), source);
for (const [index, [text]] of cases.entries())
  writeFileSync(path.join(place, `src/case-${index}.ts`), `${types}${text}`);
for (const [index, [text]] of words.entries())
  writeFileSync(path.join(place, `src/words-${index}.ts`), `export {};${text}`);
// The types of a program are dear to find.
const possible = findBreaks(place, ['src'], ['lib.es5.d.ts', 'lib.es2015.collection.d.ts']);

function breaksIn(t: TestContext): { readonly dir: string; readonly breaks: readonly Break[] } {
  const dir = tempFolder(t);
  mkdirSync(path.join(dir, 'src'));
  writeFileSync(path.join(dir, 'src/one.ts'), source);
  const ofOne = possible.map((ofFolder) => ofFolder.filter(({ file }) => file === 'src/one.ts'));
  return { dir, breaks: chooseBreaks(ofOne, 100, createRandom(1)) };
}

/** Returns a function that runs the broken source with a break in force. It returns the value of the last statement. */
function runner(dir: string): (id: number) => unknown {
  const text = readFileSync(path.join(dir, 'src/one.ts'), 'utf8');
  const { outputText } = ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2023 } });
  return (id) => runInNewContext(outputText, { process: { env: { [breakVariable]: String(id) } } });
}

test('breaks of a file do not overlap, and there is one of every kind', (t) => {
  const { breaks } = breaksIn(t);
  const inOrder = [...breaks].sort((a, b) => a.start - b.start);
  for (const [index, one] of inOrder.entries()) assert.ok(one.end <= (inOrder[index + 1]?.start ?? Infinity));
  assert.deepEqual([...new Set(breaks.map(({ kind }) => kind))].sort(), [
    'condition',
    'constant',
    'entry',
    'member',
    'operator',
    'statement',
    'words',
  ]);
});

test('a source with breaks does what it did while none is in force', (t) => {
  const { dir, breaks } = breaksIn(t);
  breakSources(dir, breaks);
  assert.equal(runner(dir)(-1), unbroken);
});

test('a break in force changes what the source does', (t) => {
  const { dir, breaks } = breaksIn(t);
  breakSources(dir, breaks);
  const run = runner(dir);
  for (const { id, before } of breaks) assert.notEqual(run(id), unbroken, before);
});

for (const [index, [text, ...breaks]] of cases.entries()) {
  test(`entries and members of ${text}`, () => {
    const found = possible
      .flat()
      .filter(({ file, kind }) => file === `src/case-${index}.ts` && /^(entry|member)$/.test(kind));
    assert.deepEqual(
      found.map(
        ({ kind, before, after: rest }) => `${before} ${kind === 'entry' ? 'out' : `to ${rest.replaceAll('"', '')}`}`,
      ),
      breaks,
    );
  });
}

for (const [index, [text, rest]] of words.entries()) {
  test(`words of ${text}`, () => {
    const found = possible.flat().find(({ file, kind }) => file === `src/words-${index}.ts` && kind === 'words');
    assert.equal(found?.after, rest);
  });
}

test('the same seed chooses the same breaks', () => {
  const [one, other] = [1, 1].map((seed) => chooseBreaks(possible, 100, createRandom(seed)));
  assert.deepEqual(one, other);
});
