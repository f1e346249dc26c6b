import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import type { OpensshTarget } from '../../../src/transport/openssh/openssh-arguments.ts';
import {
  checkCredentials,
  hopConfig,
  type HopConfigOptions,
} from '../../../src/transport/openssh/openssh-hop-config.ts';
import type { Hop, HopCredentials } from '../../../src/transport/route/hop.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const name = 'SSH_AUTH_SOCK';
const usual = process.env[name];
const set = (value: string | undefined): void => {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
};
before(() => set(undefined));
after(() => set(usual));

const onlyAgent = { client: 'web-1', agent: 'env', privateKey: null, config: 'none', route: null } as const;

const cases: readonly {
  readonly what: string;
  readonly target?: Partial<OpensshTarget>;
  readonly password?: string;
  readonly socket?: string;
  readonly isRefused: boolean;
}[] = [
  { what: 'an agent that is not set', isRefused: true },
  { what: 'an agent that is not set, and no key', target: { privateKey: 'none' }, isRefused: true },
  { what: 'an agent that is set', socket: '/run/agent', isRefused: false },
  { what: 'an agent of its own', target: { agent: '/run/agent' }, isRefused: false },
  { what: 'a key besides', target: { privateKey: '/etc/key' }, isRefused: false },
  { what: 'a password besides', password: 'word', isRefused: false },
  { what: 'an ssh_config besides, which may name a key', target: { config: 'own' }, isRefused: false },
];

for (const { what, target, password = null, socket, isRefused } of cases) {
  test(`ssh is ${isRefused ? 'not ' : ''}begun with ${what}`, () => {
    set(socket);
    const check = (): void =>
      checkCredentials({ ...onlyAgent, ...target } as OpensshTarget, { password, passphrase: null });
    if (!isRefused) check();
    else {
      const message = 'agent="env", but $SSH_AUTH_SOCK is not set';
      assert.throws(check, { code: 'credentials-unusable', stage: 'login', client: 'web-1', message });
    }
    set(undefined);
  });
}

const noCredentials: HopCredentials = {
  ...{ password: null, privateKeys: [], passphrase: null, agent: null, identitiesOnly: false },
};
const hop: Hop = {
  ...{
    name: 'gate',
    kind: 'bastion',
    address: '192.0.2.9',
    port: 22,
    family: 0,
    username: 'ops',
    knownAs: '192.0.2.9',
  },
  ...{ knownHosts: ['/state/known_hosts'], policy: 'strict', kex: null, credentials: noCredentials },
  ...{ connectTimeoutMs: null, sshConfig: { host: 'gate', files: [], overruled: false }, values: [] },
};
const usualOptions: HopConfigOptions = { client: 'web-1', proxyCommand: null, tcpTimeoutMs: 4500, version: 902 };
const skip = existsSync('/usr/bin/ssh') ? false : 'needs ssh';

/** Returns the options that ssh reads from the file of a hop: the values of a name, one a line. */
function understood(folder: string, more: Partial<Hop>, options: Partial<HopConfigOptions> = {}) {
  const file = path.join(folder, 'config');
  writeFileSync(file, hopConfig({ ...hop, ...more }, { ...usualOptions, ...options }));
  const lines = execFileSync('ssh', ['-G', '-F', file, 'gate'], { encoding: 'utf8' }).split('\n');
  return (option: string): string =>
    lines
      .filter((line) => line.startsWith(`${option} `))
      .map((line) => line.slice(option.length + 1))
      .join();
}

test('what no ssh_config of a machine on the route may change is as it was, whatever the file says', { skip }, (t) => {
  const folder = tempFolder(t);
  const theirs = path.join(folder, 'theirs');
  const hostile = [
    ...[
      'HostName evil',
      'Port 99',
      'BatchMode no',
      'ControlMaster auto',
      'ControlPath /tmp/x',
      'CanonicalizeHostname yes',
    ],
    ...['RequestTTY force', 'StrictHostKeyChecking no', `UserKnownHostsFile ${folder}/theirs`, 'ForwardAgent yes'],
    ...[
      `GlobalKnownHostsFile ${folder}/all`,
      'IdentityAgent /tmp/agent',
      'ConnectTimeout 99',
      'PermitLocalCommand yes',
    ],
  ];
  writeFileSync(theirs, hostile.map((line) => `${line}\n`).join(''));
  const said = understood(folder, { sshConfig: { host: 'gate', files: [theirs], overruled: false } });
  const wanted: Readonly<Record<string, string>> = {
    ...{ hostname: '192.0.2.9', port: '22', batchmode: 'yes', canonicalizehostname: 'false', requesttty: 'false' },
    ...{ stricthostkeychecking: 'true', userknownhostsfile: '/state/known_hosts', globalknownhostsfile: '/dev/null' },
    ...{ identityagent: 'none', identityfile: 'none', connecttimeout: '5', permitlocalcommand: 'no' },
    ...{ controlmaster: 'false', forwardagent: 'no', forwardx11: 'no', clearallforwardings: 'yes' },
  };
  for (const [option, value] of Object.entries(wanted)) assert.equal(said(option), value, option);
  assert.match(said('controlpath'), /^(?:none)?$/);
});

const key = (optional: boolean): HopCredentials['privateKeys'][number] => ({ path: process.execPath, optional });
const configs: readonly (readonly [
  what: string,
  more: Partial<Hop>,
  options: Partial<HopConfigOptions>,
  expected: Readonly<Record<string, string>>,
])[] = [
  ['IPv4', { family: 4 }, {}, { addressfamily: 'inet' }],
  ['IPv6', { family: 6 }, {}, { addressfamily: 'inet6' }],
  ['any address', {}, {}, { addressfamily: 'any' }],
  ['new keys', { policy: 'accept-new' }, {}, { stricthostkeychecking: 'accept-new' }],
  ['its own key exchange', { kex: 'curve25519-sha256' }, {}, { kexalgorithms: 'curve25519-sha256' }],
  [
    'a name of its own in known_hosts',
    { knownAs: 'gate-key' },
    {},
    { hostname: '192.0.2.9', hostkeyalias: 'gate-key' },
  ],
  [
    'its name and port as the key’s',
    { knownAs: '[gate]:2222', port: 2222 },
    {},
    { hostname: 'gate', hostkeyalias: '' },
  ],
  ['its name as the key’s', { knownAs: 'gate' }, {}, { hostname: 'gate', hostkeyalias: '' }],
  ['a time of its own', { connectTimeoutMs: 1200 }, {}, { connecttimeout: '2' }],
  ['the shortest time', { connectTimeoutMs: 1 }, {}, { connecttimeout: '1' }],
  ['a machine before it', {}, { proxyCommand: 'ssh other' }, { proxycommand: 'ssh other', connecttimeout: '0' }],
  [
    'an agent',
    { credentials: { ...noCredentials, agent: '/run/agent' } },
    {},
    { identityagent: '/run/agent', identitiesonly: 'no', identityfile: 'none' },
  ],
  [
    'the named keys of an agent',
    { credentials: { ...noCredentials, agent: '/run/agent', identitiesOnly: true } },
    {},
    { identityagent: '/run/agent', identitiesonly: 'yes' },
  ],
  [
    'a key',
    { credentials: { ...noCredentials, privateKeys: [key(false)], agent: '/run/agent' } },
    {},
    { identityfile: process.execPath, identitiesonly: 'yes' },
  ],
  [
    'a key of ssh_config beside an agent',
    { credentials: { ...noCredentials, privateKeys: [key(true)], agent: '/run/agent' } },
    {},
    { identityfile: process.execPath, identitiesonly: 'no' },
  ],
  [
    'keys of ssh_config that are not there',
    { credentials: { ...noCredentials, privateKeys: [{ path: '/nowhere/key', optional: true }] } },
    {},
    { identityfile: 'none' },
  ],
  [
    'a key of config.xml that is not there',
    { credentials: { ...noCredentials, privateKeys: [{ path: '/nowhere/key', optional: false }] } },
    {},
    { identityfile: '/nowhere/key' },
  ],
];
for (const [what, more, options, expected] of configs) {
  test(`the file of a machine on the route: ${what}`, { skip }, (t) => {
    const said = understood(tempFolder(t), more, options);
    for (const [option, value] of Object.entries(expected)) assert.equal(said(option), value, option);
  });
}

test('proxyJump of config.xml goes before the proxy of a machine’s ssh_config, and only then', { skip }, (t) => {
  const folder = tempFolder(t);
  const theirs = path.join(folder, 'of 5%h');
  writeFileSync(theirs, 'ProxyCommand nc elsewhere\n');
  const proxy = (overruled: boolean): string =>
    understood(folder, { sshConfig: { host: 'gate', files: [theirs], overruled } })('proxycommand');
  assert.equal(proxy(false), 'nc elsewhere');
  assert.match(proxy(true), /^(?:none)?$/);
});

test('key exchanges that only ssh_config can have written are left to its file', () => {
  const isWritten = (kex: string): boolean => hopConfig({ ...hop, kex }, usualOptions).includes('KexAlgorithms');
  for (const kex of ['curve25519-sha256', '+a,b', '-a*', '^a@b']) assert.equal(isWritten(kex), true, kex);
  for (const kex of ['', '+', 'a b', 'a"b', '!a', 'a\nProxyCommand x']) assert.equal(isWritten(kex), false, kex);
});

test('what cannot be written for ssh is refused, with its name', () => {
  const refused =
    (more: Partial<Hop>): (() => string) =>
    () =>
      hopConfig({ ...hop, ...more }, usualOptions);
  const cases: readonly (readonly [Partial<Hop>, RegExp])[] = [
    [{ address: 'a b' }, /^web-1: ip of gate="a b" cannot be handed to ssh$/],
    [{ knownAs: 'a"b' }, /^web-1: HostKeyAlias of gate="a\\"b" cannot/],
    [{ knownHosts: ['/a"b'] }, /^web-1: knownHosts of gate="\/a\\"b" cannot/],
    [{ sshConfig: { ...hop.sshConfig, files: ['/etc/*'] } }, /^web-1: config="\/etc\/\*" of gate cannot/],
  ];
  for (const [more, message] of cases) assert.throws(refused(more), { code: 'config-invalid', message });
});

const ways: readonly (readonly [what: string, credentials: Partial<HopCredentials>, message: RegExp | null])[] = [
  ['no credentials', {}, null],
  ['a key', { privateKeys: [key(false)] }, null],
  [
    'a password alone',
    { password: {} as HopCredentials['password'] },
    /all it has is a password, which transport="openssh"/,
  ],
  ['a password and a key', { password: {} as HopCredentials['password'], privateKeys: [key(false)] }, null],
  [
    'a key with a passphrase',
    { passphrase: {} as HopCredentials['passphrase'], privateKeys: [key(false)] },
    /its private key needs a passphrase, which/,
  ],
  ['an agent besides', { agent: '/run/agent', password: {} as HopCredentials['password'] }, null],
  ['an agent that is not set', { agent: 'env' }, /agent="env", but \$SSH_AUTH_SOCK is not set/],
];
for (const [what, credentials, message] of ways) {
  test(`a bastion with ${what} ${message === null ? 'can be tried' : 'is refused before ssh begins'}`, () => {
    set(undefined);
    const hops = [{ ...hop, credentials: { ...noCredentials, ...credentials } }];
    const target = { ...onlyAgent, agent: null, route: { hops, address: 'a', port: 22 } } as unknown as OpensshTarget;
    const check = (): void => checkCredentials(target, { password: null, passphrase: null });
    if (message === null) check();
    else assert.throws(check, { code: 'bastion-failed', client: 'web-1', message });
  });
}
