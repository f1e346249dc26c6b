import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { packageDir } from '../../src/state-folder/paths.ts';

/**
 * Asserts that a document has these lines between its comments `<!-- NAME: begin -->` and `<!-- NAME: end -->`. Writes
 * them there if the variable UPDATE is 1.
 */
export function assertWritten(document: string, name: string, lines: readonly string[]): void {
  const page = path.join(packageDir, document);
  const [begin, end] = [`<!-- ${name}: begin -->\n`, `<!-- ${name}: end -->\n`];
  const text = readFileSync(page, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  const [, after = ''] = rest.split(end);
  const made = `${before}${begin}${lines.join('\n')}\n${end}${after}`;
  if (process.env['UPDATE'] === '1') writeFileSync(page, made);
  assert.equal(readFileSync(page, 'utf8'), made);
}
