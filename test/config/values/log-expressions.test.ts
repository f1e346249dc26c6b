import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { logExpressionFault } from '../../../src/config/values/log-expressions.ts';

const awks = [['mawk'], ['gawk'], ['original-awk'], ['busybox', 'awk']].filter(
  ([awk = '']) => spawnSync('which', [awk]).status === 0,
);
const texts = [
  'Out of memory: Killed process 12 (mysqld)',
  'I/O error, dev sda, sector 5',
  'a.b*c+d?e(f)g[h]i{j}k|l^m$n\\o/p',
  'EXT4-fs error (device dm-0): bad "x" \'y\'',
  'aaab',
  'segfault at 0',
  'x-y]z',
  '',
];
const accepted: readonly (readonly [expression: string, matches: readonly number[]])[] = [
  ['Out of memory|oom-kill', [0]],
  ['^I/O error, dev (sd[a-z]|nvme[0-9]+n[0-9]+)', [1]],
  ['\\.b\\*c\\+d\\?e\\(f\\)g\\[h\\]i\\{j\\}k\\|l\\^m\\$n\\\\o\\/p$', [2]],
  ['error \\(device [^)]*\\): ', [3]],
  ['^a+b$', [4]],
  ['^(aa)*ab$', [4]],
  ['e.*e.*d|a.*b.*k|m.*n.*o', [0, 1, 2, 3]],
  ['[A-Z0-9]+-fs', [3]],
  ['x[_-]y', [6]],
  ['"x" .y', [3]],
  ['(foo|seg)fault|^x', [5, 6]],
  ['^$', [7]],
];

for (const awk of awks) {
  test(`${awk.join(' ')} reads accepted expressions as it should`, () => {
    for (const [expression, expected] of accepted) {
      assert.equal(logExpressionFault(expression), null, expression);
      const here = texts.flatMap((text, at) => (new RegExp(expression).test(text) ? [at] : []));
      assert.deepEqual(here, expected, expression);
      const [program, ...args] = [...awk, 'BEGIN { e = ENVIRON["e"] } { if ($0 ~ e) print NR - 1 }'];
      const { stdout } = spawnSync(program, args, {
        input: `${texts.join('\n')}\n`,
        env: { PATH: process.env['PATH'], LC_ALL: 'C', e: expression },
      });
      assert.deepEqual(stdout.toString().split('\n').filter(Boolean).map(Number), expected, expression);
    }
  });
}

test('what awks read in different ways, or for ever, is refused with what to write', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['\\d+', /^has \\d, which not every awk knows; write \[0-9\]$/],
    ['(a)\\1', /^has \\1, which not every awk knows$/],
    ['\\bfoo', /^has \\b/],
    ['a{2}', /^has \{, which awks read in different ways/],
    ['[[:digit:]]', /^has a \[ \] that not every awk reads/],
    ['[\\]]', /^has a \[ \]/],
    ['[]a]', /^has a \[ \]/],
    ['[a', /^has a \[ \]/],
    ['[z-a]', /^has the range z-a/],
    ['[A-z]', /^has the range A-z/],
    ['a]', /^has \]/],
    ['*a', /^has \* with nothing before it/],
    ['^*a', /^has \* with nothing/],
    ['a**', /^has \* behind a repetition/],
    ['(a+)+b', /^has \+ behind a group that holds a choice or a repetition, which may take for ever$/],
    ['(ab|a|b)*c', /behind a group that holds a choice/],
    ['(ab?)+c', /behind a group that holds a choice/],
    ['((a|b)c)+', /behind a group that holds a choice/],
    ['a*b*c*', /^has more than 2 of \* and \+ in a row/],
    ['(a+|b+)c|(a*)b*(c+)', /^has more than 2 of/],
    ['a?b?c?d?e?f?g?h?i?j?k?', /^has too many choices in a row/],
    ['(a|b|c|d)'.repeat(6), /^has too many choices in a row/],
    ['((a*)b)*', /may take for ever$/],
    ['a|', /^ends with an empty part$/],
    ['(|a)', /^has an empty part before \|$/],
    ['()', /^has an empty part before \)$/],
    ['(a', /^has a \( without its \)$/],
    ['a)', /^has a \) without its \($/],
    ['a^b', /^has \^ in the middle/],
    ['a$b', /^has \$ in the middle/],
    ['gr\u00fcn', /not ASCII/],
    ['a\\', /^has \\/],
    ['a'.repeat(201), /^is longer than 200 characters$/],
  ];
  for (const [expression, reason] of refused)
    assert.match(logExpressionFault(expression) ?? 'taken', reason, expression);
});

test('a line of 512 bytes that is made for it costs mawk no more than seconds with an accepted expression', (t) => {
  if (spawnSync('which', ['mawk']).status !== 0) {
    t.skip('needs mawk');
    return;
  }
  for (const expression of ['a*a*c', '[a-z]*a[a-z]*c', 'a.*a.*c', '(aa)*(aa)*c', '(a|aa)'.repeat(10)]) {
    assert.equal(logExpressionFault(expression), null, expression);
    const { status, signal } = spawnSync('mawk', ['BEGIN { e = ENVIRON["e"] } { exit $0 ~ e ? 3 : 4 }'], {
      input: `${'a'.repeat(512)}\n`,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', e: `${expression}x` },
      timeout: 60_000,
    });
    assert.deepEqual([status, signal], [4, null], expression);
  }
});
