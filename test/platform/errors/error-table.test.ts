/**
 * docs/errors.md says what the table says. `UPDATE_DOCS=1 node --import tsx --test
 * test/platform/errors/error-table.test.ts` prints it anew.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { errorTable } from '../../../src/platform/errors/error-table.ts';

const file = path.join(import.meta.dirname, '../../../docs/errors.md');

function printErrors(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = Object.entries(errorTable).map(
    ([code, { meaning, advice, exitStatus, retryable }]) =>
      `| \`${code}\` | ${cell(meaning)} | ${cell(advice)} | ${exitStatus} | ${retryable ? 'yes' : 'no'} |`,
  );
  return `# Errors

Every fault has a code. It stands in parentheses in the line on stderr, in the \`code\` column of \`visits\`, in the reason
beside a quarantined report, and in \`--json\`. Printed from \`src/platform/errors/error-table.ts\`; a test keeps the two equal.

*Exit* is the exit status when the fault ends a whole run: 1 the run was made, but something failed; 2 usage or
configuration; 3 the run could not be made. A fault of one client never ends the run: it is a row of \`visits\`, and the
run exits 1. *Retry* says whether \`collect --retry N\` tries such a client again.

| code | what has happened | what to do | exit | retry |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

test('docs/errors.md is printed from the table', () => {
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, printErrors());
  assert.equal(readFileSync(file, 'utf8'), printErrors());
});

test('every code says what has happened and what to do, in whole sentences', () => {
  for (const [code, { meaning, advice }] of Object.entries(errorTable)) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/);
    assert.match(meaning, /^\S.*[.]$/, code);
    assert.match(advice, /^\S.*[.]$/, code);
  }
});
