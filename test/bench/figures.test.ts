/** The figures of the benchmarks: what is published, compared with targets and drawn. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { figureLine } from '../../bench/figure-words.ts';
import { atMost, measured, notMeasured, ratioAtLeast, ratioAtMost } from '../../bench/figure.ts';
import type { Row, Series, Target } from '../../bench/figure.ts';
import { plotSeries } from '../../bench/plot.ts';
import { published, type BenchRecord } from '../../bench/results.ts';
import { performanceText } from '../../bench/write-performance.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { checkFigure } from './support/check-figure.ts';

const document = readFileSync(path.join(packageDir, 'docs', 'performance.md'), 'utf8');

test('what is published is what its JSON says', { skip: !existsSync(published) }, () => {
  const kept = JSON.parse(readFileSync(published, 'utf8')) as readonly BenchRecord[];
  for (const { quick, figures } of kept) {
    assert.equal(quick, false);
    for (const figure of figures) checkFigure(figure);
  }
  assert.equal(performanceText(document, kept), document, 'made by `npm run bench -- --write`');
  const picture = readFileSync(path.join(packageDir, 'docs', 'performance.svg'), 'utf8');
  assert.equal(plotSeries(kept.flatMap(({ series }) => series)), picture);
});

test('a target is compared with the median of what it is of', () => {
  const row = (target: Target | null): Row => ({ name: 'a', what: 'something', unit: 'ms', peer: 'b', target });
  const cases: readonly (readonly [Target | null, boolean | null])[] = [
    [ratioAtMost(2), true],
    [ratioAtMost(1.99), false],
    [ratioAtLeast(2), true],
    [ratioAtLeast(2.01), false],
    [atMost(20), true],
    [atMost(19), false],
    [null, null],
  ];
  for (const [target, isMet] of cases) {
    assert.equal(measured(row(target), [20, 200, 20], [10, 10, 10]).isMet, isMet, JSON.stringify(target));
  }
  // Without a peer's figure the ratio is unknown.
  assert.equal(measured(row(ratioAtMost(2)), [20]).isMet, null);
  const absent = notMeasured(row(ratioAtMost(2)), 'there is no b');
  checkFigure(absent);
  assert.equal(figureLine(absent), 'a: not measured: there is no b');
  assert.equal(
    figureLine(measured(row(ratioAtMost(1.5)), [20, 22], [10, 11])),
    'a: 21.0 ms (20.0 to 22.0); b 10.5 ms (10.0 to 11.0); ratio 2.00 (2.00 to 2.00); target <= 1.5: NOT REACHED',
  );
});

test('a plot has a panel for each series, whatever its values', () => {
  const series = (values: readonly number[]): Series => ({
    name: 'a',
    what: 'a < b & c',
    unit: 's',
    points: values.map((value, index) => ({ n: 100 * 10 ** index, value })),
    fit: null,
  });
  const svg = plotSeries([series([0.01, 0.5, 70]), series([3]), series([5, 5]), series([])]);
  assert.equal(svg.match(/<g /g)?.length, 3);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  assert.match(svg, /a &lt; b &amp; c/);
});
