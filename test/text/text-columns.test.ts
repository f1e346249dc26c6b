import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { columnsOf, cut, wrap, wrapCommand } from '../../src/text/text-columns.ts';

const wraps: readonly { readonly name: string; readonly text: string; readonly lines: readonly string[] }[] = [
  { name: 'fits', text: 'one two', lines: ['one two'] },
  { name: 'between words', text: 'one two three four', lines: ['one two', 'three four'] },
  { name: 'exactly', text: 'abcde fghi', lines: ['abcde fghi'] },
  {
    name: 'a word wider than a line',
    text: `a ${'x'.repeat(23)} b`,
    lines: ['a', 'xxxxxxxxxx', 'xxxxxxxxxx', 'xxx b'],
  },
  { name: 'wide characters', text: '数据库数据库数据', lines: ['数据库数据', '库数据'] },
  { name: 'never through a character of several', text: '👩‍👧👩‍👧👩‍👧👩‍👧👩‍👧👩‍👧', lines: ['👩‍👧👩‍👧👩‍👧👩‍👧👩‍👧', '👩‍👧'] },
  {
    name: 'addresses stay whole',
    text: 'see https://example.org/a/b/c now',
    lines: ['see', 'https://example.org/a/b/c', 'now'],
  },
  { name: 'nothing', text: '', lines: [''] },
];

for (const { name, text, lines } of wraps) {
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
