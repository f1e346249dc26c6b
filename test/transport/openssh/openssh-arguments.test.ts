/** The arguments of ssh, compared with the options that the machine's ssh reads from them (`ssh -G`). */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import {
  commandArguments,
  masterArguments,
  opensshEnvironment,
  targetArguments,
  type OpensshTarget,
} from '../../../src/transport/openssh/openssh-arguments.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const nothing = { password: null, passphrase: null };
const plain: OpensshTarget = {
  client: 'web-1',
  host: 'web-1',
  hostName: null,
  port: null,
  username: null,
  config: 'none',
  knownHosts: '/state/known_hosts',
  policy: 'strict',
  kex: null,
  privateKey: null,
  agent: null,
  hostKeyAlias: null,
  route: null,
  secrets: () => nothing,
};

/** Returns the options that ssh reads from the arguments of a master: the values of a name, one a line. */
function understood(target: Partial<OpensshTarget>): (name: string) => string[] {
  const whole = { ...plain, ...target };
  const secrets = whole.secrets();
  const means = { socket: '/tmp/fh-x/1', otherKnownHosts: [], secrets, proxyCommand: null, version: 902 };
  const args = masterArguments(whole, means);
  const lines = execFileSync('ssh', ['-G', ...args], { encoding: 'utf8' }).split('\n');
  return (name) => lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
}

describe('ssh’s arguments', { skip: existsSync('/usr/bin/ssh') ? false : 'needs ssh' }, () => {
  const cases: readonly {
    readonly name: string;
    readonly target: Partial<OpensshTarget>;
    readonly expected: Readonly<Record<string, readonly string[]>>;
  }[] = [
    {
      name: 'nothing said',
      target: {},
      expected: { batchmode: ['yes'], stricthostkeychecking: ['true'], permitlocalcommand: ['no'] },
    },
    {
      name: 'address and port',
      target: { hostName: '10.0.0.1', port: 2222 },
      expected: { hostname: ['10.0.0.1'], port: ['2222'] },
    },
    { name: 'a user', target: { username: 'monitor' }, expected: { user: ['monitor'] } },
    { name: 'accept-new', target: { policy: 'accept-new' }, expected: { stricthostkeychecking: ['accept-new'] } },
    {
      name: 'a path with blanks and tokens',
      target: { privateKey: '/a b%h' },
      expected: { identityfile: ['/a b%%h'], identitiesonly: ['yes'] },
    },
    { name: 'no key', target: { privateKey: 'none' }, expected: { pubkeyauthentication: ['false'] } },
    {
      name: 'an agent and no key',
      target: { privateKey: 'none', agent: '/a/s' },
      expected: { identityfile: ['none'], identityagent: ['/a/s'] },
    },
    {
      name: 'an agent alone',
      target: { agent: 'env' },
      expected: { identityfile: ['none'], identityagent: ['SSH_AUTH_SOCK'] },
    },
    {
      name: 'a key under another name',
      target: { hostKeyAlias: '[web-1]:2222' },
      expected: { hostkeyalias: ['[web-1]:2222'] },
    },
    { name: 'key exchanges', target: { kex: 'curve25519-sha256' }, expected: { kexalgorithms: ['curve25519-sha256'] } },
    { name: 'no agent', target: { agent: 'none' }, expected: { identityagent: ['none'] } },
    {
      name: 'a password alone: no key is offered, ssh asks',
      target: { secrets: () => ({ password: 'p', passphrase: null }) },
      expected: {
        identityfile: ['none'],
        batchmode: ['no'],
        passwordauthentication: ['yes'],
        numberofpasswordprompts: ['1'],
      },
    },
    {
      name: 'a passphrase alone: no server may ask',
      target: { privateKey: '/k/a', secrets: () => ({ password: null, passphrase: 'p' }) },
      expected: { passwordauthentication: ['no'], kbdinteractiveauthentication: ['no'], batchmode: ['no'] },
    },
  ];
  for (const { name, target, expected } of cases) {
    it(name, () => {
      const values = understood(target);
      for (const [option, wanted] of Object.entries(expected)) assert.deepEqual(values(option), wanted, option);
      for (const off of ['forwardagent', 'forwardx11', 'updatehostkeys', 'controlpersist', 'tunnel']) {
        assert.match(values(off)[0] ?? 'no', /^(?:no|false)$/, off);
      }
    });
  }

  it('proxyJump="none" goes before the ProxyJump and ProxyCommand of ssh_config', (t) => {
    const dir = tempFolder(t);
    for (const option of ['ProxyJump fra', 'ProxyCommand nc %h %p']) {
      const file = path.join(dir, 'config');
      writeFileSync(file, `${option}\n`);
      const said = ['proxyjump', 'proxycommand'];
      const values = (route: OpensshTarget['route']): string[] => said.flatMap(understood({ config: { file }, route }));
      assert.equal(values(null).length, 1);
      const found = values('direct').filter((value) => value !== 'none');
      assert.deepEqual(found, []);
    }
  });

  it('a user that looks like an option is a user, or refused', () => {
    const args = targetArguments({ ...plain, username: '-oHostName=elsewhere' });
    const { stdout, stderr, status } = spawnSync('ssh', ['-G', ...args], { encoding: 'utf8' });
    if (status === 0) assert.match(stdout, /^user -oHostName=elsewhere$/m);
    else assert.match(stderr, /username contains invalid characters/);
    assert.doesNotMatch(stdout, /^hostname elsewhere$/m);
  });

  it('no secret is among them, nor in the environment', () => {
    const secrets = { password: 'pass-1', passphrase: 'pass-2' };
    const target = { ...plain, secrets: () => secrets };
    const all = [
      ...masterArguments(target, { socket: '/s', otherKnownHosts: [], secrets, proxyCommand: null, version: 902 }),
      ...Object.values(opensshEnvironment(target)),
    ];
    assert.doesNotMatch(all.join('\n'), /pass-[12]/);
  });

  it('the agent of the environment is for those that name it', () => {
    const before = process.env['SSH_AUTH_SOCK'];
    process.env['SSH_AUTH_SOCK'] = '/somewhere';
    assert.equal(opensshEnvironment(plain)['SSH_AUTH_SOCK'], undefined);
    assert.equal(opensshEnvironment({ ...plain, agent: 'env' })['SSH_AUTH_SOCK'], '/somewhere');
    if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
    else process.env['SSH_AUTH_SOCK'] = before;
  });

  for (const host of ['-oProxyCommand=x', 'root@web-1', 'ssh://web-1', 'a b', '', '$(id)']) {
    it(`${JSON.stringify(host)} is no host`, () => {
      assert.throws(() => targetArguments({ ...plain, host }), { name: 'FleetError', code: 'config-invalid' });
    });
  }

  it('a command is one argument, behind everything that could be an option', () => {
    assert.deepEqual(commandArguments('/tmp/fh-x/1', '-v `id`').slice(-3), ['--', 'fleet-health.invalid', '-v `id`']);
  });
});
