/** `trust` and machines that are reached through others: real sshd on both sides. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import { configFolder, exits, runCli, succeeded, type CliResult } from '../support/programs/run-cli.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd } from '../support/ssh/sshd.ts';

/** Returns the first two words of a line. */
const twoWords = (line = ''): string => line.split(' ').slice(0, 2).join(' ');

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

  function folder(t: TestContext, more = '', proxyJump = 'fra') {
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
      trust: (...args: readonly string[]) => runCli(['-c', path.join(dir, 'config.xml'), 'trust', ...args]),
      /** Returns the names and key types in known_hosts, in the file's order. */
      known: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(twoWords) : []),
    };
  }
  const bastionLine = (): string => `[127.0.0.1]:${bastion.port} ssh-ed25519`;
  const targetLines = () => ['ssh-ed25519', 'ecdsa-sha2-nistp256'].map((type) => `[web-1]:${target.port} ${type}`);
  const otherKey = (): string => twoWords(target.hostKeys[0]?.line);
  const resultsOf = ({ stdout }: CliResult): readonly string[] => {
    const { clients } = JSON.parse(stdout) as { readonly clients: readonly Record<string, string | null>[] };
    return clients.map(({ client, kind, result, code }) => [client, kind, result, code ?? '-'].join(' '));
  };

  test('the bastion first, then what lies behind it, under the name of each', async (t) => {
    const { trust, known } = folder(t);
    const stdout = await succeeded(trust('--yes'));
    assert.deepEqual(known(), [bastionLine(), ...targetLines()]);
    const [shown = '', behind = ''] = [bastion, target].map(({ hostKeys }) => hostKeys[0]?.fingerprint);
    assert.ok(stdout.indexOf(shown) < stdout.indexOf(behind) && stdout.includes(shown), stdout);
    assert.match(stdout, /1 key of 1 machine trusted\.\n[^]*2 keys of 1 client trusted\.\n$/);
    assert.match(await succeeded(trust()), /Known already: fra\n[^]*Known already: web-1/);
  });

  test('a bastion by its name, alone', async (t) => {
    const { trust, known } = folder(t);
    const result = await trust('--yes', '--json', 'fra');
    assert.deepEqual(resultsOf(result), ['fra bastion added -']);
    assert.deepEqual(known(), [bastionLine()]);
    assert.deepEqual(resultsOf(await trust('--yes', '--json', 'web-1')), [
      'fra bastion known -',
      'web-1 client added -',
    ]);
  });

  test('a machine that only a proxyJump names, by that', async (t) => {
    const jump = `${username}@127.0.0.1:${bastion.port}`;
    const { trust, known } = folder(t, `<client name="web-2" ip="127.0.0.1" port="${target.port}"/>`, jump);
    assert.deepEqual(resultsOf(await trust('--yes', '--json', jump)), [`${jump} bastion added -`]);
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
    assert.deepEqual(resultsOf(refused), ['fra bastion differs -', 'web-1 client failed bastion-failed']);
    assert.ok(refused.stdout.includes('shows ED25519 '), refused.stdout);
    assert.deepEqual(resultsOf(await trust('--yes', '--replace', '--json')), [
      'fra bastion replaced -',
      'web-1 client added -',
    ]);
    assert.deepEqual(known(), [bastionLine(), ...targetLines()]);
  });

  test('a bastion that refuses the login is trusted all the same, and named by what lies behind it', async (t) => {
    const ber = `<bastion name="ber" ip="127.0.0.1" port="${bastion.port}" username="nobody" privateKey="${key}"/>`;
    const { trust } = folder(t, `${ber}<client name="db-1" ip="127.0.0.1" port="${target.port}" proxyJump="ber"/>`);
    const result = await trust('--yes', '--json', 'db-1');
    assert.deepEqual(resultsOf(result), ['ber bastion added -', 'db-1 client failed bastion-failed']);
    assert.match(result.stdout, /bastion ber: nobody was refused/);
  });

  test('an old key in a file that is not written here is named', async (t) => {
    const sshConfig = path.join(bastion.dir, 'ssh_config');
    const global = path.join(bastion.dir, 'global');
    writeFileSync(global, `\nalias ${otherKey()}\n`);
    const options = `HostName 127.0.0.1\n Port ${target.port}\n HostKeyAlias alias\n GlobalKnownHostsFile ${global}`;
    writeFileSync(sshConfig, `Host web-3\n ${options}\n`);
    writeFileSync(global, `\nalias ${twoWords(bastion.hostKeys[0]?.line)}\n`);
    const { trust, known } = folder(t, `<client name="web-3" config="${sshConfig}"/>`);
    const { status, stderr, stdout } = await trust('--yes', '--replace', 'web-3');
    assert.equal(status, 0, stdout + stderr);
    assert.ok(known().includes('alias ssh-ed25519'), known().join());
    const left = `${global} line 2 still has ${bastion.hostKeys[0]?.fingerprint ?? '?'} for web-3; remove it there`;
    assert.ok(stderr.includes(left), stderr);
  });

  test('what only a command of ssh_config reaches: a file vouches for it, and then it is known', async (t) => {
    const sshConfig = path.join(bastion.dir, 'ssh_config_command');
    writeFileSync(sshConfig, `Host web-4\n HostName 127.0.0.9\n Port 2222\n ProxyCommand false\n`);
    const { trust, known } = folder(t, `<client name="web-4" config="${sshConfig}" transport="openssh"/>`);
    const advice = /web-4 +unsupported +ProxyCommand[^]*\nweb-4: Connect once with ssh .* --from FILE/;
    await exits(1, trust('--yes', 'web-4'), { stdout: advice });
    const prints = path.join(bastion.dir, 'prints');
    writeFileSync(prints, `web-4 ${target.hostKeys[0]?.fingerprint ?? ''}\n`);
    const asked = resultsOf(await trust('--from', prints, '--json', 'web-4'));
    assert.deepEqual(asked, ['web-4 client failed unsupported']);
    const keys = path.join(bastion.dir, 'keys');
    writeFileSync(keys, `[127.0.0.9]:2222 ${otherKey()}\n`);
    const vouched = resultsOf(await trust('--from', keys, '--json', 'web-4'));
    assert.deepEqual(vouched, ['web-4 client added -']);
    assert.deepEqual(known(), ['[127.0.0.9]:2222 ssh-ed25519']);
    assert.deepEqual(resultsOf(await trust('--json', 'web-4')), ['web-4 client known -']);
  });

  test('unknown names are refused, with the nearest right one', async (t) => {
    const { trust } = folder(t);
    await exits(2, trust('--yes', 'web-2'), /there is no client "web-2".*web-1/);
  });
});
