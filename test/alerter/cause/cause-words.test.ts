import assert from 'node:assert/strict';
import { test } from 'node:test';

import { beforeWords, causeSentence, namedWords } from '../../../src/alerter/cause/cause-words.ts';
import type { Cause, NamedChanges } from '../../../src/storage/store/alert.ts';

const minute = 60_000;
const day = 1440 * minute;
const openssl: NamedChanges = {
  kind: 'package',
  item: 'openssl amd64',
  before: '3.0.11-1~deb12u2',
  after: '3.0.14-1~deb12u1',
  ...{ more: 3, moreKind: 'package', earliestAtMs: 0, latestAtMs: 0, beforeMs: 14 * 60 * minute, group: 'web' },
  ...{ failing: [6, 6], others: [0, 74], chance: 1e-6 },
};
const file: NamedChanges = {
  ...openssl,
  ...{
    kind: 'file',
    item: '/etc/nginx/nginx.conf',
    before: '0'.repeat(32),
    after: 'f'.repeat(32),
    more: 0,
    moreKind: null,
  },
  ...{ beforeMs: 4 * minute, failing: [1, 1], others: [0, 79] },
};
const boot = { kind: 'system', item: 'boot', before: 'one', after: 'two' };
const cause = (changes: readonly NamedChanges[], more: Partial<Cause> = {}): Cause => ({
  ...{ atMs: 0, changes, allOf: null, configBeforeMs: null },
  ...more,
});

for (const [name, given, sentence] of [
  [
    'a package of all that fail',
    cause([openssl]),
    'Changed before it: openssl 3.0.11-1~deb12u2 to 3.0.14-1~deb12u1 and 3 more packages, 14 h before, ' +
      'on all 6 that fail and on none of the other 74 of web.',
  ],
  [
    'a file of one client',
    cause([file]),
    'Changed before it: /etc/nginx/nginx.conf, 4 min before, on web-1 alone of 80 in web.',
  ],
  [
    'a rack after its own rollout',
    cause([{ ...openssl, more: 1 }], { allOf: 'rack=r3' }),
    'Changed before it: openssl 3.0.11-1~deb12u2 to 3.0.14-1~deb12u1 and 1 more package, 14 h before, ' +
      'on all 6 that fail and on none of the other 74 of web. They are also all of rack=r3.',
  ],
  [
    'a set of four, of which three are named and a command shows all',
    cause([
      { ...file, group: null, more: 3, moreKind: 'file', further: [{ ...openssl }, { ...file, item: '/etc/b' }] },
    ]),
    'Changed before it: /etc/nginx/nginx.conf, openssl 3.0.11-1~deb12u2 to 3.0.14-1~deb12u1, /etc/b and 1 more file ' +
      '(fleet-health changes web-1 --since 1969-12-31), 4 min before.',
  ],
  [
    'an absence, with a boot whose time is known',
    cause([
      { ...file, away: true, more: 1, further: [boot], bootBeforeMs: 4 * minute },
      { ...file, group: null },
    ]),
    'Changed while it was away: /etc/nginx/nginx.conf and booted 4 min before. ' +
      'Changed before it: /etc/nginx/nginx.conf, 4 min before.',
  ],
  [
    'a client without a group',
    cause([{ ...file, group: null }]),
    'Changed before it: /etc/nginx/nginx.conf, 4 min before.',
  ],
  [
    'two sets, of which others have one',
    cause([file, { ...openssl, more: 2, moreKind: null, failing: [5, 6], others: [2, 74] }]),
    'Changed before it: /etc/nginx/nginx.conf, 4 min before, on web-1 alone of 80 in web; ' +
      'openssl 3.0.11-1~deb12u2 to 3.0.14-1~deb12u1 and 2 more changes, 14 h before, ' +
      'on 5 of the 6 that fail and on 2 of the other 74 of web.',
  ],
  ['config.xml alone', cause([], { configBeforeMs: 9 * minute }), 'config.xml changed 9 min before it.'],
  ['nothing', cause([], { allOf: 'rack=r3' }), null],
] as const) {
  test(`the sentence about ${name}`, () => assert.equal(causeSentence('web-1', given), sentence));
}

test('the command for changes that are only counted begins a day before the first of them', () => {
  const counted = { ...file, more: 3, further: [boot], earliestAtMs: 3 * day, latestAtMs: 9 * day };
  for (const [away, date] of [
    [true, '1970-01-03'],
    [false, '1970-01-09'],
  ] as const) {
    const sentence = causeSentence('web-1', cause([{ ...counted, ...(away ? { away } : {}) }])) ?? '';
    assert.ok(sentence.includes(`(fleet-health changes web-1 --since ${date})`), sentence);
  }
});

test('names of a stranger stay one line of sixty columns a name', () => {
  const name = `/etc/${'x'.repeat(200)}`;
  const sentence = causeSentence('web-1', cause([{ ...file, item: `${name}\n\u202egpj` }])) ?? '';
  assert.ok(!/[\n\u202e]/.test(sentence) && sentence.length < 160, sentence);
});

test('the time before an alert is rounded to minutes, from an hour on to hours, and from two days on to days', () => {
  const [hour, day] = [60 * minute, 24 * 60 * minute];
  const times: readonly (readonly [ms: number, words: string])[] = [
    [0, 'less than 1 min before'],
    [minute - 1, 'less than 1 min before'],
    [minute, '1 min before'],
    [59.4 * minute, '59 min before'],
    [59.5 * minute, '1 h before'],
    [1.5 * hour, '2 h before'],
    [2 * day - 1, '48 h before'],
    [2 * day, '2 days before'],
    [2.5 * day, '3 days before'],
  ];
  for (const [ms, words] of times) assert.equal(beforeWords(ms), words);
});

test('changes that are only counted are named by their kind if it is one', () => {
  const nouns: Readonly<Record<string, string>> = {
    package: 'package',
    file: 'file',
    unit: 'unit',
    account: 'account',
    listener: 'port',
    mount: 'mount',
    system: 'change',
  };
  const words = (more: number, moreKind: string | null): string => namedWords({ ...file, more, moreKind });
  for (const [kind, noun] of Object.entries(nouns)) {
    assert.equal(words(1, kind), `/etc/nginx/nginx.conf and 1 more ${noun}`);
    assert.equal(words(1200, kind), `/etc/nginx/nginx.conf and 1,200 more ${noun}s`);
  }
  assert.equal(words(2, null), '/etc/nginx/nginx.conf and 2 more changes');
});

test('a boot names its time, and a new kernel says that it was booted', () => {
  const kernel = { kind: 'system', item: 'kernel', before: '6.1.1', after: '6.1.2' };
  const words = (one: typeof boot, bootBeforeMs?: number): string =>
    namedWords({ ...one, more: 0, moreKind: null, ...(bootBeforeMs === undefined ? {} : { bootBeforeMs }) });
  assert.match(words(boot, 4 * minute), /^booted 4 min before$/);
  assert.match(words(kernel, 4 * minute), /6\.1\.2, booted 4 min before$/);
  assert.doesNotMatch(words(kernel), /booted/);
  assert.doesNotMatch(words({ ...kernel, item: 'hostname' }, 4 * minute), /before$/);
});

/** The members that have a change, of those that fail and of the others. */
const members: readonly (readonly [
  failing: readonly [number, number],
  others: readonly [number, number],
  words: string,
])[] = [
  [[1, 1], [0, 79], 'on web-1 alone of 80 in web'],
  [[1, 1], [2, 79], 'on web-1 and on 2 of the other 79 of web'],
  [[1, 6], [0, 74], 'on 1 of the 6 that fail and on none of the other 74 of web'],
  [[6, 6], [0, 0], 'on all 6 that fail of web'],
  [[5, 6], [0, 0], 'on 5 of the 6 that fail of web'],
  [[1, 1], [0, 0], 'on web-1 alone of 1 in web'],
  [[1, 1], [3, 3], 'on web-1 and on 3 of the other 3 of web'],
];
for (const [failing, others, words] of members) {
  test(`members: ${words}`, () => {
    const sentence = causeSentence('web-1', cause([{ ...file, failing, others }]));
    assert.equal(sentence, `Changed before it: /etc/nginx/nginx.conf, 4 min before, ${words}.`);
  });
}

test('the trait of all that fail, and the change of config.xml, end the sentence', () => {
  const one = causeSentence('web-1', cause([{ ...file, group: null }], { allOf: 'rack=r3', configBeforeMs: minute }));
  assert.match(one ?? '', / Those that fail are also all of rack=r3\. config\.xml changed 1 min before it\.$/);
  const absent = cause([{ ...file, away: true }], { configBeforeMs: minute });
  const named = 'Changed while web-1 was away: /etc/nginx/nginx.conf. config.xml changed 1 min before /var.';
  assert.equal(causeSentence('web-1', absent, '/var'), named);
});
