import assert from 'node:assert/strict';
import { test } from 'node:test';

import { renderTable, type Cell, type Column } from '../../src/cli/table.ts';

const columns: readonly Column[] = [
  { title: 'client', shrinks: true },
  { title: 'cpu', align: 'right' },
  { title: 'last error', shrinks: true },
];

function render(rows: readonly (readonly Cell[])[], width: number, terminal = true): string[] {
  return renderTable({ terminal, columns: width, colour: (_colour, text) => text }, columns, rows).split('\n');
}

test('columns are as wide as their widest cell, numbers to the right', () => {
  assert.deepEqual(
    render(
      [
        ['web-1', '5%', ''],
        ['db', '100%', 'dns: no such host'],
      ],
      80,
    ),
    [
      'client   cpu  last error', //
      'web-1     5%',
      'db      100%  dns: no such host',
    ],
  );
});

test('a table wider than the terminal is cut in its last column first', () => {
  const lines = render([['web-1', '5%', 'connect-timeout: no TCP connection to 192.0.2.1:22 within 10 s']], 40);
  assert.ok(lines.every((line) => line.length <= 40));
  assert.match(lines[1] ?? '', /^web-1 {4}5% {2}connect-timeout: .*…$/);
});

test('then in the others, and never below eight columns', () => {
  const name = 'a-client-with-a-very-long-name.example.org';
  const lines = render([[name, '5%', 'x'.repeat(60)]], 30);
  assert.ok(
    lines.every((line) => line.length <= 30),
    lines.join('\n'),
  );
  assert.match(lines[1] ?? '', /^a-clie\S*… +5% +x+…$/);
});

test('a log gets whole cells, whatever their length', () => {
  const lines = render([['web-1', '5%', 'x'.repeat(300)]], 80, false);
  assert.ok(lines[1]?.endsWith('x'.repeat(300)));
});

test('what comes from outside cannot move the cursor or start a new line', () => {
  const lines = render([['web-1', '5%', 'evil\u001b[2J\r\nfake row\u202e']], 120);
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? '', /^[\x20-\x7e]*$/);
});

test('wide characters keep the columns straight', () => {
  const lines = render(
    [
      ['東京-1', '5%', 'a'],
      ['web-01', '7%', 'b'],
    ],
    80,
  );
  assert.equal(lines[1], '東京-1   5%  a');
  assert.equal(lines[2], 'web-01   7%  b');
});

test('colour takes no room, and covers what was cut', () => {
  const output = { terminal: true, columns: 24, colour: (colour: string, text: string) => `<${colour}>${text}</>` };
  const rows = [
    [{ text: 'web-1', colour: 'red' }, '5%', { text: 'no TCP connection', colour: 'dim' }],
    ['db', { text: '100%', colour: 'green' }, ''],
  ] as const;
  assert.deepEqual(renderTable(output, columns, rows).split('\n'), [
    '<bold>client</>   <bold>cpu</>  <bold>last error</>',
    '<red>web-1</>     5%  <dim>no TCP co…</>',
    'db      <green>100%</>',
  ]);
});
