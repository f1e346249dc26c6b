import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type ClientKind, kindOutliers } from '../../../src/alerter/outliers/kind-outliers.ts';
import { figureOutlierWords, kindOutlierSentence } from '../../../src/alerter/outliers/outlier-words.ts';
import { times } from '../../support/times.ts';

const gib = 2 ** 30;
const usual = { os: 'Debian 12', kernel: '6.1.0-28', architecture: 'x86_64', cpus: 8, memoryBytes: 64 * gib };

function machine(client: string, odd: Partial<ClientKind> = {}): ClientKind {
  return { client, ...usual, mounts: ['/', '/data'], ...odd };
}

const others = (count: number): readonly ClientKind[] => times(count, (index) => machine(`web-${index}`));

for (const [odd, sentence] of [
  [{ os: 'Debian 11' }, '2 of 10 run Debian 11 instead of Debian 12'],
  [{ kernel: '6.1.0-18' }, '2 of 10 run kernel 6.1.0-18 instead of 6.1.0-28'],
  [{ architecture: 'aarch64' }, '2 of 10 have architecture aarch64 instead of x86_64'],
  [{ cpus: 4 }, '2 of 10 have 4 instead of 8 CPUs'],
  [{ memoryBytes: 32 * gib }, '2 of 10 have 32 GiB instead of 64 GiB of memory'],
  [{ mounts: ['/'] }, '2 of 10 lack mount /data'],
] as const satisfies readonly (readonly [Partial<ClientKind>, string])[]) {
  test(sentence, () => {
    const found = kindOutliers('web', [machine('b', odd), ...others(8), machine('a', odd)]);
    assert.deepEqual(found.map(kindOutlierSentence), [sentence]);
    assert.deepEqual(
      { group: found[0]?.group, members: found[0]?.members, clients: found[0]?.clients },
      { group: 'web', members: 10, clients: ['a', 'b'] },
    );
  });
}

test('members that differ each in its own manner are reported together', () => {
  const kinds = [machine('a', { kernel: '5' }), machine('b', { kernel: '4', cpus: 2 }), machine('c', { cpus: 4 })];
  const found = kindOutliers('web', [...kinds, ...others(9)]);
  assert.deepEqual(found.map(kindOutlierSentence), [
    '2 of 12 run another kernel than 6.1.0-28',
    '2 of 12 have another number of CPUs than 8',
  ]);
  assert.deepEqual(
    found.map(({ value }) => value),
    [null, null],
  );
});

const sized = (...sizes: readonly number[]): readonly ClientKind[] =>
  sizes.map((size, index) => machine(`m-${index}`, { memoryBytes: size * gib }));

for (const [what, kinds, sentence] of [
  ['one of five', [machine('a', { kernel: '5' }), ...others(4)], '1 of 5 runs kernel 5 instead of 6.1.0-28'],
  [
    'of the members whose kernel is known',
    [machine('a', { kernel: '5' }), machine('b', { kernel: null }), ...others(8)],
    '1 of 9 runs kernel 5 instead of 6.1.0-28',
  ],
  [
    'memory of about the same size is the same, in whatever order',
    sized(62, 63, 64, 62, 32, 63, 64, 62, 63),
    '1 of 9 has 32 GiB instead of 63 GiB of memory',
  ],
] as const) {
  test(`outlier of kinds: ${what}`, () => {
    assert.deepEqual(kindOutliers('web', kinds).map(kindOutlierSentence), [sentence]);
  });
}

for (const [what, kinds] of [
  ['all are alike', others(8)],
  ['fewer than five', [machine('a', { cpus: 2 }), ...others(3)]],
  ['a third is no outlier', [...others(6), ...times(3, (index) => machine(`b-${index}`, { kernel: '5' }))]],
  [
    'unknown is nothing',
    [...others(6), machine('a', { os: null, kernel: null, cpus: null, memoryBytes: null, mounts: null })],
  ],
  ['memory that differs by what firmware keeps', [...others(6), machine('a', { memoryBytes: 60 * gib })]],
  ['a mount of one alone', [...others(6), machine('a', { mounts: ['/', '/data', '/mnt'] })]],
] as const) {
  test(`no outlier of kinds: ${what}`, () => {
    assert.deepEqual(kindOutliers('web', kinds), []);
  });
}

for (const { metric, subject, value, words } of [
  { metric: 'cpu', subject: '', value: 94.25, words: ['CPU', '94.3 %', '10 %'] },
  { metric: 'mount', subject: '/data', value: 91, words: ['/data', '91 %', '10 %'] },
  { metric: 'load', subject: '', value: 3.456, words: ['load per CPU', '3.46', '10'] },
  { metric: 'processes', subject: '', value: 812.5, words: ['processes', '813', '10'] },
  { metric: 'temperature', subject: '', value: 91.25, words: ['temperature', '91.3 °C', '10 °C'] },
  { metric: 'sent', subject: '', value: 3 * 2 ** 20, words: ['sent', '3 MiB/s', '10 B/s'] },
] as const) {
  test(`words of the figure ${metric}`, () => {
    const found = figureOutlierWords({
      ...{ group: 'web', client: 'web-1', metric, subject, value, median: 10, score: 9, rows: 12, of: 12 },
    });
    assert.deepEqual([found.what, found.value, found.median], words);
  });
}
