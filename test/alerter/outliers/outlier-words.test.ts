/** Members that differ from their group, in words: one row for each figure and each fact. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { FigureOutlier } from '../../../src/alerter/outliers/figure-outliers.ts';
import type { KindOutlier } from '../../../src/alerter/outliers/kind-outliers.ts';
import { figureOutlierWords, kindOutlierSentence } from '../../../src/alerter/outliers/outlier-words.ts';

const figure = { group: 'web', client: 'web-1', subject: '/srv', score: 9, rows: 12, of: 12 } as const;

const figures: Readonly<Record<FigureOutlier['metric'], readonly [value: number, what: string, words: string]>> = {
  cpu: [94.26, 'CPU', '94.3 %'],
  memory: [94.26, 'memory', '94.3 %'],
  load: [2.345, 'load per CPU', '2.35'],
  swap: [94.26, 'swap', '94.3 %'],
  processes: [120.4, 'processes', '120'],
  temperature: [61.26, 'temperature', '61.3 °C'],
  received: [3 * 2 ** 20, 'received', '3 MiB/s'],
  sent: [2048, 'sent', '2 KiB/s'],
  mount: [94.26, '/srv', '94.3 %'],
};
for (const [metric, [value, what, words]] of Object.entries(figures)) {
  test(`an outlier of ${metric} is ${what} ${words}`, () => {
    const outlier = { ...figure, metric: metric as FigureOutlier['metric'], value, median: 0 };
    const { what: named, value: shown } = figureOutlierWords(outlier);
    assert.deepEqual([named, shown], [what, words]);
  });
}

test('the median has the words of the value', () => {
  const outlier = { ...figure, metric: 'cpu', value: 94, median: 11.54 } as const;
  assert.equal(figureOutlierWords(outlier).median, '11.5 %');
});

/** Sentences about one member with another value, about several with one, and about several with several. */
const kinds: Readonly<Record<Exclude<KindOutlier['fact'], 'mount'>, readonly [string, string, string]>> = {
  os: ['1 of 80 runs B instead of A', '2 of 80 run B instead of A', '2 of 80 run another system than A'],
  kernel: [
    '1 of 80 runs kernel B instead of A',
    '2 of 80 run kernel B instead of A',
    '2 of 80 run another kernel than A',
  ],
  architecture: [
    '1 of 80 has architecture B instead of A',
    '2 of 80 have architecture B instead of A',
    '2 of 80 have another architecture than A',
  ],
  cpus: [
    '1 of 80 has B instead of A CPUs',
    '2 of 80 have B instead of A CPUs',
    '2 of 80 have another number of CPUs than A',
  ],
  memory: [
    '1 of 80 has B instead of A of memory',
    '2 of 80 have B instead of A of memory',
    '2 of 80 have another amount of memory than A',
  ],
};
for (const [fact, [one, many, several]] of Object.entries(kinds)) {
  test(`kinds: ${several}`, () => {
    const sentence = (value: string | null, ...clients: readonly string[]): string =>
      kindOutlierSentence({ group: 'web', fact: fact as KindOutlier['fact'], usual: 'A', value, members: 80, clients });
    assert.deepEqual([sentence('B', 'a'), sentence('B', 'a', 'b')], [one, many]);
    assert.equal(sentence(null, 'a', 'b'), several);
  });
}

test('members without a mount lack it', () => {
  const lacking = { group: 'web', fact: 'mount', usual: '/srv', value: null, members: 80, clients: ['a'] } as const;
  assert.equal(kindOutlierSentence(lacking), '1 of 80 lacks mount /srv');
  assert.equal(kindOutlierSentence({ ...lacking, clients: ['a', 'b'] }), '2 of 80 lack mount /srv');
});
