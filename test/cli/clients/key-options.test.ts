/** The addresses of `authorize --from`, and the ssh command lines that `authorize` and `spool` show. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { fromAddresses } from '../../../src/cli/clients/key-options.ts';
import { configFolder, runCli } from '../../support/programs/run-cli.ts';
import { sshKeygen } from '../../support/ssh/sshd.ts';

test('addresses, networks and patterns of addresses are taken, each once', () => {
  const given = ['192.0.2.1, 192.0.2.0/24', '2001:db8::/32', '::1', '192.0.2.*', '192.0.2.1'];
  assert.deepEqual(fromAddresses(given), ['192.0.2.1', '192.0.2.0/24', '2001:db8::/32', '::1', '192.0.2.*']);
});

for (const wrong of [
  '',
  'collector.example.org',
  '192.0.2.1/24',
  '192.0.2.0/33',
  '2001:db8::1/64',
  '::ffff:1.2.3.4/96',
  '!192.0.2.1',
  '*',
  '192.0.2.1"',
  '192.0.2.1 192.0.2.2',
  '192.0.2.1,',
  "$(id)'",
]) {
  test(`--from ${JSON.stringify(wrong)} is refused, because sshd would let nobody in by it`, () => {
    assert.throws(() => fromAddresses([wrong]), { code: 'usage' });
  });
}

test('authorize and spool go through the bastions of config.xml, and leave those of ssh_config to ssh', async (t) => {
  const cwd = configFolder(
    t,
    `<config><ssh username="monitor" privateKey="key"/>
      <bastion name="outer" ip="198.51.100.1" config="none"/>
      <bastion name="jump" ip="2001:db8::1" port="2222" username="hop" proxyJump="outer" config="none"/>
      <client name="web-1" ip="192.0.2.1" port="2290" proxyJump="jump"/>
      <client name="web-2" config="ssh_config"/>
      <client name="web-3" config="ssh_config" proxyJump="outer"/></config>`,
  );
  sshKeygen(path.join(cwd, 'key'), '-t', 'ed25519');
  const file = path.join(cwd, 'ssh_config');
  writeFileSync(file, 'Host web-2\n  HostName 192.0.2.2\n  Port 99\n  ProxyJump ops@192.0.2.9\n', { mode: 0o600 });
  for (const [client, way] of [
    ['web-1', "ssh -J 'monitor@198.51.100.1:22,hop@[2001:db8::1]:2222' -p 2290 ACCOUNT@192.0.2.1 sh"],
    ['web-2', `ssh -F ${file} ACCOUNT@web-2 sh`],
    ['web-3', `ssh -F ${file} -J monitor@198.51.100.1:22 ACCOUNT@web-3 sh`],
  ] as const) {
    for (const [command, account] of [
      ['authorize', 'root'],
      ['spool', 'monitor'],
    ] as const) {
      const { stdout, stderr } = await runCli([command, client], { cwd });
      const line = stdout.split('\n').find((one) => one.includes('--script | '));
      assert.equal(line, `#   fleet-health ${command} ${client} --script | ${way.replace('ACCOUNT', account)}`, stderr);
    }
  }
});
