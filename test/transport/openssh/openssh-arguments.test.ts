/** The arguments of ssh, compared with the options that the machine's ssh reads from them (`ssh -G`). */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import {
  commandArguments,
  fixedOptions,
  masterArguments,
  opensshBesideKeys,
  opensshEnvironment,
  quoted,
  refuseWord,
  targetArguments,
  type MasterOptions,
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
  jumps: [],
  secrets: () => nothing,
};

const bare = { socket: '/tmp/fh-x/1', otherKnownHosts: [], proxyCommand: null, jumpConfig: null, version: 902 };

/** Returns the options that ssh reads from the arguments of a master: the values of a name, one a line. */
function understood(target: Partial<OpensshTarget>, more: Partial<MasterOptions> = {}): (name: string) => string[] {
  const whole = { ...plain, ...target };
  const secrets = whole.secrets();
  const means = { ...bare, secrets, ...more };
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

  it('what no ssh_config may change is as it was, whatever the file says', (t) => {
    const file = path.join(tempFolder(t), 'config');
    const hostile = [
      ...['LogLevel QUIET', 'PermitLocalCommand yes', 'LocalCommand touch /tmp/x', 'RemoteCommand /bin/evil'],
      ...['Tunnel yes', 'ServerAliveInterval 0', 'ServerAliveCountMax 99', 'ForkAfterAuthentication yes'],
      ...['StdinNull yes', 'UpdateHostKeys yes', 'HashKnownHosts yes', 'CheckHostIP yes', 'VisualHostKey yes'],
      ...['AddKeysToAgent yes', 'ForwardAgent yes', 'ForwardX11 yes', 'BatchMode no', 'NumberOfPasswordPrompts 9'],
      ...[
        'StrictHostKeyChecking no',
        `UserKnownHostsFile ${path.dirname(file)}/theirs`,
        'ControlPersist yes',
        'LocalForward 1 a:2',
      ],
    ];
    writeFileSync(file, hostile.map((line) => `${line}\n`).join(''));
    const values = understood({ config: { file } });
    const wanted: Readonly<Record<string, string>> = {
      ...{ loglevel: 'DEBUG2', permitlocalcommand: 'no', remotecommand: 'none', tunnel: 'false' },
      ...{ serveraliveinterval: '15', serveralivecountmax: '2', forkafterauthentication: 'no', stdinnull: 'no' },
      ...{ updatehostkeys: 'false', hashknownhosts: 'no', checkhostip: 'no', visualhostkey: 'no' },
      ...{ addkeystoagent: 'false', forwardagent: 'no', forwardx11: 'no', batchmode: 'yes', controlpersist: 'no' },
      ...{ numberofpasswordprompts: '1', stricthostkeychecking: 'true', userknownhostsfile: '/state/known_hosts' },
      ...{ clearallforwardings: 'yes' },
    };
    // ssh 9.2 prints no RemoteCommand that is none.
    const unsaid = ['remotecommand'];
    for (const [name, value] of Object.entries(wanted)) {
      const printed = values(name);
      assert.deepEqual(printed, unsaid.includes(name) && printed.length === 0 ? [] : [value], name);
    }
    assert.deepEqual(values('localforward'), []);
  });

  it('a password and a route are those of config.xml, whatever ssh_config says', (t) => {
    const file = path.join(tempFolder(t), 'config');
    const methods = 'gssapi-with-mic,hostbased,publickey,password,keyboard-interactive';
    const theirs = [
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PreferredAuthentications password',
    ];
    const routes = ['ProxyCommand nc %h %p', 'ProxyUseFdpass yes', 'CanonicalizeHostname always'];
    writeFileSync(file, [...theirs, ...routes].map((line) => `${line}\n`).join(''));
    const secrets = (): typeof passwords => passwords;
    const means = { proxyCommand: 'sh hop', otherKnownHosts: ['/a', '"/b c"'] };
    const values = understood({ config: { file }, secrets }, means);
    const wanted: Readonly<Record<string, string>> = {
      ...{ passwordauthentication: 'yes', kbdinteractiveauthentication: 'yes', preferredauthentications: methods },
      ...{ proxycommand: 'sh hop', proxyusefdpass: 'no', canonicalizehostname: 'false' },
    };
    for (const [name, value] of Object.entries(wanted)) assert.deepEqual(values(name), [value], name);
    assert.match(values('userknownhostsfile').join(), /^\/state\/known_hosts \/a "?\/b c"?$/);
  });

  it('an older ssh gets no option that it does not know', () => {
    assert.deepEqual(
      fixedOptions(807).filter((option) => !fixedOptions(806).includes(option)),
      ['ForkAfterAuthentication=no', 'StdinNull=no'],
    );
  });

  it('the environment of ssh has what it needs of ours, in English, and nothing else', (t) => {
    const before = process.env;
    t.after(() => (process.env = before));
    const needed = ['HOME', 'PATH', 'USER', 'LOGNAME', 'KRB5CCNAME', 'KRB5_CONFIG', 'SSH_SK_PROVIDER', 'SSH_SK_HELPER'];
    const others = ['SECRET_TOKEN', 'LANG', 'LC_ALL'];
    const set = Object.fromEntries([...needed, ...others].map((name) => [name, `of ${name}`]));
    process.env = { ...before, ...set };
    const found = opensshEnvironment(plain);
    assert.deepEqual(found, {
      ...Object.fromEntries(needed.map((name) => [name, `of ${name}`])),
      ...{ LANG: 'C', LC_ALL: 'C' },
    });
  });

  const passwords = { password: 'p', passphrase: 'q' };
  const besides: readonly (readonly [target: Partial<OpensshTarget>, keeps: boolean])[] = [
    [{}, true],
    [{ privateKey: 'none' }, true],
    [{ privateKey: '/k' }, false],
    [{ config: 'own' }, false],
    [{ config: { file: '/c' } }, false],
    [{ config: 'own', privateKey: 'none' }, true],
    [{ agent: 'none' }, true],
    [{ agent: 'env', privateKey: 'none' }, false],
  ];
  for (const [target, keeps] of besides) {
    it(`beside keys ${JSON.stringify(target)} ${keeps ? 'keeps' : 'loses'} its password`, () => {
      const kept = opensshBesideKeys({ ...plain, ...target, secrets: () => passwords }).secrets();
      assert.deepEqual(kept, { password: keeps ? 'p' : null, passphrase: 'q' });
    });
  }

  const words: readonly (readonly [word: string, isFit: boolean])[] = [
    ...(['web-1', '[web-1]:22', 'a@b', '%h', 'web_1.x'] as const).map((word) => [word, true] as const),
    ...(['', 'a b', 'a"b', '$x', 'a;b', 'a\nb'] as const).map((word) => [word, false] as const),
  ];
  for (const [word, isFit] of words) {
    it(`${JSON.stringify(word)} is ${isFit ? 'a' : 'no'} plain word`, () => {
      if (isFit) assert.equal(refuseWord(plain, 'HostKeyAlias', word), word);
      else assert.throws(() => refuseWord(plain, 'HostKeyAlias', word), { code: 'config-invalid' });
    });
  }
  for (const file of ['/a"b', '/a\\b', '/a\u007fb', '/a\nb', '/${HOME}/b']) {
    it(`${JSON.stringify(file)} cannot be quoted for ssh`, () => {
      assert.throws(() => quoted(plain, 'agent', file), { code: 'config-invalid', client: 'web-1' });
    });
  }

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
    const all = [...masterArguments(target, { ...bare, secrets }), ...Object.values(opensshEnvironment(target))];
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
