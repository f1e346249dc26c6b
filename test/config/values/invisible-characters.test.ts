import assert from 'node:assert/strict';
import { test } from 'node:test';

import { invisibleCharacter } from '../../../src/config/values/invisible-characters.ts';

for (const [name, found] of [
  ['web-1', null],
  ['Büro 2', null],
  ['サーバ', null],
  ['می\u200cروم', null],
  ['क्\u200dष', null],
  ['🖥\ufe0f db', null],
  ['👩\u200d💻', null],
  ['a\u200bb', 'U+200B'],
  ['a\u200db', 'U+200D'],
  ['\ufeffweb', 'U+FEFF'],
  ['a\u00adb', 'U+00AD'],
  ['a\u00a0b', 'U+00A0'],
  ['a\u3000b', 'U+3000'],
  ['a\u2028b', 'U+2028'],
  ['a\u202eb', 'U+202E'],
  ['a\u2066b', 'U+2066'],
  ['a\ufe0f', 'U+FE0F'],
  ['a\u034fb', 'U+034F'],
  ['a\u3164', 'U+3164'],
  ['a\u2800b', 'U+2800'],
  ['a\u{e0041}b', 'U+E0041'],
  ['a\tb', 'U+0009'],
] as const) {
  const shown = JSON.stringify(name).replace(/[^ -~]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`);
  test(`${shown} has ${found ?? 'no invisible character'}`, () => assert.equal(invisibleCharacter(name), found));
}
