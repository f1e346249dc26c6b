/** `trust` and machines that are reached through others: real sshd on both sides. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import { configFolder, exits, runCli, type CliResult } from '../support/run-cli.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd } from '../support/sshd.ts';

interface Folder {
  readonly file: string;
  readonly trust: (...args: readonly string[]) => Promise<CliResult>;
  /** Names and key types, in the file's order. */
  readonly known: () => readonly string[];
}

describe('trust, through bastions', { skip: sshdMissing() ?? false }, () => {
  let bastion: Sshd;
  let target: Sshd;
  let key: string;
  let username: string;
  before(async () => {
    [bastion, target] = await Promise.all([startSshd(), startSshd({ hostKeyTypes: ['ed25519', 'ecdsa'] })]);
    key = path.join(bastion.dir, 'login');
    username = (await bastion.addAccount({ publicKey: sshKeygen(key, '-t', 'ed25519').publicKey })).name;
  });
  after(() => Promise.all([bastion.stop(), target.stop()]));

  function folder(t: TestContext, more = '', proxyJump = 'fra'): Folder {
    const dir = configFolder(
      t,
      `<config>
        <bastion name="fra" ip="127.0.0.1" port="${bastion.port}" username="${username}" privateKey="${key}"/>
        <client name="web-1" ip="127.0.0.1" port="${target.port}" proxyJump="${proxyJump}" username="u" password="p"/>
        ${more}
      </config>`,
    );
    const file = path.join(dir, 'state', 'known_hosts');
    mkdirSync(path.dirname(file), { recursive: true });
    return {
      file,
      trust: (...args) => runCli(['-c', path.join(dir, 'config.xml'), 'trust', ...args]),
      known: () =>
        existsSync(file)
          ? readFileSync(file, 'utf8')
              .trim()
              .split('\n')
              .map((line) => line.split(' ').slice(0, 2).join(' '))
          : [],
    };
  }
  const bastionLine = (): string => `[127.0.0.1]:${bastion.port} ssh-ed25519`;
  const targetLines = (): readonly string[] => [
    `[web-1]:${target.port} ssh-ed25519`,
    `[web-1]:${target.port} ecdsa-sha2-nistp256`,
  ];
  const otherKey = (): string => (target.hostKeys[0]?.line ?? '').split(' ').slice(0, 2).join(' ');
  const resultsOf = ({ stdout }: CliResult): readonly (readonly unknown[])[] => {
    const { clients } = JSON.parse(stdout) as { readonly clients: readonly Record<string, unknown>[] };
    return clients.map(({ client, kind, result, code }) => [client, kind, result, code]);
  };

  test('the bastion first, then what lies behind it, under the name of each', async (t) => {
    const { trust, known } = folder(t);
    const { status, stdout, stderr } = await trust('--yes');
    assert.deepEqual([status, stderr], [0, ''], stdout);
    assert.deepEqual(known(), [bastionLine(), ...targetLines()]);
    const [shown = '', behind = ''] = [bastion, target].map(({ hostKeys }) => hostKeys[0]?.fingerprint);
    assert.ok(stdout.indexOf(shown) < stdout.indexOf(behind) && stdout.includes(shown), stdout);
    assert.match(stdout, /1 key of 1 machine trusted\.\n[^]*2 keys of 1 client trusted\.\n$/);
    const again = await trust();
    assert.deepEqual([again.status, again.stderr], [0, '']);
    assert.match(again.stdout, /Known already: fra\n[^]*Known already: web-1/);
  });

  test('a bastion by its name, alone', async (t) => {
    const { trust, known } = folder(t);
    const result = await trust('--yes', '--json', 'fra');
    assert.deepEqual(resultsOf(result), [['fra', 'bastion', 'added', null]]);
    assert.deepEqual(known(), [bastionLine()]);
    assert.deepEqual(resultsOf(await trust('--yes', '--json', 'web-1')), [
      ['fra', 'bastion', 'known', null],
      ['web-1', 'client', 'added', null],
    ]);
  });

  test('a machine that only a proxyJump names, by that', async (t) => {
    const jump = `${username}@127.0.0.1:${bastion.port}`;
    const { trust, known } = folder(t, `<client name="web-2" ip="127.0.0.1" port="${target.port}"/>`, jump);
    assert.deepEqual(resultsOf(await trust('--yes', '--json', jump)), [[jump, 'bastion', 'added', null]]);
    assert.deepEqual(known(), [bastionLine()]);
  });

  test('nobody agreed to the bastion: nothing behind it is asked', async (t) => {
    const { trust, known } = folder(t);
    const before = target.count(/Connection from/g);
    const { status, stdout, stderr } = await trust();
    assert.equal(status, 2);
    assert.ok(stdout.includes(bastion.hostKeys[0]?.fingerprint ?? '?'));
    assert.match(stderr, /1 key of 1 machine to be trusted, and no terminal/);
    assert.deepEqual(known(), []);
    assert.equal(target.count(/Connection from/g), before);
  });

  test('a bastion whose key has changed carries nobody until it is replaced', async (t) => {
    const { file, trust, known } = folder(t);
    writeFileSync(file, `[127.0.0.1]:${bastion.port} ${otherKey()}\n`);
    const refused = await trust('--yes', '--json');
    assert.equal(refused.status, 1);
    assert.deepEqual(resultsOf(refused), [
      ['fra', 'bastion', 'differs', null],
      ['web-1', 'client', 'failed', 'bastion-failed'],
    ]);
    assert.ok(refused.stdout.includes('shows ED25519 '), refused.stdout);
    assert.deepEqual(resultsOf(await trust('--yes', '--replace', '--json')), [
      ['fra', 'bastion', 'replaced', null],
      ['web-1', 'client', 'added', null],
    ]);
    assert.deepEqual(known(), [bastionLine(), ...targetLines()]);
  });

  test('a bastion that refuses the login is trusted all the same, and named by what lies behind it', async (t) => {
    const { trust } = folder(
      t,
      `<bastion name="ber" ip="127.0.0.1" port="${bastion.port}" username="nobody" privateKey="${key}"/>
       <client name="db-1" ip="127.0.0.1" port="${target.port}" proxyJump="ber"/>`,
    );
    const result = await trust('--yes', '--json', 'db-1');
    assert.deepEqual(resultsOf(result), [
      ['ber', 'bastion', 'added', null],
      ['db-1', 'client', 'failed', 'bastion-failed'],
    ]);
    assert.match(result.stdout, /bastion ber: nobody was refused/);
  });

  test('an old key in a file that is not written here is named', async (t) => {
    const sshConfig = path.join(bastion.dir, 'ssh_config');
    const global = path.join(bastion.dir, 'global');
    writeFileSync(global, `\nalias ${otherKey()}\n`);
    writeFileSync(
      sshConfig,
      `Host web-3\n HostName 127.0.0.1\n Port ${target.port}\n HostKeyAlias alias\n GlobalKnownHostsFile ${global}\n`,
    );
    const old = (bastion.hostKeys[0]?.line ?? '').split(' ').slice(0, 2).join(' ');
    writeFileSync(global, `\nalias ${old}\n`);
    const { trust, known } = folder(t, `<client name="web-3" config="${sshConfig}"/>`);
    const { status, stderr, stdout } = await trust('--yes', '--replace', 'web-3');
    assert.equal(status, 0, stdout + stderr);
    assert.ok(known().includes('alias ssh-ed25519'), known().join());
    assert.ok(
      stderr.includes(
        `${global} line 2 still has ${bastion.hostKeys[0]?.fingerprint ?? '?'} for web-3; remove it there`,
      ),
      stderr,
    );
  });

  test('what only a command of ssh_config reaches: a file vouches for it, and then it is known', async (t) => {
    const sshConfig = path.join(bastion.dir, 'ssh_config_command');
    writeFileSync(sshConfig, `Host web-4\n HostName 127.0.0.9\n Port 2222\n ProxyCommand false\n`);
    const { trust, known } = folder(t, `<client name="web-4" config="${sshConfig}" transport="openssh"/>`);
    await exits(1, trust('--yes', 'web-4'), {
      stdout: /web-4 +unsupported +ProxyCommand[^]*\nweb-4: Connect once with ssh .* --from FILE/,
    });
    const prints = path.join(bastion.dir, 'prints');
    writeFileSync(prints, `web-4 ${target.hostKeys[0]?.fingerprint ?? ''}\n`);
    const asked = resultsOf(await trust('--from', prints, '--json', 'web-4'));
    assert.deepEqual(asked, [['web-4', 'client', 'failed', 'unsupported']]);
    const keys = path.join(bastion.dir, 'keys');
    writeFileSync(keys, `[127.0.0.9]:2222 ${otherKey()}\n`);
    const vouched = resultsOf(await trust('--from', keys, '--json', 'web-4'));
    assert.deepEqual(vouched, [['web-4', 'client', 'added', null]]);
    assert.deepEqual(known(), ['[127.0.0.9]:2222 ssh-ed25519']);
    assert.deepEqual(resultsOf(await trust('--json', 'web-4')), [['web-4', 'client', 'known', null]]);
  });

  test('unknown names are refused, with the nearest right one', async (t) => {
    const { trust } = folder(t);
    await exits(2, trust('--yes', 'web-2'), /there is no client "web-2".*web-1/);
  });
});
