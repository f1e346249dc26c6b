import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { columnsOf, cut, wrap, wrapCommand } from '../../src/text/text-columns.ts';

const wraps: readonly (readonly [string, string, readonly string[]])[] = [
  ['fits', 'one two', ['one two']],
  ['between words', 'one two three four', ['one two', 'three four']],
  ['exactly', 'abcde fghi', ['abcde fghi']],
  ['a word wider than a line', `a ${'x'.repeat(23)} b`, ['a', 'xxxxxxxxxx', 'xxxxxxxxxx', 'xxx b']],
  ['wide characters', '数据库数据库数据', ['数据库数据', '库数据']],
  ['never through a character of several', '👩‍👧👩‍👧👩‍👧👩‍👧👩‍👧👩‍👧', ['👩‍👧👩‍👧👩‍👧👩‍👧👩‍👧', '👩‍👧']],
  ['addresses stay whole', 'see https://example.org/a/b/c now', ['see', 'https://example.org/a/b/c', 'now']],
  ['nothing', '', ['']],
];

for (const [name, text, lines] of wraps) {
  test(`wrap: ${name}`, () => {
    assert.deepEqual(wrap(text, { columns: 10 }), lines);
  });
}

test('what lines begin with counts', () => {
  assert.deepEqual(wrap('one two three', { columns: 10, first: '- ', rest: '    ' }), ['- one two', '    three']);
});

test('columns: wide characters are two, marks and isolates none', () => {
  assert.equal(columnsOf('数据'), 4);
  assert.equal(columnsOf('e\u0301'), 1);
  assert.equal(columnsOf('\u2068ab\u2069'), 2);
  assert.equal(columnsOf('▁▂▃▄▅▆▇█·…'), 10);
});

test('cut says that something is missing, and leaves no isolate open', () => {
  assert.equal(cut('abcdef', 6), 'abcdef');
  assert.equal(cut('abcdefg', 6), 'abcde…');
  assert.equal(cut('abcd efg', 6), 'abcd…');
  assert.equal(cut('数据库数据', 6), '数据…');
  assert.equal(cut('\u2068אבגדהוז\u2069', 4), '\u2068אבג…\u2069');
});

test('a command over several lines is the same to a shell', () => {
  const words = ['printf', "'%s\\n'", "'a b c d e f g h i j'", 'second', '--third', 'fourth'];
  const lines = wrapCommand(words, { columns: 20, first: '  ', rest: '    ' });
  assert.ok(lines.length > 2);
  const output = execFileSync('/bin/sh', ['-c', lines.join('\n')], { encoding: 'utf8' });
  assert.equal(output, 'a b c d e f g h i j\nsecond\n--third\nfourth\n');
});
