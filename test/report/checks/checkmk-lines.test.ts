import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { parseCheckmkLines } from '../../../src/report/checks/checkmk-lines.ts';
import { formatPerfdata } from '../../../src/report/checks/written-perfdata.ts';
import { codePoint } from '../../support/code-points.ts';

const read = (output: string) => {
  const { checks, wrongLine } = parseCheckmkLines(output);
  return [
    ...checks.map(({ state, name, text, figures }) => ({ state, name, figures: formatPerfdata(figures), text })),
    wrongLine,
  ];
};

test('lines of local checks', () => {
  assert.deepEqual(
    read('0 "Service FOO" value1=42|value2=21;23;27;0;100 This line uses figures\n1 Bar - Worse\\nmore\n'),
    [
      { state: 0, name: 'Service FOO', figures: 'value1=42 value2=21;23;27;0;100', text: 'This line uses figures' },
      { state: 1, name: 'Bar', figures: '', text: 'Worse\nmore' },
      null,
    ],
  );
  assert.deepEqual(read('cached(1700000000,300) 2 Backup age=90000;3600;7200 too old'), [
    { state: 2, name: 'Backup', figures: 'age=90000;3600;7200', text: 'too old' },
    null,
  ]);
  assert.deepEqual(read('<<<local>>>\n\n3 x\n'), [{ state: 3, name: 'x', figures: '', text: '' }, null]);
});

test('the state P follows from figures and levels', () => {
  const stateOf = (figures: string) => parseCheckmkLines(`P x ${figures} text`).checks[0]?.state;
  const states = {
    'a=5;10;20': 0,
    'a=10;10;20': 1,
    'a=20;10;20': 2,
    'a=5;10:20;1:30': 1,
    'a=0;10:20;1:30': 2,
    'a=5;1;|b=9;1;2': 2,
    'a=-5;0:20;0:50': 2,
    'a=-5;20;50': 0,
    'a=-5;0:20;-10:50': 1,
    'cpu|board=40;80;90': 3,
    'cpu|board=95;80;90': 2,
    'a=U;1;2|b=1;5;6': 3,
    'a=;1;2|b=1;5;6': 3,
    'a=U|b=1;5;6': 0,
    'a=1;2;3|a=9;2;3': 2,
    [`${'a=1;2;3|'.repeat(3)}${Array.from({ length: 70 }, (_, at) => `b${at}=${at};60;69`).join('|')}`]: 2,
    'a=2s;500ms;5s': 1,
  };
  for (const [figures, state] of Object.entries(states)) assert.equal(stateOf(figures), state, figures);
  assert.equal(stateOf('-'), 3);
  assert.equal(stateOf('a=U;1;2'), 3);
});

test('a line with a figure that is none keeps its state (bashclub/checkmk-opnsense-agent#25)', () => {
  const line =
    '2 "OpenVPN Server: rw" connections_ssl_vpn=0;;63|expiredays=3542|if_in_octets=0| Server down Port:1195/UDP';
  assert.deepEqual(read(line), [
    {
      state: 2,
      name: 'OpenVPN Server: rw',
      figures: 'connections_ssl_vpn=0;;63 expiredays=3542 if_in_octets=0',
      text: 'Server down Port:1195/UDP',
    },
    null,
  ]);
});

test('the first line that is none is reported, and the others are read', () => {
  for (const line of ['bash: df: command not found', '4 x - y', '0', '"" 0 x', '0 "open - text']) {
    const { checks, wrongLine } = parseCheckmkLines(`${line}\n0 x - fine`);
    if (line.startsWith('0 "open')) continue;
    assert.equal(wrongLine, line);
    assert.equal(checks.length, 1);
  }
});

const odd: readonly (readonly [line: string, state: number, figures: string, text: string])[] = [
  // Levels without an end, in the words of scripts that print floats.
  ['P x v=5;inf;inf t', 0, 'v=5', 't'],
  ['P x v=15;-10:10;-20:20 t', 1, 'v=15;-10:10;-20:20', 't'],
  ['P x v=-21;-10:10;-20:20 t', 2, 'v=-21;-10:10;-20:20', 't'],
  ['P x v=0;0;0 t', 2, 'v=0;0;0', 't'],
  // Blanks that scripts leave.
  ['0  x\t-   spaced  out ', 0, '', 'spaced  out'],
  ["1 'single quoted' - t", 1, '', 't'],
  ['0 x count=1;2;3;0;10', 0, 'count=1;2;3;0;10', ''],
  // A word with an equals sign in the text is no figure.
  ['2 x - rc=1 failed', 2, '', 'rc=1 failed'],
  ['0 x a=1|b=2|c=3 three', 0, 'a=1 b=2 c=3', 'three'],
  ['3 x a=nan t', 3, '', 't'],
  ['0 x - ', 0, '', ''],
];
for (const [line, state, figures, text] of odd) {
  test(`a line that scripts print is read: ${line}`, () => {
    const [first, wrongLine] = read(line);
    assert.deepEqual(
      [first, wrongLine],
      [{ state, name: /single/.test(line) ? 'single quoted' : 'x', figures, text }, null],
    );
  });
}

test('whatever is written, it is read', () => {
  fc.assert(fc.property(fc.string({ unit: codePoint }), (text) => void parseCheckmkLines(`P ${text}\n0 "${text}`)));
});
