/** The addresses and routes of machines: clients without ip, settings of config.xml, and all forms of proxyJump. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseJumps } from '../../src/config/values/jumps.ts';
import { defaultSshConfigFiles, sshConfigFiles } from '../../src/config/settings/ssh-config-files.ts';
import { clientOf, fieldsOf, load } from './support/config-files.ts';

const jumps: readonly (readonly [
  string,
  readonly (readonly [string, string | null, number | null, boolean])[] | null,
])[] = [
  ['fra', [['fra', null, null, true]]],
  [
    'fra,ams',
    [
      ['fra', null, null, true],
      ['ams', null, null, true],
    ],
  ],
  [
    ' fra , ams ',
    [
      ['fra', null, null, true],
      ['ams', null, null, true],
    ],
  ],
  ['root@gw', [['gw', 'root', null, false]]],
  ['root@gw:2222', [['gw', 'root', 2222, false]]],
  ['gw:2222', [['gw', null, 2222, false]]],
  ['a@b@gw', [['gw', 'a@b', null, false]]],
  ['[2001:db8::1]:22', [['2001:db8::1', null, 22, false]]],
  ['2001:db8::1', [['2001:db8::1', null, null, true]]],
  ['ssh://gw', [['gw', null, null, false]]],
  ['ssh://root@gw:22/', [['gw', 'root', 22, false]]],
  ['', null],
  ['a,,b', null],
  ['@gw', null],
  ['gw:0', null],
  ['gw:65536', null],
  ['-oProxyCommand=x', null],
  ['u@-oProxyCommand=x', null],
  ['-l@gw', null],
  ['u@gw gw2', null],
];
for (const [written, expected] of jumps) {
  test(`proxyJump=${JSON.stringify(written)}`, () => {
    const parsed = parseJumps(written)?.map(({ host, user, port, bare }) => [host, user, port, bare]) ?? null;
    assert.deepEqual(parsed, expected);
  });
}

test('a client without ip is called what ssh calls it', () => {
  const config = load(
    '<ssh username="u"/><client name="web-[1-2]"/><client name="db" port="24"/><client ip="10.0.0.1"/>',
  );
  assert.deepEqual(fieldsOf(config, 'name', 'address', 'addressExplicit', 'port'), [
    ['web-1', 'web-1', false, 22],
    ['web-2', 'web-2', false, 22],
    ['db', 'db', false, 24],
    ['10.0.0.1', '10.0.0.1', true, 22],
  ]);
});

test('which attributes config.xml says, and where', () => {
  const config = load(`<ssh username="u" proxyJump="gw" transport="auto"/>
<bastion name="gw" ip="10.0.0.9" port="2200"/>
<group agent="none">
  <client name="a" ip="10.0.0.1" password="p"/>
  <client name="b" ip="10.0.0.2"/>
</group>`);
  const group = {
    usernameOfSsh: 'config.xml:2',
    proxyJump: 'config.xml:2',
    transport: 'config.xml:2',
    agent: 'config.xml:4',
  };
  const shortly = (said: Readonly<Record<string, string>>): unknown =>
    Object.fromEntries(Object.entries(said).map(([name, place]) => [name, place.replace(/^.*\//, '')]));
  assert.deepEqual(shortly(clientOf(config, 'a').ssh.explicit), { ...group, password: '' });
  assert.deepEqual(shortly(clientOf(config, 'b').ssh.explicit), group);
  // The attributes for jumps and transports apply only to clients.
  assert.deepEqual(shortly(config.jumpHosts.explicit), { usernameOfSsh: 'config.xml:2' });
  assert.deepEqual(shortly(config.bastions[0]?.ssh.explicit ?? {}), { usernameOfSsh: 'config.xml:2', port: '' });
  assert.equal(config.bastions[0]?.line, 3);
});

test('which ssh_config files count', () => {
  const files = (children: string): readonly string[] => sshConfigFiles(clientOf(load(children)));
  assert.deepEqual(files('<client ip="10.0.0.1" username="u"/>'), []);
  assert.deepEqual(files('<client name="web" username="u"/>'), defaultSshConfigFiles());
  assert.deepEqual(files('<client name="web" username="u" config="none"/>'), []);
  assert.deepEqual(files('<client ip="10.0.0.1" username="u" config="/etc/x"/>'), ['/etc/x']);
  assert.deepEqual(files('<client ip="10.0.0.1" username="u" transport="openssh"/>'), defaultSshConfigFiles());
  assert.deepEqual(files('<client name="here" transport="local"/>'), []);
});

test('a way that goes on through another one is no circle', () => {
  const config = load(`<bastion name="a" ip="10.0.0.8"/><bastion name="b" ip="10.0.0.9" proxyJump="a"/>
     <group proxyJump="a,b"><client name="c" ip="10.0.0.1" username="u"/>
     <client name="d" username="u" proxyJump="c"/></group>
     <client name="e" username="u" proxyJump="root@elsewhere"/><client name="f" username="u" proxyJump="an-ssh-host"/>`);
  const jumps = config.clients.map(({ ssh }) => ssh.proxyJump);
  assert.deepEqual(jumps, ['a,b', 'c', 'root@elsewhere', 'an-ssh-host']);
});

test('a client that is asked over HTTP has the address of its url', () => {
  const config = load(
    `<client name="web-1" transport="http" url="http://[2001:db8::7]:5000/"/>
     <group transport="http"><client name="web-2" url="https://Web-2.example.org/spoke/"/></group>`,
  );
  const facts = ['web-1', 'web-2'].map((name) => {
    const { address, port, spokeUrl } = clientOf(config, name);
    return [address, port, spokeUrl];
  });
  assert.deepEqual(facts, [
    ['2001:db8::7', 5000, 'http://[2001:db8::7]:5000/'],
    ['web-2.example.org', 443, 'https://web-2.example.org/spoke/'],
  ]);
});

const spokes: readonly (readonly [client: string, says: RegExp])[] = [
  ['<client name="a" transport="http"/>', /has transport="http" but no url/],
  ['<client name="a" ip="192.0.2.1" url="http://a/"/>', /has url but is not asked there/],
  ['<client name="a" transport="http" url="http://ann:pw@a/"/>', /is no address of a server/],
  ['<client name="a" transport="http" url="ssh://a/"/>', /is no address of a server/],
  ['<client name="a-[1-2]" transport="http" url="http://a/"/>', /one machine; write one for each/],
];
for (const [client, says] of spokes) {
  test(`${client} is a fault`, () => {
    assert.throws(() => load(client), says);
  });
}
