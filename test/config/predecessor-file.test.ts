import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clientOf, loadText, ruleOf } from './support/config-files.ts';
import { pluck, pluckAll } from '../support/pluck.ts';

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
  assert.deepEqual(config.warnings, []);
  assert.equal(client.name, '127.0.0.1');
  assert.equal(client.port, 22);
  assert.equal(client.ssh.username, 'user');
  assert.equal(client.ssh.password?.reveal(), 'password');
  assert.equal(client.ssh.privateKey, null);
  assert.deepEqual(client.recipients, [
    { to: 'asa@example.org', severity: null, rules: [], hours: null, afterMs: null },
  ]);
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
    'file-system-errors',
    'sectors-rising',
    'security-updates',
  ]);
  assert.equal(ruleOf(config, 'mount-unresponsive')?.forCount, 2);
  assert.equal(ruleOf(config, 'unreachable')?.forCount, 2);
});

test('for means the same in the file alone and beside what its user adds', () => {
  const spans = (text: string): readonly unknown[] =>
    pluckAll(clientOf(loadText(text)).rules, 'name', 'origin', 'forCount', 'forMs');
  const alone = spans(sample);
  for (const added of [
    '<smtp host="127.0.0.1" from="fleet@example.org"/>',
    '<storage url="mysql://fleet@db.example.org/fleet" password="secret"/>',
    '<collector every="1m"/>',
    '<alerts mail="a@b"/>',
    '<group labels="site=ber"><client ip="10.0.0.2"/></group>',
    '<client name="x" ip="10.0.0.2" mail="a@b"><alert type="disk" limit="5%" for="2x"/></client>',
    '<include file="*.none"/>',
  ]) {
    assert.deepEqual(spans(sample.replace('</config>', `${added}</config>`)), alone, added);
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
