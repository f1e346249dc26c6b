import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { families, prefix } from '../../src/look/metrics/families.ts';
import { ruleTypes } from '../../src/config/vocabulary/rule-types.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { metrics, statsFigures } from '../../src/report/metrics.ts';

/** The tables that the documents have, by their names in comments. */
const tables: Readonly<Record<string, readonly string[]>> = {
  figures: [
    '| figure of `stats` | unit | meaning |',
    '|---|---|---|',
    ...Object.entries(statsFigures).map(([name, { unit, help }]) => `| \`${name}\` | ${unit} | ${help} |`),
  ],
  metrics: [
    '| metric | unit | labels | meaning | read from, on Linux |',
    '|---|---|---|---|---|',
    ...metrics.map(
      ({ name, unit, labels, help, source }) =>
        `| \`${name}\` | ${unit} | ${labels.join(', ')} | ${help} | ${source} |`,
    ),
  ],
  'rule types': [
    '| type | unit | evaluated | selectors |',
    '|---|---|---|---|',
    ...[...ruleTypes].map(
      ([name, { unit, source, selectors }]) => `| \`${name}\` | ${unit} | ${source} | ${selectors.join(', ')} |`,
    ),
  ],
  families: [
    '| name | labels | families | meaning |',
    '|---|---|---|---|',
    ...families.map(
      ({ name, labels, group, help }) =>
        `| \`${prefix}${name}\` | ${labels.map((label) => `\`${label}\``).join(', ')} | ${group} | ${help} |`,
    ),
  ],
};

for (const [name, rows] of Object.entries(tables)) {
  const file = name === 'figures' ? 'sql.md' : 'metrics.md';

  test(`docs/${file} lists every one of the ${name}`, () => {
    const page = path.join(packageDir, 'docs', file);
    const [begin, end] = [`<!-- ${name}: begin -->\n`, `<!-- ${name}: end -->\n`];
    const text = readFileSync(page, 'utf8');
    const [before = '', rest = ''] = text.split(begin);
    const [, after = ''] = rest.split(end);
    const made = `${before}${begin}${rows.join('\n')}\n${end}${after}`;
    if (process.env['UPDATE'] === '1') writeFileSync(page, made);
    assert.equal(readFileSync(page, 'utf8'), made);
  });
}
