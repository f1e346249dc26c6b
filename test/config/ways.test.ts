/** The addresses and routes of machines: clients without ip, settings of config.xml, and all forms of proxyJump. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseJumps } from '../../src/config/values/jumps.ts';
import { defaultSshConfigFiles, sshConfigFiles } from '../../src/config/settings/ssh-config-files.ts';
import { clientOf, fieldsOf, load } from './support/config-files.ts';

/** Returns a hop with only a host, which may be a name of ssh_config or of a bastion. */
const bare = (host: string) => ({ host, user: null, port: null, bare: true });
/** Returns a hop with more than a host. */
const hop = (host: string, more: { user?: string; port?: number } = {}) => ({
  ...{ host, user: null, port: null, bare: false },
  ...more,
});

const jumps = [
  { written: 'fra', expected: [bare('fra')] },
  { written: 'fra,ams', expected: [bare('fra'), bare('ams')] },
  { written: ' fra , ams ', expected: [bare('fra'), bare('ams')] },
  { written: 'root@gw', expected: [hop('gw', { user: 'root' })] },
  { written: 'root@gw:2222', expected: [hop('gw', { user: 'root', port: 2222 })] },
  { written: 'gw:2222', expected: [hop('gw', { port: 2222 })] },
  { written: 'a@b@gw', expected: [hop('gw', { user: 'a@b' })] },
  { written: '[2001:db8::1]:22', expected: [hop('2001:db8::1', { port: 22 })] },
  { written: '2001:db8::1', expected: [bare('2001:db8::1')] },
  { written: 'ssh://gw', expected: [hop('gw')] },
  { written: 'ssh://root@gw:22/', expected: [hop('gw', { user: 'root', port: 22 })] },
];
for (const { written, expected } of jumps) {
  test(`proxyJump=${JSON.stringify(written)} is read`, () => {
    const parsed = parseJumps(written)?.map(({ host, user, port, bare }) => ({ host, user, port, bare }));
    assert.deepEqual(parsed, expected);
  });
}

const noJumps = ['', 'a,,b', '@gw', 'gw:0', 'gw:65536', '-oProxyCommand=x', 'u@-oProxyCommand=x', '-l@gw', 'u@gw gw2'];
for (const written of noJumps) {
  test(`proxyJump=${JSON.stringify(written)} is refused`, () => {
    assert.equal(parseJumps(written), null);
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
    const { address, port, arrival } = clientOf(config, name);
    return { address, port, arrival };
  });
  assert.deepEqual(facts, [
    { address: '2001:db8::7', port: 5000, arrival: { kind: 'asked', url: 'http://[2001:db8::7]:5000/' } },
    { address: 'web-2.example.org', port: 443, arrival: { kind: 'asked', url: 'https://web-2.example.org/spoke/' } },
  ]);
});

const spokes: readonly (readonly [client: string, says: RegExp])[] = [
  ['<client name="a" transport="http"/>', /has transport="http" but no url/],
  [
    '<client name="a" ip="192.0.2.1" url="http://a/"/>',
    /has url but is visited; write transport="http", or remove url/,
  ],
  ['<client name="a" transport="http" url="http://ann:pw@a/"/>', /is no address of a server/],
  ['<client name="a" transport="http" url="ssh://a/"/>', /is no address of a server/],
  ['<client name="a-[1-2]" transport="http" url="http://a/"/>', /one machine; write one for each/],
];
for (const [client, says] of spokes) {
  test(`${client} is a fault`, () => {
    assert.throws(() => load(client), says);
  });
}
