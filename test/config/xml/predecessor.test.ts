import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clientOf, load, loadText, ruleOf } from '../support/config-files.ts';
import { pluck, pluckAll } from '../../support/pluck.ts';

const sample = `<?xml version="1.0" encoding="UTF-8"?>
<config>
  <client ip='127.0.0.1' port='22' username='user' password='password' mail="asa@example.org">
    <alert type="memory" limit="10%" />
    <alert type="cpu" limit="20" />
    <alert type="uptime" limit="864000"/>
  </client>
</config>
`;

test("the predecessor's file works unchanged", () => {
  const config = loadText(sample);
  const client = clientOf(config);
  assert.equal(config.predecessorOnly, true);
  assert.deepEqual(config.warnings, []);
  assert.equal(client.name, '127.0.0.1');
  assert.equal(client.port, 22);
  assert.equal(client.ssh.username, 'user');
  assert.equal(client.ssh.password?.reveal(), 'password');
  assert.equal(client.ssh.privateKey, null);
  assert.deepEqual(client.recipients, [{ to: 'asa@example.org', severity: null, rules: [], hours: null }]);
  const written = client.rules.filter((rule) => rule.origin === 'file');
  assert.deepEqual(pluckAll(written, 'name', 'op', 'critical', 'severity', 'forCount', 'forMs'), [
    ['memory', 'ge', 10, 'critical', 1, null],
    ['cpu', 'ge', 20, 'critical', 1, null],
    ['uptime', 'ge', 864_000, 'critical', 1, null],
  ]);
  // The old file replaces the defaults of its types. The other defaults stay in force, with their own `for`.
  const defaults = client.rules.filter((rule) => rule.origin === 'default');
  const kernel = ['open-files', 'conntrack', 'clock-unsynchronised'];
  assert.deepEqual(pluck(defaults, 'name'), [
    'disk',
    'inodes',
    'disk-full',
    'inodes-full',
    'service',
    ...kernel,
    'check',
    'sectors-rising',
    'security-updates',
  ]);
  assert.equal(ruleOf(config, 'mount-unresponsive')?.forCount, 1);
  assert.equal(ruleOf(config, 'unreachable')?.forCount, 2);
});

test('one element or attribute more, and it is no longer the predecessor alone', () => {
  const client = (more: string, inside = ''): string => `<client ip="10.0.0.1" mail="a@b" ${more}>${inside}</client>`;
  assert.equal(load(client('port="23" username="u"')).predecessorOnly, true);
  for (const children of [
    client('name="x"'),
    client('', '<alert type="cpu" limit="5%" for="1x"/>'),
    client('', '<alert type="disk" limit="5%"/>'),
    client('', '<mail to="c@d"/>'),
    `<collector/>${client('')}`,
    `<group>${client('')}</group>`,
    `<include file="*.none"/>${client('')}`,
  ]) {
    assert.equal(load(children).predecessorOnly, false, children);
  }
});

test('two clients with the same address and port: the first counts, the second draws a warning', () => {
  const config = loadText(
    '<config>\n<client ip="10.0.0.1" username="a"/>\n<client ip="10.0.0.1" username="b"/>\n<client ' +
      'ip="10.0.0.1" port="23"/>\n</config>',
  );
  const clients = config.clients.map(({ name, ssh }) => [name, ssh.username === 'a']);
  assert.deepEqual(Object.fromEntries(clients), { '10.0.0.1': true, '10.0.0.1:23': false });
  const duplicate = config.warnings.find(({ line }) => line === 3)?.message ?? '';
  assert.match(duplicate, /^client "10\.0\.0\.1" is written already at .*config\.xml:2; the first counts/);
});
