import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { checkStats } from '../../../src/report/checks/checks.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { codePoint } from '../../support/code-points.ts';

const datetime = '2026-11-22T09:00:00.000Z';
const ran = (more: Partial<CheckResult>): CheckResult => ({
  name: 'disk',
  format: 'nagios',
  exit: 0,
  why: null,
  output: '',
  age_s: 0,
  ...more,
});
const only = (more: Partial<CheckResult>) => checkStats({ datetime, checks: [ran(more)] });

test('the exit status of a plugin is its state', () => {
  for (const exit of [0, 1, 2, 3]) assert.equal(only({ exit })[0]?.state, exit);
  assert.deepEqual(only({ exit: 2, output: 'DISK CRITICAL | /=97%;80;90', age_s: 30 }), [
    { check_name: 'disk', state: 2, text: 'DISK CRITICAL', perfdata: '/=97%;80;90', age_s: 30, refused: 0 },
  ]);
});

test('a check that is not OK and printed nothing says so', () => {
  const texts = [0, 1, 2, 3].map((exit) => only({ exit, output: '\n' })[0]?.text);
  assert.deepEqual(texts, ['', 'no output', 'no output', 'no output']);
  assert.equal(only({ exit: 2, output: '| a=1' })[0]?.text, '');
});

test('anything else is UNKNOWN, with why before what the plugin said', () => {
  const cases: readonly (readonly [Partial<CheckResult>, string])[] = [
    [{ exit: 126 }, 'exit status 126: the command cannot be executed'],
    [{ exit: 127, output: 'sh: no' }, 'exit status 127: there is no such command: sh: no'],
    [{ exit: 139 }, 'exit status 139: signal 11'],
    [{ exit: 4 }, 'exit status 4'],
    [{ exit: -1 }, 'exit status -1'],
    [{ exit: 255 }, 'exit status 255'],
    [{ exit: null }, 'it did not end by itself'],
    [{ exit: null, why: 'timeout after 10 s', output: 'half a li' }, 'timeout after 10 s: half a li'],
    [{ exit: 0, why: 'too long' }, 'too long'],
    [{ exit: 1, format: 'checkmk', output: '0 x - y' }, 'exit status 1'],
    [{ exit: 0, format: 'checkmk' }, 'no line of output'],
  ];
  for (const [more, text] of cases) {
    const [result] = only(more);
    assert.deepEqual([result?.state, result?.text], [3, text]);
  }
});

test('the lines of a local check whose script ends with another status count, beside the status', () => {
  const said = (more: Partial<CheckResult>): unknown =>
    only({ format: 'checkmk', output: '0 a - ok\n2 b - bad', ...more }).map(
      ({ check_name: name, state, text }) => `${name} ${state} ${text}`,
    );
  assert.deepEqual(said({ exit: 1 }), ['disk 3 exit status 1', 'disk/a 0 ok', 'disk/b 2 bad']);
  assert.deepEqual(said({ exit: 5, output: '' }), ['disk 3 exit status 5']);
  for (const more of [{ exit: 127 }, { exit: null }, { exit: null, why: 'timeout' }])
    assert.equal(only({ format: 'checkmk', output: '0 a - ok', ...more }).length, 1);
});

test('a local check has a result for each line, and one of its own where a line is none', () => {
  const output = '0 "a b" x=1 fine\n2 c - bad\nwhat is this\n';
  assert.deepEqual(
    only({ format: 'checkmk', output }).map(({ check_name: name, state, text }) => ({ name, state, text })),
    [
      { name: 'disk', state: 3, text: 'not a line of a local check: what is this' },
      { name: 'disk/a b', state: 0, text: 'fine' },
      { name: 'disk/c', state: 2, text: 'bad' },
    ],
  );
});

test('results are bounded, and the worse of two of one name counts and names the other', () => {
  const output = Array.from({ length: 300 }, (_, index) => `0 i${index} - -`).join('\n');
  assert.equal(only({ format: 'checkmk', output }).length, 200);
  const said = (...exits: readonly number[]) =>
    checkStats({ datetime, checks: exits.map((exit) => ran({ exit, output: `it is ${exit}` })) }).map(
      ({ state, text }) => `${state} ${text}`,
    );
  const other = 'another result has this name:';
  assert.deepEqual(said(1, 2), [`2 it is 2\n${other} WARNING it is 1`]);
  assert.deepEqual(said(2, 1), [`2 it is 2\n${other} WARNING it is 1`]);
  assert.deepEqual(said(0, 3), [`3 it is 3\n${other} OK it is 0`]);
  assert.deepEqual(said(3, 1), [`1 it is 1\n${other} UNKNOWN it is 3`]);
  assert.deepEqual(said(0, 0), [`0 it is 0\n${other} OK it is 0`]);
  const long = Array.from({ length: 50 }, () => ran({ exit: 2, output: 'x'.repeat(900) }));
  const [row, ...rows] = checkStats({ datetime, checks: long });
  assert.deepEqual([row?.text.length, rows.length], [1000, 0]);
});

test('what shares a label, or a name and labels, with another one is told in the text', () => {
  const textOf = (given: Parameters<typeof ran>[0]): readonly string[] =>
    checkStats({ datetime, checks: [ran(given)] }).map(({ text }) => text);
  const twice = 'it is there twice, the first one counts';
  assert.deepEqual(textOf({ output: 'well | a=1 b=2 a=3 a=4' }), [`well\nfigure a: ${twice}`]);
  assert.deepEqual(textOf({ output: '| a=1 a=1' }), [`figure a: ${twice}`]);
  assert.deepEqual(textOf({ output: 'well | a=1 b=2' }), ['well']);
  assert.deepEqual(textOf({ format: 'checkmk', output: '0 x a=1|a=2 well' }), [`well\nfigure a: ${twice}`]);
  const samples = ['m{a="1"} 1', 'm{a="2"} 1', 'm 2', 'm{b="",a="1"} 3', 'm 4'];
  assert.deepEqual(textOf({ format: 'prom', output: samples.join('\n') }), [
    '5 samples\n2 of a name and labels that another one has, such as m',
  ]);
  assert.deepEqual(textOf({ format: 'prom', output: samples.slice(0, 3).join('\n') }), ['3 samples']);
  const [folder] = textOf({
    format: 'textfile',
    output: `stale=60\nfile=1 a.prom\n${samples.map((one) => `+${one}`).join('\n')}`,
  });
  assert.equal(folder, '1 file\n2 of a name and labels that another one has, such as m');
});

test('no text keeps what a screen or a database must not meet', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: codePoint }),
      fc.constantFrom('nagios' as const, 'checkmk' as const),
      (text, format) => {
        const output = format === 'checkmk' ? `1 "${text.replaceAll('"', '')}" ${text} ${text}` : text;
        for (const { check_name: name, text: shown, perfdata } of only({ format, output })) {
          assert.ok(name.length <= 128);
          assert.match(name + perfdata, /^[^\p{Cc}\p{Cs}]*$/u);
          assert.match(shown, /^(?:\n|[^\p{Cc}\p{Cs}])*$/u);
        }
      },
    ),
  );
});

test('a file that was refused is a row with its path and why', () => {
  const refused = [{ path: '/etc/fleet-health/checks.d/x.conf', why: 'others may write it' }];
  const [row] = checkStats({ datetime, checks: [], checks_refused: refused });
  assert.deepEqual(
    { check_name: row?.check_name, state: row?.state, text: row?.text, refused: row?.refused },
    { check_name: refused[0]?.path, state: 3, text: 'others may write it', refused: 1 },
  );
  assert.deepEqual(checkStats({ datetime }), []);
});
