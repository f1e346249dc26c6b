import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { shellWord, shownShellWord } from '../../src/text/shell-word.ts';

const words = [
  'web-1',
  'web 1',
  "o'neill",
  '$(reboot)',
  '`id`',
  'a;b',
  '*',
  '',
  'файл',
  'a\\',
  '"',
  '~root',
  '-x',
  '#',
];

function printed(quoted: readonly string[]): string {
  return execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${quoted.join(' ')}`], { encoding: 'utf8' });
}

test('a shell takes every word as it is', () => {
  const exact = [...words, 'a\nb', '\u001b[31m', ' a '];
  assert.deepEqual(printed(exact.map(shellWord)).split('\0').slice(0, -1), exact);
  assert.deepEqual(printed(words.map(shownShellWord)).split('\0').slice(0, -1), words);
});

test('a word that is shown is one harmless line', () => {
  assert.equal(shownShellWord('web\n1 \u001b[31m'), "'web 1 \ufffd[31m'");
});
