import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { alertLabel, labelHidesRule } from '../../src/about/alert-label.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { aboutsOf, kindOf } from '../../src/about/kinds.ts';
import { keyed } from './support/keyed.ts';

const cases: readonly (readonly [rule: string, subject: string, label: string, hides: boolean])[] = [
  ['disk', '/srv', 'disk /srv', false],
  ['disk mount=/srv', '/srv', 'disk /srv', true],
  ['disk mount=/my data', '/my data', 'disk /my data', true],
  ['disk mount=/var*', '/var/lib', 'disk /var/lib', true],
  ['service unit=nginx.service', 'nginx.service', 'service nginx.service', true],
  ['cpu', '', 'cpu', false],
  ['process match=a b', '', 'process match=a b', false],
  ['backup is late', '/srv', 'backup is late /srv', false],
  // A rule for a single check, as needRules of a group takes it.
  ['postgres', 'postgres', 'postgres', false],
  ['postgres check=postgres', 'postgres', 'postgres', true],
  ['check', 'postgres', 'check postgres', false],
  ['web', 'web-1', 'web web-1', false],
];
for (const [rule, subject, label, hides] of cases) {
  test(`rule "${rule}" of "${subject}" is called "${label}"`, () => {
    assert.equal(alertLabel({ rule, subject }).join(' '), label);
    assert.equal(labelHidesRule({ rule, subject }), hides);
  });
}

test('an alert is about its client, a group by its name, or the fleet', () => {
  const about = (client: string, rule: string, subject: string): string =>
    kindOf(keyed({ client, rule })).named({ client, rule, subject }).join(' | ');
  assert.equal(about('web-1', 'disk mount=/srv', '/srv'), 'web-1 | disk | /srv');
  assert.equal(about('', 'group-short', 'web'), 'the group web | group-short');
  assert.equal(about('', 'collector-silent', ''), 'the fleet | collector-silent');
});

test('docs/sql.md names each kind of thing that an alert is about', () => {
  const [, row = ''] =
    /^\| `about` \| (.*)$/m.exec(readFileSync(path.join(packageDir, 'docs', 'sql.md'), 'utf8')) ?? [];
  const named = [...row.matchAll(/`([a-z]+)`/g)].map(([, name]) => name);
  assert.deepEqual(named.toSorted(), [...aboutsOf(() => true)].toSorted());
});
