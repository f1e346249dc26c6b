import assert from 'node:assert/strict';
import { test } from 'node:test';

import { causeSentence } from '../../../src/alerter/cause/cause-words.ts';
import type { Cause, NamedChanges } from '../../../src/storage/store/alert.ts';

const minute = 60_000;
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

test('names of a stranger stay one line of sixty columns a name', () => {
  const name = `/etc/${'x'.repeat(200)}`;
  const sentence = causeSentence('web-1', cause([{ ...file, item: `${name}\n\u202egpj` }])) ?? '';
  assert.ok(!/[\n\u202e]/.test(sentence) && sentence.length < 160, sentence);
});
