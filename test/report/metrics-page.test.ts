import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { packageDir } from '../../src/state/paths.ts';
import { metrics } from '../../src/report/metrics.ts';

const page = path.join(packageDir, 'docs', 'metrics.md');

test('docs/metrics.md lists every metric', () => {
  const rows = metrics.map(({ name, unit, labels }) => `| \`${name}\` | ${unit} | ${labels.join(', ')} |`);
  const text = [
    '# Metrics',
    '',
    'What `<alert metric="...">` can judge. Made from src/report/metrics.ts: `UPDATE=1 node --import tsx ' +
      '--test test/report/metrics-page.test.ts`.',
    '',
    '| metric | unit | labels |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  if (process.env['UPDATE'] === '1') writeFileSync(page, text);
  assert.equal(readFileSync(page, 'utf8'), text);
});
