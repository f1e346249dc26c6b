import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import { packageDir } from '../../src/state-folder/paths.ts';

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
});
