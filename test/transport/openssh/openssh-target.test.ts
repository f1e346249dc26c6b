/** The settings of which ssh is told: only what config.xml says itself goes before ssh_config. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Client, SshSettings } from '../../../src/config/config.ts';
import type { OpensshTarget } from '../../../src/transport/openssh/openssh-arguments.ts';
import { opensshOnlyIn, serverName } from '../../../src/transport/openssh/openssh-only.ts';
import { opensshTarget } from '../../../src/transport/openssh/openssh-target.ts';
import type { Hop } from '../../../src/transport/route/hop.ts';
import type { Route } from '../../../src/transport/route/route.ts';
import { literal } from '../../support/ssh/both-transports.ts';
import { makeClient } from '../../support/fleets/fleet.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const isKnown = (): boolean => false;
const usual = makeClient('web-1');
const client = (ssh: Partial<SshSettings> = {}, more: Partial<Client> = {}): Client => ({
  ...{ ...usual, address: '192.0.2.1', addressExplicit: true, port: 22, ...more },
  ssh: { ...usual.ssh, explicit: {}, knownHosts: '/state/known_hosts', hostKeys: 'strict', ...ssh },
});
const said = (...names: readonly string[]): SshSettings['explicit'] =>
  Object.fromEntries(names.map((name) => [name, 'config.xml:2']));

const cases: readonly (readonly [what: string, client: Client, expected: Partial<OpensshTarget>])[] = [
  [
    'nothing said',
    client({ username: 'me', privateKey: '/home/me/.ssh/id', agent: '/run/agent', kex: 'x', config: '/c' }),
    {
      ...{ client: 'web-1', host: 'web-1', hostName: '192.0.2.1', hostKeyAlias: null, port: null, username: null },
      ...{ config: 'own', policy: 'strict', kex: null, privateKey: null, agent: null, route: null },
      knownHosts: '/state/known_hosts',
    },
  ],
  ['an address that is its name', client({}, { addressExplicit: false }), { host: 'web-1', hostName: null }],
  ['a name that is no host', client({}, { name: 'web 1' }), { host: '192.0.2.1', hostName: '192.0.2.1' }],
  ['a name that is no host, and no address', client({}, { name: 'web 1', addressExplicit: false }), { host: 'web 1' }],
  ['a port', client({ explicit: said('port') }, { port: 2222 }), { port: 2222 }],
  ['an account', client({ explicit: said('username'), username: 'me' }), { username: 'me' }],
  ['a file', client({ explicit: said('config'), config: '/c' }), { config: { file: '/c' } }],
  ['no file', client({ explicit: said('config'), config: null }), { config: 'none' }],
  ['new keys', client({ hostKeys: 'accept-new' }), { policy: 'accept-new' }],
  ['key exchanges', client({ explicit: said('kex'), kex: 'curve25519-sha256' }), { kex: 'curve25519-sha256' }],
  ['a key', client({ explicit: said('privateKey'), privateKey: '/k' }), { privateKey: '/k' }],
  ['no key', client({ explicit: said('privateKey'), privateKey: null }), { privateKey: 'none' }],
  ['an agent', client({ explicit: said('agent'), agent: 'env' }), { agent: 'env' }],
  ['no agent', client({ explicit: said('agent'), agent: null }), { agent: 'none' }],
  ['no way by others', client({ explicit: said('proxyJump') }), { route: 'direct' }],
];
for (const [what, given, expected] of cases) {
  test(`of config.xml ssh is told: ${what}`, () => {
    const target = opensshTarget(given, null, isKnown);
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(Reflect.get(target, name), value, name);
  });
}

test('the secrets are revealed at the login', () => {
  const { secrets } = opensshTarget(client({ password: literal('p'), passphrase: literal('q') }), null, isKnown);
  assert.deepEqual(secrets(), { password: 'p', passphrase: 'q' });
  assert.deepEqual(opensshTarget(client(), null, isKnown).secrets(), { password: null, passphrase: null });
});

test('behind other machines the last one dials, and the key is that of the client’s name', () => {
  const hopOf = (name: string, address: string, port: number, knownAs: string): Hop =>
    ({ name, address, port, knownAs }) as unknown as Hop;
  const gate = hopOf('gate', '192.0.2.9', 22, '192.0.2.9');
  const route = { hops: [gate, hopOf('web-1', '10.0.0.1', 2222, '[web-1]:2222')] } as unknown as Route;
  const target = opensshTarget(client({ explicit: said('proxyJump'), proxyJump: 'gate' }), route, isKnown);
  assert.deepEqual(target.route, { hops: [gate], address: '10.0.0.1', port: 2222 });
  assert.deepEqual([target.hostName, target.hostKeyAlias, target.port], ['web-1', null, 2222]);
});

test('a ProxyJump of ssh_config is left to ssh, which is told of the known hosts of each jump', () => {
  const hopOf = (name: string, knownAs: string): Hop => ({ name, address: 'x', port: 22, knownAs }) as unknown as Hop;
  const [gate, end] = [hopOf('gate', 'gate'), hopOf('web-1', '[web-1]:2222')];
  const route = { hops: [gate, end] } as unknown as Route;
  const told = (given: Client, hops: readonly Hop[], keys: readonly string[] = []) => {
    const target = opensshTarget(given, { ...route, hops }, (_, name) => keys.includes(name));
    const { route: ours, jumps, hostName, hostKeyAlias, port } = target;
    return { ours, jumps, hostName, hostKeyAlias, port };
  };
  const nothing = { ours: null, jumps: [], hostName: null, hostKeyAlias: null, port: null };
  const byName = client({}, { addressExplicit: false });
  assert.deepEqual(told(byName, [end]), nothing);
  assert.deepEqual(told(byName, [gate, end]), { ...nothing, jumps: [gate] });
  // Behind a jump an address may be that of several machines.
  const address = { hostName: '192.0.2.1' };
  assert.deepEqual(told(client(), [end]), { ...nothing, ...address });
  const expected = { ...nothing, ...address, jumps: [gate], hostKeyAlias: '[web-1]:2222' };
  assert.deepEqual(told(client(), [gate, end]), expected);
  // An account may know the key under the address, as ssh itself files it.
  assert.deepEqual(told(client(), [gate, end], ['x']), { ...expected, hostKeyAlias: null });
  assert.deepEqual(told(client(), [gate, end], ['x', '[web-1]:2222']), expected);
});

test('a server that only OpenSSH can talk to is tried anew after a week, or under another address or port', (t) => {
  const dir = tempFolder(t);
  const server = { name: 'web-1', address: 'Web-1.example.org', port: 22 };
  const known = opensshOnlyIn(dir, 0);
  known.note(serverName(server));
  known.save();
  const week = 7 * 24 * 3_600_000;
  const isKnown = (atMs: number, more: Partial<typeof server> = {}): boolean =>
    opensshOnlyIn(dir, atMs).has(serverName({ ...server, ...more }));
  assert.deepEqual([isKnown(week - 1), isKnown(week)], [true, false]);
  assert.equal(isKnown(1, { address: 'web-1.EXAMPLE.org' }), true);
  for (const other of [{ name: 'web-2' }, { address: 'web-1' }, { port: 23 }]) assert.equal(isKnown(1, other), false);
});
