// Second tier: writes and takes back lines of keys through sshd.
/** `authorize`: the printed lines, the key that they are for, and the effects of its script on an account's files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import { isWide } from '../../support/long-tests.ts';
import { configFolder, exits, runCli, succeeded } from '../../support/programs/run-cli.ts';
import { sshdMissing, sshKeygen, sshdOfSuite } from '../../support/ssh/sshd.ts';

function place(t: TestContext, attributes: string) {
  const client = `<client name="web-1" ip="192.0.2.1" username="monitor" ${attributes}/>`;
  const dir = configFolder(t, `<config>${client}</config>`);
  return { dir, authorize: (...args: readonly string[]) => runCli(['authorize', ...args], { cwd: dir }) };
}

/** Makes a place whose client has a key of its own. */
function keyedPlace(t: TestContext, more = '') {
  const made = place(t, `privateKey="key" ${more}`);
  return { ...made, publicKey: sshKeygen(path.join(made.dir, 'key'), '-t', 'ed25519').publicKey };
}

const keyOf = (line: string): string => line.split(' ')[1] ?? '';

test('names the port in the command that it shows', async (t) => {
  const { authorize } = keyedPlace(t, 'port="2222"');
  assert.match((await authorize('web-1')).stdout, /--script \| ssh -p 2222 root@192\.0\.2\.1 sh$/m);
});

test('prints the line of the client’s own key, behind what it is for', async (t) => {
  const { dir, authorize, publicKey } = keyedPlace(t);
  const stdout = await succeeded(authorize('web-1'));
  const lines = stdout.trimEnd().split('\n');
  const areComments = lines.slice(0, -1).every((line) => line.startsWith('# '));
  assert.ok(areComments, stdout);
  const collector = readFileSync(path.join(dir, 'state/collector-id'), 'utf8').trim();
  const line = lines.at(-1) ?? '';
  assert.match(line, /^restrict,command="\/bin\/sh -c '/);
  assert.ok(line.endsWith(`" ssh-ed25519 ${keyOf(publicKey)} fleet-health:${collector}`), line);
  assert.ok(line.includes(`'${collector}'`));
  assert.equal((await authorize('web-1')).stdout, stdout, 'the same at every call');
});

test('with --json', async (t) => {
  const { authorize } = keyedPlace(t);
  const { status, stdout } = await authorize('web-1', '--json');
  assert.equal(status, 0);
  const { line, agent, account, folders } = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(account, 'monitor');
  assert.deepEqual(folders, ['/usr/local/lib/fleet-health', '~/.local/lib/fleet-health']);
  assert.ok(String(line).includes(`'${String(agent)}'`));
});

test('--agent shell: another line, which pins another program and no sealing key', async (t) => {
  const { authorize } = keyedPlace(t);
  const stdout = await succeeded(authorize('web-1', '--agent', 'shell', '--json'));
  const answer = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([answer['runs'], answer['inventory'], answer['sealing_key']], ['shell', null, null]);
  assert.ok(String(answer['line']).includes(`'${String(answer['agent'])}'`));
  const forPeople = (await authorize('web-1', '--agent', 'shell')).stdout;
  assert.ok(forPeople.endsWith(`\n${String(answer['line'])}\n`));
  assert.match(forPeople, /^# {3}fleet-health authorize web-1 --agent shell --script \| ssh root@192\.0\.2\.1 sh$/m);
  const ofNode = JSON.parse((await authorize('web-1', '--json')).stdout) as Record<string, unknown>;
  assert.equal(ofNode['runs'], 'node');
  assert.notEqual(ofNode['agent'], answer['agent']);
});

test('without an answer of the database the line is for Node.js, and says so', async (t) => {
  const { dir, authorize } = keyedPlace(t);
  mkdirSync(path.join(dir, 'state'), { recursive: true });
  writeFileSync(path.join(dir, 'state/fleet.db'), 'no database'.repeat(1000));
  const { status, stdout, stderr } = await authorize('web-1', '--json');
  assert.equal(status, 0);
  assert.equal((JSON.parse(stdout) as Record<string, unknown>)['runs'], 'node');
  assert.match(
    stderr,
    /^how web-1 was read last cannot be looked up, so its key is made for Node\.js \(--agent says which\): /,
  );
  assert.equal((await authorize('web-1', '--agent', 'node')).stderr, '');
});

for (const [what, args] of [
  ['of RSA', ['-t', 'rsa', '-b', '2048']],
  ['of ECDSA', ['-t', 'ecdsa']],
  ['encrypted, whose public half lies beside it', ['-t', 'ed25519', '-N', 'secret']],
] as const) {
  test(`a key ${what}`, async (t) => {
    const { dir, authorize } = place(t, 'privateKey="key"');
    const { publicKey } = sshKeygen(path.join(dir, 'key'), ...args);
    const stdout = await succeeded(authorize('web-1'));
    assert.ok(stdout.includes(` ${publicKey.split(' ').slice(0, 2).join(' ')} fleet-health:`), stdout);
  });
}

test('a private key without its public half beside it', async (t) => {
  const { dir, authorize, publicKey } = keyedPlace(t);
  rmSync(path.join(dir, 'key.pub'));
  assert.ok((await authorize('web-1')).stdout.includes(keyOf(publicKey)));
});

test('account and key as ssh_config names them', async (t) => {
  const { dir, authorize } = place(t, 'config="ssh_config"');
  const { publicKey } = sshKeygen(path.join(dir, 'own'), '-t', 'ed25519');
  writeFileSync(path.join(dir, 'config.xml'), '<config><client name="web-1" ip="web-1" config="ssh_config"/></config>');
  const config = path.join(dir, 'ssh_config');
  writeFileSync(config, `Host web-1\n  User watcher\n  IdentityFile ${path.join(dir, 'own')}\n`, { mode: 0o600 });
  const { status, stdout, stderr } = await authorize('web-1');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /the account watcher,/);
  assert.ok(stdout.includes(keyOf(publicKey)));
  sshKeygen(path.join(dir, 'second'), '-t', 'ed25519');
  writeFileSync(config, `${readFileSync(config, 'utf8')}  IdentityFile ${path.join(dir, 'second')}\n`);
  await exits(2, authorize('web-1'), /several private keys .*own, .*second.*--key FILE\.pub/s);
});

test('--key names another one', async (t) => {
  const { dir, authorize } = place(t, '');
  const { publicKey } = sshKeygen(path.join(dir, 'other'), '-t', 'ed25519');
  const { status, stdout } = await authorize('web-1', '--key', path.join(dir, 'other.pub'));
  assert.equal(status, 0);
  assert.ok(stdout.includes(keyOf(publicKey)));
});

for (const [what, attributes, args, says] of [
  ['a client that is not there', '', ['web-2'], /web-2.*web-1/s],
  ['no key', '', ['web-1'], /no private key.*--key FILE\.pub/s],
  ['a key that is none', '', ['web-1', '--key', 'config.xml'], /config\.xml: .*ssh-ed25519/s],
  ['a key that is not there', '', ['web-1', '--key', 'nothing'], /nothing cannot be read: it does not exist/],
  ['an agent that is none', '', ['web-1', '--agent', 'perl'], /--agent.*perl.*node, shell/s],
  ['a client without SSH', 'transport="local"', ['web-1'], /without SSH/],
] as const) {
  test(`${what} is a fault that says so, and leaves nothing behind`, async (t) => {
    const { dir, authorize } = place(t, attributes);
    const { status, stdout, stderr } = await authorize(...args);
    assert.ok(status === 1 || status === 2, String(status));
    assert.equal(stdout, '');
    assert.match(stderr, says);
    assert.deepEqual(readdirSync(dir), ['config.xml']);
  });
}

const shells = isWide ? ['dash', 'bash', 'busybox ash', 'mksh'] : ['dash'];

suite('its script', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite();

  async function script(t: TestContext, agent = 'node') {
    const account = await sshd.addAccount();
    const client = `<client name="web-1" ip="192.0.2.1" username="${account.name}" privateKey="key"/>`;
    const dir = configFolder(t, `<config>${client}</config>`);
    const { publicKey } = sshKeygen(path.join(dir, 'key'), '-t', 'ed25519');
    const { stdout } = await runCli(['authorize', 'web-1', '--agent', agent, '--script'], { cwd: dir });
    return {
      account,
      key: publicKey,
      keysFile: path.join(account.home, '.ssh/authorized_keys'),
      run: (shell: readonly string[] = ['sh'], uid = account.uid, more: Readonly<Record<string, string>> = {}) => {
        const [file = '', ...args] = shell;
        const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: account.home, ...more };
        return spawnSync(file, args, { input: stdout, encoding: 'utf8', env, uid, gid: uid, cwd: '/' });
      },
    };
  }

  for (const shell of shells) {
    test(`in ${shell}: agents of the right digest, one line, nothing else changed`, async (t) => {
      const { account, key, keysFile, run } = await script(t);
      mkdirSync(path.dirname(keysFile), { mode: 0o700 });
      const others = `# mine\nssh-ed25519 AAAAother somebody`;
      writeFileSync(keysFile, `${others}\nfrom="10.0.0.1",no-pty ${key} again\n`);
      spawnSync('chown', ['-R', account.name, path.dirname(keysFile)]);
      for (let again = 0; again < 2; again += 1) {
        const { status, stderr } = run(shell.split(' '));
        assert.deepEqual([status, stderr], [0, '']);
        const lines = readFileSync(keysFile, 'utf8').trimEnd().split('\n');
        assert.equal(lines.slice(0, 2).join('\n'), others);
        assert.equal(lines.length, 3);
        const own = /^restrict,command="[^"]+",from="10\.0\.0\.1",no-pty ssh-ed25519 \S+ fleet-health:/;
        assert.match(lines[2] ?? '', own);
        const facts = statSync(keysFile);
        assert.deepEqual([facts.mode & 0o777, facts.uid], [0o600, account.uid]);
      }
      const lib = path.join(account.home, '.local/lib/fleet-health');
      const names = readdirSync(lib);
      assert.equal(names.length, 2);
      for (const name of names) {
        const { stdout } = spawnSync('sha256sum', [path.join(lib, name)], { encoding: 'utf8' });
        assert.equal(`${stdout.split(' ')[0] ?? ''}.cjs`, name);
      }
    });
  }

  for (const shell of shells) {
    test(`in ${shell}: the shell agent alone, as it is, and ~/.ssh for an account without it`, async (t) => {
      const { account, keysFile, run } = await script(t, 'shell');
      assert.equal(existsSync(path.dirname(keysFile)), false);
      const { status, stderr } = run(shell.split(' '));
      assert.deepEqual([status, stderr], [0, '']);
      assert.equal(statSync(path.dirname(keysFile)).mode & 0o777, 0o700);
      const lib = path.join(account.home, '.local/lib/fleet-health');
      const [name = '', ...others] = readdirSync(lib);
      assert.deepEqual(others, []);
      const bytes = readFileSync(path.join(lib, name));
      const digest = createHash('sha256').update(bytes).digest('hex');
      assert.equal(`${digest}.sh`, name);
      assert.ok(readFileSync(keysFile, 'utf8').includes(`'${digest}'`));
    });
  }

  for (const [what, hidden, says] of [
    ['awk', ['awk'], /the shell agent needs awk/],
    [
      'anything that computes SHA-256',
      ['sha256sum', 'shasum', 'openssl'],
      /nothing here computes SHA-256.*run this as root/,
    ],
  ] as const) {
    test(`the shell agent is not put where the account has not got ${what}`, async (t) => {
      const { account, keysFile, run } = await script(t, 'shell');
      const hide = (name: string): string => `f=$(command -v ${name})&&mount --bind /dev/null $(readlink -f $f)`;
      const without = hidden.map(hide).join(';');
      const inside =
        `mount --make-rprivate /;${without};exec setpriv --reuid ${account.uid} --regid ${account.uid} ` +
        '--clear-groups sh -s';
      const { status, stderr } = run(['unshare', '-m', 'sh', '-c', inside], 0);
      assert.equal(status, 1);
      assert.match(stderr, says);
      assert.equal(existsSync(path.join(account.home, '.local')), false);
      assert.equal(existsSync(keysFile), false);
    });
  }

  test('root puts the agents where the account cannot change them, and the line as the account', async (t) => {
    const { account, keysFile, run } = await script(t);
    // A mount namespace of its own keeps this machine unchanged.
    const listed = path.join(account.home, 'listed');
    const inside =
      'mount --make-rprivate /; mount -t tmpfs none /usr/local/lib; sh -s' +
      `; status=$?; stat -c "%a %U %n" /usr/local/lib/fleet-health/* >${listed}; exit $status`;
    const { status, stderr } = run(['unshare', '-m', 'sh', '-c', inside], 0);
    assert.deepEqual([status, stderr], [0, '']);
    const lines = readFileSync(listed, 'utf8').trimEnd().split('\n');
    assert.equal(lines.length, 2);
    for (const line of lines) assert.match(line, /^644 root \/usr\/local\/lib\/fleet-health\/[0-9a-f]{64}\.cjs$/);
    assert.equal(statSync(keysFile).uid, account.uid);
    assert.equal(existsSync(path.join(account.home, '.local')), false);
  });

  test('a symbolic link in the place of authorized_keys is refused, and what it points to stays', async (t) => {
    const { account, keysFile, run } = await script(t);
    mkdirSync(path.dirname(keysFile));
    spawnSync('chown', [account.name, path.dirname(keysFile)]);
    const victim = path.join(account.home, 'victim');
    symlinkSync(victim, keysFile);
    const { status, stderr } = run();
    assert.equal(status, 1);
    assert.match(stderr, /authorized_keys is a symbolic link/);
    assert.equal(existsSync(victim), false);
  });

  test('in a folder of the account root writes as the account, and follows no link', async (t) => {
    const { account, run } = await script(t);
    const folder = path.join(account.home, 'keys');
    mkdirSync(folder);
    const victim = path.join(sshd.dir, 'victim');
    writeFileSync(victim, 'secret', { mode: 0o600 });
    symlinkSync(victim, path.join(folder, 'own.new'));
    spawnSync('chown', ['-R', account.name, folder]);
    const inside = 'mount --make-rprivate /; mount -t tmpfs none /usr/local/lib; sh -s';
    const own = path.join(folder, 'own');
    const { status, stderr } = run(['unshare', '-m', 'sh', '-c', inside], 0, { AUTHORIZED_KEYS: own });
    assert.deepEqual([status, stderr], [0, '']);
    const facts = statSync(own);
    assert.deepEqual([facts.uid, facts.mode & 0o777], [account.uid, 0o644]);
    assert.match(readFileSync(own, 'utf8'), /^restrict,/);
    assert.deepEqual([readFileSync(victim, 'utf8'), statSync(victim).mode & 0o777], ['secret', 0o600]);
  });

  test('another account learns who may run it', async (t) => {
    const { account, run } = await script(t);
    const { status, stderr } = run(['sh'], 65_534);
    assert.equal(status, 1);
    assert.ok(stderr.includes(`run this as root or as ${account.name}`), stderr);
  });
});
