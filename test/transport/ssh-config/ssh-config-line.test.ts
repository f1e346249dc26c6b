import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseSshConfigLine, splitArguments } from '../../../src/transport/ssh-config/ssh-config-line.ts';

describe('a line of ssh_config', () => {
  const table: readonly (readonly [line: string, parsed: readonly string[] | string | null])[] = [
    ['', null],
    [' \t\r', null],
    ['  # x', null],
    ['User bob', ['user', 'User', 'bob']],
    ['\r User bob \t\r\f', ['user', 'User', 'bob']],
    ['"User" bob', ['user', 'User', 'bob']],
    ['"User"=bob', ['user', 'User', '=bob']],
    ['"User" = bob', ['user', 'User', '= bob']],
    ['User bob\0by', ['user', 'User', 'bob']],
    ['User bob \0\n', ['user', 'User', 'bob']],
    ['\0User bob', null],
    ['User="bob"', ['user', 'User', '"bob"']],
    ['User\r=\r bob', ['user', 'User', 'bob']],
    ['User = = bob', ['user', 'User', '= bob']],
    ['User"bob"', ['user', 'User', '"bob"']],
    ['"" bob', 'there is no keyword'],
    ['= bob', 'there is no keyword'],
    ['User', 'User has no argument'],
    ['HOST', 'HOST has no argument'],
    ['Match ', 'Match has no argument'],
    ['include=', 'include has no argument'],
    // A line of a private key.
    ['MC4CAQAwBQYDK2VwBCIEIB', 'the line has no argument'],
    ['User "bob', 'a quote is not closed'],
  ];
  for (const [line, expected] of table) {
    it(JSON.stringify(line), () => {
      const parsed = parseSshConfigLine(line);
      const isLine = parsed !== null && typeof parsed !== 'string';
      assert.deepEqual(isLine ? [parsed.keyword, parsed.written, parsed.rest] : parsed, expected);
    });
  }
});

describe('the arguments of a line', () => {
  const table: readonly (readonly [text: string, words: readonly string[] | null])[] = [
    ['a b\tc', ['a', 'b', 'c']],
    ['a#b #c d', ['a#b']],
    ['#', []],
    ['"a b" \'c d\'', ['a b', 'c d']],
    ['a"b c"d', ['ab cd']],
    ['"" b', ['', 'b']],
    ['"a\'b" \'c"d\'', ["a'b", 'c"d']],
    [String.raw`a\ b "a\ b"`, ['a b', String.raw`a\ b`]],
    [String.raw`\" \' \\ \n`, ['"', "'", '\\', String.raw`\n`]],
    [String.raw`"\"" '\'' "\\"`, ['"', "'", '\\']],
    ['"a', null],
    ["a'", null],
    [String.raw`"a\"`, null],
  ];
  for (const [text, words] of table) it(text, () => assert.deepEqual(splitArguments(text), words));
});
