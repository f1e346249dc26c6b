import assert from 'node:assert/strict';
import { test } from 'node:test';

import { renderTable, type Cell, type Column } from '../../../src/cli/terminal/table.ts';

type Row = readonly [client: Cell, cpu: Cell, error: Cell];

const columns: readonly Column<Row>[] = [
  { title: 'client', shrinks: true, cell: ([client]) => client },
  { title: 'cpu', align: 'right', cell: ([, cpu]) => cpu },
  { title: 'last error', shrinks: true, cell: ([, , error]) => error },
];

function render(rows: readonly Row[], width: number, terminal = true, notes: readonly Cell[] = []): string[] {
  const output = { terminal, columns: width, colour: (_colour: string, text: string) => text };
  return renderTable(output, columns, rows, () => notes).split('\n');
}

test('columns are as wide as their widest cell, numbers to the right', () => {
  const web: Row = ['web-1', '5%', ''];
  const db: Row = ['db', '100%', 'dns: no such host'];
  assert.deepEqual(render([web, db], 80), [
    'client   cpu  last error', //
    'web-1     5%',
    'db      100%  dns: no such host',
  ]);
});

test('a table wider than the terminal is cut in its last column first', () => {
  const lines = render([['web-1', '5%', 'connect-timeout: no TCP connection to 192.0.2.1:22 within 10 s']], 40);
  assert.ok(lines.every((line) => line.length <= 40));
  assert.match(lines[1] ?? '', /^web-1 {4}5% {2}connect-timeout: .*…$/);
});

test('then in the others, and never below eight columns', () => {
  const name = 'a-client-with-a-very-long-name.example.org';
  const lines = render([[name, '5%', 'x'.repeat(60)]], 30);
  const fit = lines.every((line) => line.length <= 30);
  assert.ok(fit, lines.join('\n'));
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
  const rows = ['東京-1 5% a', 'web-01 7% b'].map((row) => row.split(' ') as unknown as Row);
  assert.deepEqual(render(rows, 80).slice(1), ['東京-1   5%  a', 'web-01   7%  b']);
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

test('a column that may go is left out before a name is cut, and a name that is cut keeps its end', () => {
  const output = { terminal: true, columns: 32, colour: (_colour: string, text: string) => text };
  const wide: readonly Column<string>[] = [
    { title: 'client', shrinks: true, keepsEnd: true, cell: (name) => name },
    { title: 'since', drops: 1, cell: () => '2026-11-20 10:05' },
    { title: 'cpu', align: 'right', cell: () => '5%' },
  ];
  const draw = (...names: string[]): string[] => renderTable(output, wide, names).split('\n');
  assert.equal(draw('web-1')[1], 'web-1   2026-11-20 10:05   5%');
  assert.deepEqual(draw('web-12345678').slice(1), ['web-12345678   5%', 'Too narrow for: since.']);
  const [, one, other] = draw('kubernetes-production-frankfurt-web-17', 'kubernetes-production-frankfurt-web-18');
  assert.match(one ?? '', /^kub\S*…\S*-web-17 +5%$/);
  assert.notEqual(one, other);
});

test('notes stand below their row, broken between words on a terminal and whole in a log', () => {
  const notes = [{ text: 'no answer from port 22 within 5 s', colour: 'red' as const }];
  const draw = (terminal: boolean): string[] => render([['web-1', '5%', '']], 24, terminal, notes).slice(1);
  assert.deepEqual(draw(true), ['web-1    5%', '    no answer from port', '    22 within 5 s']);
  assert.deepEqual(draw(false), ['web-1    5%', '    no answer from port 22 within 5 s']);
});
