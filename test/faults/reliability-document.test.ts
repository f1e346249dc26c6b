import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import { packageDir } from '../../src/state/paths.ts';

const folder = path.join(packageDir, 'docs');
const text = readFileSync(path.join(folder, 'reliability.md'), 'utf8');
const faults = text.slice(text.indexOf('\n## Faults\n'));

/** Returns the cells of all table rows of a text, without heads and rules. */
function rowsOf(part: string): readonly (readonly string[])[] {
  const lines = part.split('\n').filter((line) => line.startsWith('|'));
  const isRule = (line: string | undefined): boolean => line !== undefined && /^\|[-|]+\|$/.test(line);
  return lines
    .filter((line, index) => !isRule(line) && !isRule(lines[index + 1]))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

describe('docs/reliability.md', () => {
  test('no cell of the table of faults is empty', () => {
    const rows = rowsOf(faults);
    assert.ok(rows.length > 30, `${rows.length} rows`);
    for (const row of rows) {
      assert.equal(row.length, 4, row.join(' | '));
      for (const cell of row) assert.match(cell, /\w/, row.join(' | '));
    }
  });

  test('each row names a test that is there', () => {
    for (const row of rowsOf(faults)) {
      const files = [...(row[3] ?? '').matchAll(/\]\((\.\.\/test\/[\w./-]+\.test\.ts)\)/g)].map(
        ([, file = '']) => file,
      );
      assert.ok(files.length > 0, `no test: ${row.join(' | ')}`);
      for (const file of files) assert.ok(existsSync(path.join(folder, file)), `${file} is not there`);
    }
  });

  test('the figures of the long runs are there, and say that nothing was lost or doubled', () => {
    const figures = rowsOf(text.slice(0, text.indexOf('\n## Faults\n'))).filter(([database = '']) =>
      /^(SQLite|MariaDB)/.test(database),
    );
    assert.deepEqual(new Set(figures.map(([database = '']) => database.split(' ')[0])), new Set(['SQLite', 'MariaDB']));
    const kills = new Map<string, number>();
    for (const [database = '', , killed = '', , , lost, doubled] of figures) {
      const name = database.split(' ')[0] ?? '';
      kills.set(name, (kills.get(name) ?? 0) + Number(killed.replaceAll(',', '')));
      assert.deepEqual([lost, doubled], ['0', '0']);
    }
    for (const [name, killed] of kills) assert.ok(killed >= 2000, `${name}: ${killed} kills`);
  });
});
