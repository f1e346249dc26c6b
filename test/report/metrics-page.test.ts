import { test } from 'node:test';

import { families, prefix } from '../../src/look/metrics/families.ts';
import { ruleTypes } from '../../src/config/vocabulary/rule-types.ts';
import { metrics, statsFigures } from '../../src/report/metrics.ts';
import { assertWritten } from '../support/written-part.ts';

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
    assertWritten(`docs/${file}`, name, rows);
  });
}
