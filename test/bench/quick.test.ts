// Second tier: runs six benchmarks.
/** Runs the cheap benchmarks at tiny sizes. Checks that their records have the figures of docs/performance.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { benchmarks } from '../../bench/benchmarks.ts';
import { describeMachine } from '../../bench/machine.ts';
import type { BenchRecord } from '../../bench/results.ts';
import { performanceText } from '../../bench/write-performance.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { checkFigure } from './support/check-figure.ts';

const document = readFileSync(path.join(packageDir, 'docs', 'performance.md'), 'utf8');
/** The benchmarks that need no server, no fleet and no registry. */
const cheap = ['sealed', 'start', 'status', 'alerter', 'serve', 'report'];
const records: BenchRecord[] = [];

for (const name of cheap) {
  test(`${name} --quick`, async () => {
    const listed = benchmarks.find((one) => one.name === name);
    assert.ok(listed);
    const benchmark = await listed.load();
    const date = new Date().toISOString();
    const { figures, series } = await benchmark({ quick: true, say: () => undefined });
    assert.ok(figures.length > 0);
    assert.ok(figures.some(({ ours }) => ours !== null));
    for (const figure of figures) checkFigure(figure);
    const machine = describeMachine();
    records.push({
      benchmark: name,
      quick: true,
      date,
      command: `npm run bench ${name}`,
      seconds: 1,
      machine,
      figures,
      series,
    });
  });
}

after(() => {
  if (records.length < cheap.length) return;
  const text = performanceText(document, JSON.parse(JSON.stringify(records)) as BenchRecord[]);
  for (const { figures } of records) {
    for (const { name } of figures) assert.equal(text.split(`| \`${name}\` |`).length, 2, `a line for ${name}`);
  }
  assert.equal(performanceText(text, records), text);
});
