import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyed } from '../../about/support/keyed.ts';
import { groupPattern, labelPattern, silenceMatcher } from '../../../src/alerter/inhibit/silences.ts';
import { literalPattern } from '../../../src/storage/alerts/operator.ts';
import { configOf } from '../support/config-of.ts';

const cases: readonly (readonly [
  patterns: readonly [string, string, string],
  key: readonly [string, string, string],
  matches: boolean,
])[] = [
  [['web-*', '*', '*'], ['web-1', 'disk', '/'], true],
  [['web-*', '*', '*'], ['db-1', 'disk', '/'], false],
  [['', '', ''], ['db-1', 'disk', '/'], true],
  [['*', 'disk', ''], ['db-1', 'disk', '/srv/data'], true],
  [['*', 'disk', '/srv/*'], ['db-1', 'disk', '/srv/data/deep'], true],
  [['*', 'disk', '/srv/*'], ['db-1', 'disk', '/'], false],
  [['*', 'disk*', ''], ['db-1', 'disk mount=/var', '/var'], true],
  [['web-*,!web-9', '*', ''], ['web-9', 'disk', '/'], false],
  [['web-[1-3]', '*', ''], ['web-2', 'disk', '/'], true],
  [['*', '*', ''], ['', 'collector-silent', 'c1'], true],
  [['web-*', '*', ''], ['', 'collector-silent', 'c1'], false],
  [['*', 'disk mount=/a,!/b[c]', ''], ['web-1', 'disk mount=/a,!/b[c]', '/a'], true],
  [['*', 'disk mount=/a,!/b[c]', ''], ['web-1', 'disk', '/a'], false],
  [['*', 'disk', '=*'], ['web-1', 'disk', '*'], true],
  [['*', 'disk', '=*'], ['web-1', 'disk', '/var'], false],
  [['=web-*', '=disk mount=/a,/b', '*'], ['web-1', 'disk mount=/a,/b', '/a'], false],
  [['web-1', '=disk mount=/a,/b', '*'], ['web-1', 'disk mount=/a,/b', '/a'], true],
  [['=', '*', ''], ['', 'collector-silent', 'c1'], true],
  [['=', '*', ''], ['web-1', 'disk', '/'], false],
  [['WEB-1', '*', ''], ['web-1', 'disk', '/'], false],
];

for (const [[client, rule, subject], key, matches] of cases) {
  test(`${client}|${rule}|${subject} and ${key.join(' ')}: ${matches ? 'silenced' : 'not'}`, () => {
    const matcher = silenceMatcher({ client, rule, subject }, { clients: [], needs: [] });
    assert.equal(matcher(keyed({ client: key[0], rule: key[1], subject: key[2] })), matches);
    assert.equal(matcher(keyed({ client: key[0], rule: key[1], subject: key[2] })), matches, 'and again');
  });
}

test('a name fits its literal pattern, and no other name does', () => {
  const names = [
    '',
    '*',
    '!x',
    '=',
    '=x',
    '@web',
    'a,b',
    'a',
    'x',
    ' x',
    '/var',
    '/va[r]',
    '/va?',
    '\\*',
    'z'.repeat(600),
  ];
  for (const name of names) {
    const subject = literalPattern(name);
    assert.ok(subject.length <= 512);
    const matcher = silenceMatcher({ client: '*', rule: '*', subject }, { clients: [], needs: [] });
    const fits = names.filter((other) => matcher(keyed({ client: 'web-1', rule: 'disk', subject: other })));
    assert.deepEqual(fits, [name]);
  }
});

test('a silence of a group or of labels covers their clients as config.xml names them now, and nobody else', () => {
  const config = configOf(`<group name="web"><client name="web-1" ip="192.0.2.1" username="u"/>
    <client name="web-2" ip="192.0.2.2" username="u" labels="rack=r1"/></group>
    <client name="db-1" ip="192.0.2.3" username="u" labels="rack=r1"/>`);
  const covered = (client: string): readonly string[] => {
    const matches = silenceMatcher({ client, rule: '*', subject: '' }, config);
    return ['web-1', 'web-2', 'db-1', 'web', '', client].filter((name) =>
      matches(keyed({ client: name, rule: 'disk', subject: '/' })),
    );
  };
  assert.deepEqual(covered(groupPattern('web')), ['web-1', 'web-2', '@web']);
  assert.deepEqual(covered(groupPattern('w*')), ['web-1', 'web-2', '@w*']);
  assert.deepEqual(covered(groupPattern('db')), ['@db']);
  assert.deepEqual(covered(labelPattern('rack=r1')), ['web-2', 'db-1', '#rack=r1']);
  assert.deepEqual(covered(labelPattern('rack=r2')), ['#rack=r2']);
});
