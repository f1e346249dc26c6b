import assert from 'node:assert/strict';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import type { Client, SshSettings } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { defaultSshConfigFiles } from '../../src/config/settings/ssh-config-files.ts';
import { createSshFinisher, sshDefaults } from '../../src/config/settings/ssh-settings.ts';
import { literal } from '../support/ssh/both-transports.ts';
import { setHome } from '../support/programs/set-home.ts';
import { assertFault, clientOf, configFolder, faults, load, nowMs } from './support/config-files.ts';

/** The attributes of <ssh>, a group and a client, and the resulting settings. */
const table: readonly {
  readonly ssh: string;
  readonly group: string;
  readonly client: string;
  readonly expected: Partial<SshSettings>;
}[] = [
  { ssh: 'username="a"', group: '', client: '', expected: { username: 'a' } },
  { ssh: 'username="a"', group: 'username="b"', client: '', expected: { username: 'b' } },
  { ssh: 'username="a"', group: 'username="b"', client: 'username="c"', expected: { username: 'c' } },
  { ssh: 'username="a"', group: 'username="none"', client: '', expected: { username: userInfo().username } },
  {
    ssh: '',
    group: '',
    client: '',
    expected: { username: userInfo().username, hostKeys: 'strict', via: 'ssh2' },
  },
  { ssh: '', group: '', client: '', expected: { unsealed: 'allow' } },
  { ssh: 'agent="env"', group: 'agent="none"', client: '', expected: { agent: null } },
  { ssh: 'agent="env"', group: '', client: '', expected: { agent: 'env', privateKey: null } },
  { ssh: 'agent="/run/agent"', group: '', client: '', expected: { agent: '/run/agent' } },
  { ssh: 'node="/opt/node"', group: '', client: 'node="none"', expected: { node: null } },
  { ssh: 'config="/etc/ssh/ssh_config"', group: '', client: 'config="none"', expected: { config: null } },
  { ssh: 'hostKeys="accept-new"', group: '', client: 'hostKeys="strict"', expected: { hostKeys: 'strict' } },
  { ssh: 'transport="openssh"', group: '', client: '', expected: { via: 'openssh', privateKey: null } },
  { ssh: 'unsealed="refuse"', group: '', client: '', expected: { unsealed: 'refuse' } },
  { ssh: '', group: '', client: '', expected: { kex: null } },
  {
    ssh: 'kex="+diffie-hellman-group-exchange-sha256"',
    group: '',
    client: '',
    expected: { kex: '+diffie-hellman-group-exchange-sha256' },
  },
  {
    ssh: 'kex="curve25519-sha256"',
    group: 'kex="^ecdh-sha2-nistp256"',
    client: '',
    expected: { kex: '^ecdh-sha2-nistp256' },
  },
  { ssh: 'proxyJump="b"', group: '', client: '', expected: { proxyJump: 'b' } },
  { ssh: 'proxyJump="b"', group: 'proxyJump="none"', client: '', expected: { proxyJump: null } },
  { ssh: 'privateKey="/k"', group: 'privateKey="none"', client: '', expected: { privateKey: null } },
  { ssh: 'privateKey="~/.ssh/k"', group: '', client: '', expected: { privateKey: path.join(homedir(), '.ssh/k') } },
  {
    ssh: 'username="a" privateKey="/k"',
    group: 'username="b"',
    client: 'transport="auto"',
    expected: { username: 'b', privateKey: '/k', via: 'auto' },
  },
];

for (const { ssh, group, client, expected } of table) {
  test(`<ssh ${ssh}> <group ${group}> <client ${client}>`, () => {
    const config = load(
      `<bastion name="b" ip="10.0.0.9"/><ssh ${ssh}/><group ${group}><group><client ip="10.0.0.1" ${client}/>` +
        '</group></group>',
    );
    const settings = clientOf(config).ssh;
    assert.deepEqual({ ...settings, ...expected }, settings);
  });
}

test('passwords replace each other whatever form they have', (t) => {
  const config = load(
    `<ssh password="outer"/><group passwordEnv="FLEET_TEST_PASSWORD"><client name="a" ip="10.0.0.1"/>
     <client name="b" ip="10.0.0.2" passwordFile="secret"/><client name="c" ip="10.0.0.3" password="none"/>
     <client name="d" ip="10.0.0.4" passwordEnv="none"/></group><client name="e" ip="10.0.0.5"/>`,
    { secret: 'from the file\nsecond line\n' },
  );
  process.env['FLEET_TEST_PASSWORD'] = 'from the environment';
  t.after(() => delete process.env['FLEET_TEST_PASSWORD']);
  const passwords = Object.fromEntries(config.clients.map(({ name, ssh }) => [name, ssh.password?.reveal() ?? null]));
  assert.deepEqual(passwords, { a: 'from the environment', b: 'from the file', c: null, d: null, e: 'outer' });
});

test('paths are relative to the file that writes them', () => {
  const folder = configFolder({
    'config.xml':
      '<config><ssh knownHosts="known" privateKey="keys/id"/><include file="more/*.xml"/>' +
      '<client name="a" ip="10.0.0.1"/></config>',
    'more/b.xml': '<config><client name="b" ip="10.0.0.2" privateKey="keys/id" passphraseFile="../p"/></config>',
  });
  const config = loadConfig({ file: path.join(folder, 'config.xml'), nowMs });
  assert.equal(clientOf(config, 'a').ssh.privateKey, path.join(folder, 'keys/id'));
  assert.equal(clientOf(config, 'a').ssh.knownHosts, path.join(folder, 'known'));
  assert.equal(clientOf(config, 'b').ssh.privateKey, path.join(folder, 'more/keys/id'));
  assert.equal(clientOf(config, 'b').ssh.passphrase?.origin, path.join(folder, 'p'));
  assert.equal(config.stateDir, path.join(folder, 'state'));
});

test('equal words in two files are two things', () => {
  const one = '<config><client name="NAME" ip="NAME" passwordFile="p"/></config>';
  const config = load('<include file="*/c.xml"/>', {
    'a/c.xml': one.replaceAll('NAME', 'a'),
    'a/p': 'of a',
    'b/c.xml': one.replaceAll('NAME', 'b'),
    'b/p': 'of b',
  });
  const passwords = config.clients.map(({ ssh }) => ssh.password?.reveal());
  assert.deepEqual(passwords, ['of a', 'of b']);
});

test("ssh's own key is the default where no password, key or agent is said", () => {
  const home = configFolder({ '.ssh/id_rsa': 'x', '.ssh/id_ed25519': 'x' });
  const finish = createSshFinisher(sshDefaults('/known_hosts', home));
  const layers = [{}, { password: literal('x') }, { privateKey: null }, { transport: 'local' }] as const;
  const keys = layers.map((layer) => finish(layer).privateKey);
  assert.deepEqual(keys, [path.join(home, '.ssh/id_ed25519'), null, null, null]);
});

test('the default key and ssh_config are those of the home folder of passwd, whatever HOME is', (t) => {
  setHome(t, configFolder({ '.ssh/id_ed25519': 'x', '.ssh/config': 'Host nas\n' }));
  const { homedir: home } = userInfo();
  assert.deepEqual(sshDefaults('/known_hosts'), sshDefaults('/known_hosts', home));
  assert.deepEqual(defaultSshConfigFiles(), [path.join(home, '.ssh/config'), '/etc/ssh/ssh_config']);
});

test('bastions take what <ssh> says, but for jumps and transports', () => {
  const config = load(`<ssh username="u" privateKey="/k" proxyJump="outer" transport="local" port="24"/>
     <bastion name="outer" ip="10.0.0.8"/>
     <bastion name="inner" ip="10.0.0.9" proxyJump="outer" username="jump" port="2200"/>
     <client ip="10.0.0.1" transport="ssh2"/>`);
  const [outer, inner] = config.bastions;
  assert.ok(outer && inner);
  const ownOf = ({ port, ssh: { username, proxyJump } }: typeof inner) => ({ port, username, proxyJump });
  assert.deepEqual(ownOf(outer), { port: 24, username: 'u', proxyJump: null });
  assert.equal(outer.ssh.via, 'ssh2');
  assert.deepEqual(ownOf(inner), { port: 2200, username: 'jump', proxyJump: 'outer' });
  assert.equal(inner.ssh.privateKey, '/k');
});

test('mail= and <mail> add, recipients="replace" and none end', () => {
  const config = load(`<alerts mail="top@x"><mail to="oncall@x" severity="critical"/></alerts>
     <client name="a" ip="10.0.0.1"/>
     <group mail="web@x, www@x"><mail to="more@x" rules="disk*,memory"/><client name="b" ip="10.0.0.2"/>
       <client name="c" ip="10.0.0.3"><mail to="me@x"/><mail to="me@x"/></client>
       <client name="d" ip="10.0.0.4" mail="none"/>
       <group mail="none"><client name="e" ip="10.0.0.5"/><client name="f" ip="10.0.0.6"><mail to="me@x"/></client>
       </group>
     </group>
     <group mail="web@x" recipients="replace"><mail to="more@x"/><client name="g" ip="10.0.0.7"/>
       <client name="h" ip="10.0.0.8" mail="me@x" recipients="add"/></group>`);
  const shown = ({ recipients, muted }: Client): string => {
    const each = recipients.map(({ to, severity, rules }) => [to, severity, ...rules].filter(Boolean).join(' '));
    return `${each.join('; ')}${muted ? ' muted' : ''}`;
  };
  const notified = Object.fromEntries(config.clients.map((client) => [client.name, shown(client)]));
  assert.deepEqual(notified, {
    a: 'top@x; oncall@x critical',
    b: 'top@x; oncall@x critical; web@x; www@x; more@x disk* memory',
    c: 'top@x; oncall@x critical; web@x; www@x; more@x disk* memory; me@x',
    d: ' muted',
    e: ' muted',
    f: 'me@x',
    g: 'web@x; more@x',
    h: 'web@x; more@x; me@x',
  });
  assert.deepEqual(config.alerts.recipients, clientOf(config, 'a').recipients);
});

test('windows add up, in the zone of <alerts> unless they say their own', () => {
  const config =
    load(`<alerts mail="a@b" zone="Europe/Berlin"><window days="sat-sun" start="02:00" duration="2h"/></alerts>
     <group><window date="2026-12-24" start="18:30" duration="1d" zone="UTC" rules="disk*" severity="warning"/>
     <client name="a" ip="10.0.0.1"/></group>
     <client name="b" ip="10.0.0.2"/>`);
  const saturday = { days: ['sat', 'sun'], date: null, startMinute: 120, durationMs: 7_200_000, zone: 'Europe/Berlin' };
  const sunday = { ...saturday, rules: [], severity: null };
  const christmas = { days: [], date: '2026-12-24', startMinute: 1110, durationMs: 86_400_000, zone: 'UTC' };
  const eve = { ...christmas, rules: ['disk*'], severity: 'warning' };
  assert.deepEqual(clientOf(config, 'a').windows, [sunday, eve]);
  assert.deepEqual(clientOf(config, 'b').windows, [sunday]);
  assert.equal(clientOf(config, 'b').windows, config.alerts.windows);
});

test('recipients="replace" that names nobody is a fault', () => {
  assert.deepEqual(faults('<alerts mail="a@b"/><group recipients="replace"><client ip="10.0.0.1"/></group>'), [
    'config.xml:2: <group> has recipients="replace" and names nobody; write mail="...", or mail="none"',
  ]);
});

test('hours are days and times in the zone of <alerts>, and may pass midnight', () => {
  const hoursOf = (said: string): unknown => {
    const alerts = `<alerts zone="Europe/Berlin"><mail to="a@b" hours="${said}"/></alerts>`;
    const hours = load(`${alerts}<client ip="10.0.0.1"/>`).alerts.recipients[0]?.hours;
    return [hours?.days, hours?.startMinute, (hours?.durationMs ?? 0) / 60_000, hours?.zone];
  };
  assert.deepEqual(hoursOf('mon-fri 08:00-18:00'), [['mon', 'tue', 'wed', 'thu', 'fri'], 480, 600, 'Europe/Berlin']);
  assert.deepEqual(hoursOf('22:00-06:30'), [[], 1320, 510, 'Europe/Berlin']);
  for (const wrong of ['mon-fri', '08:00', 'mon-fri 8-18', '08:00-08:00', 'mo 08:00-18:00']) {
    const alerts = `<alerts><mail to="a@b" hours="${wrong}"/></alerts>`;
    assertFault(`${alerts}<client ip="10.0.0.1"/>`, /is no time of the week; write it like mon-fri/);
  }
});

test('neighbours is off, and the innermost element that writes it decides', () => {
  const clients = `<client name="a" ip="10.0.0.1"/><client name="b" ip="10.0.0.2" neighbours="yes"/>
    <group neighbours="no"><client name="c" ip="10.0.0.3"/><client name="d" ip="10.0.0.4" neighbours="yes"/></group>`;
  const on = (text: string): readonly string[] =>
    load(text).clients.flatMap(({ name, neighbours }) => (neighbours ? name : []));
  assert.deepEqual(on(clients), ['b', 'd']);
  assert.deepEqual(on(`<collector neighbours="yes"/>${clients}`), ['a', 'b', 'd']);
});

test('runtime="bring" of earlier versions is one warning, at its first place, and changes nothing', () => {
  const clients = '<client name="a" ip="10.0.0.1" runtime="bring" username="a"/><client name="b" ip="10.0.0.2"/>';
  const config = load(`<ssh runtime="bring" privateKey="/k"/>${clients}`);
  assert.deepEqual(
    config.warnings.map(({ line, message }) => [line, message.split(':')[0]]),
    [[2, 'runtime="bring" has no effect any more']],
  );
  const without = load(`<ssh privateKey="/k"/>${clients.replace(' runtime="bring"', '')}`);
  assert.deepEqual(
    config.clients.map(({ ssh }) => [ssh.unsealed, ssh.node, ssh.via]),
    without.clients.map(({ ssh }) => [ssh.unsealed, ssh.node, ssh.via]),
  );
  assert.deepEqual(load(`<ssh runtime="none" privateKey="/k"/>${clients.replace('bring', 'none')}`).warnings, []);
});
