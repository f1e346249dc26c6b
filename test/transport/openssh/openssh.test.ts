// Second tier: visits through the machine's own ssh.
/** The features of transport="openssh" beyond the built-in one, and the end of its processes. All servers are real. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, it } from 'node:test';

import { fails, failure } from '../../support/ssh/login.ts';
import { isWide } from '../../support/long-tests.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../../support/ssh/sshd.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { connectBy, noChildLeft, sshChildren, targetAt, type LoginTarget } from '../../support/ssh/both-transports.ts';
import { until } from '../../support/until.ts';
import { assertWithin } from '../../support/within.ts';

const skip = sshdMissing() ?? false;
/** The options of node before the text of a module. */
const asModule = ['--import', 'tsx', '--input-type=module', '-e'];

async function output(
  target: LoginTarget,
  command = 'echo "$USER"',
  transport: 'openssh' | 'ssh2' | 'auto' = 'openssh',
): Promise<string> {
  const connection = await connectBy(transport, target);
  const channel = await connection.exec(command);
  const printed = (await text(channel.stdout)).trim();
  await connection.leave();
  return printed;
}

describe('certificates', { skip }, async () => {
  const authority = path.join(tempFolder(), 'ca');
  const sign = (key: string, ...options: readonly string[]): void => {
    execFileSync('ssh-keygen', ['-q', '-s', authority, ...options, `${key}.pub`], { stdio: 'ignore' });
  };
  const { publicKey } = sshKeygen(authority, '-t', 'ed25519');
  // The same authority has signed the server's key and the user's. Nothing else proves them.
  const sshd = await sshdOfSuite({
    prepare: (folder) => {
      sign(path.join(folder, 'host_ed25519'), '-h', '-n', '127.0.0.1', '-I', 'host');
      return [`TrustedUserCAKeys ${authority}.pub`, `HostCertificate ${folder}/host_ed25519-cert.pub`];
    },
  });
  const { privateKey } = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
  const { name: username } = await sshd.addAccount();
  sign(privateKey, '-n', username, '-I', 'user');
  const knownHosts = [`@cert-authority [127.0.0.1]:${sshd.port} ${publicKey}`];
  const target = (more?: Partial<LoginTarget>) => targetAt(sshd, { knownHosts, username, privateKey, ...more });
  afterEach(noChildLeft);

  it('of a host and of a user, without a line for either', async () => {
    assert.equal(await output(target()), username);
    await sshd.logged(/Accepted publickey for \S+ .*ED25519-CERT/);
  });
  it('transport="auto" takes OpenSSH for them by itself, and ssh2 says what it lacks', async () => {
    assert.equal(await output(target(), 'echo "$USER"', 'auto'), username);
    const error = await failure(output(target(), 'true', 'ssh2'));
    assert.match(`${error.message} ${error.advice}`, /transport="openssh"/);
  });
  it('a host that only an authority vouches for is reason enough', async () => {
    const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'plain'), '-t', 'ed25519');
    const { name: username } = await sshd.addAccount({ publicKey });
    assert.equal(await output(target({ username, privateKey }), 'echo "$USER"', 'auto'), username);
    await sshd.logged(new RegExp(`Accepted publickey for ${username} .*: ED25519 SHA256`));
  });
  it('an authority for other hosts is none for this one', async () => {
    const others = knownHosts.map((line) => line.replace('[127.0.0.1]', '[127.0.0.9]'));
    await fails(output(target({ knownHosts: others })), 'host-key-unknown handshake');
  });
  it('one that has expired is reported', async () => {
    const { privateKey } = sshKeygen(path.join(sshd.dir, 'late'), '-t', 'ed25519');
    sign(privateKey, '-n', username, '-I', 'late', '-V', '20200101:20200102');
    await fails(output(target({ privateKey })), 'auth-failed');
  });
});

describe('ssh_config', { skip }, async () => {
  const sshd = await sshdOfSuite();
  const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
  const account = await sshd.addAccount({ publicKey });
  afterEach(noChildLeft);

  let written = 0;
  const target = (lines: readonly string[], more?: Partial<LoginTarget>): LoginTarget => {
    const config = path.join(sshd.dir, `config.${(written += 1)}`);
    writeFileSync(config, lines.map((line) => `${line}\n`).join(''));
    return targetAt(sshd, { username: account.name, config, privateKey, ...more });
  };

  it('a ProxyCommand, which ends with the connection', async () => {
    const config = [`ProxyCommand /bin/sh -c 'exec ${process.execPath} ${relay(sshd.dir)} ${sshd.port}'`];
    assert.equal(await output(target(config)), account.name);
    const connection = await connectBy('openssh', target(config));
    const channel = await connection.exec('exec sleep 60');
    // The ProxyCommand of the first connection may still be ending.
    await until(() => processesWith('relay.cjs') === 1, 'not one ProxyCommand').finally(() => connection.destroy());
    await failure(channel.exit);
    await until(() => processesWith('relay.cjs') === 0, 'the ProxyCommand goes on');
  });
  it('a ProxyCommand that fails, or says nothing', async () => {
    const ended = output(target(['ProxyCommand /bin/sh -c "echo no way >&2; exit 3"']));
    await fails(ended, 'bastion-failed connect', /no way/);
    const startedMs = performance.now();
    const limits = { tcpTimeoutMs: 1000, connectTimeoutMs: 2500 };
    const attempt = connectBy('openssh', target(['ProxyCommand sleep 61']), limits);
    await fails(attempt, 'connect-timeout connect');
    assertWithin(startedMs, 5000);
    await until(() => processesWith('sleep 61') === 0, 'the ProxyCommand goes on');
  });
  it('a ProxyJump', async () => {
    const config = [
      ...['Host hop', 'HostName 127.0.0.1', `Port ${sshd.port}`, `User ${account.name}`, `IdentityFile ${privateKey}`],
      ...[`UserKnownHostsFile ${path.join(sshd.dir, 'hop_known')}`, 'Host web-1', 'ProxyJump hop'],
    ];
    writeFileSync(path.join(sshd.dir, 'hop_known'), `${sshd.hostKeyLine()}\n`);
    const logins = sshd.count(/Accepted publickey/g);
    assert.equal(await output(target(config)), account.name);
    assert.equal(sshd.count(/Accepted publickey/g), logins + 2);
    writeFileSync(path.join(sshd.dir, 'hop_known'), '');
    // A key that `trust` has stored serves the jump too.
    assert.equal(await output(target(config)), account.name);
    const attempt = output(target(config, { knownHosts: [] }));
    const error = await fails(attempt, 'bastion-failed connect', /Host key verification failed/);
    assert.equal(error.advice, 'fleet-health trust web-1');
  });
  it('a ProxyCommand that is an ssh of its own, which reads its own files', async () => {
    const own = `ssh -F /dev/null -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -p ${sshd.port}`;
    const attempt = output(target([`ProxyCommand ${own} -W %h:%p 127.0.0.1`]));
    const error = await fails(attempt, 'bastion-failed connect', /Host key verification failed/);
    assert.match(error.advice, /^A ProxyCommand reads the known_hosts of the account that runs it/);
  });
  it('UserKnownHostsFile none, which ssh takes alone', async () => {
    assert.equal(await output(target(['UserKnownHostsFile none'])), account.name);
  });
  it('its known hosts count beside ours, and new keys are written to ours', async () => {
    const file = path.join(sshd.dir, 'theirs');
    writeFileSync(file, `${sshd.hostKeyLine()}\n`);
    const config = [`UserKnownHostsFile ${file}`];
    assert.equal(await output(target(config, { knownHosts: [] })), account.name);
  });
  it('what config.xml says wins, and what would forward, prompt or fork is off', async () => {
    const config = [
      ...['User nobody', 'Port 1', 'StrictHostKeyChecking no', 'RequestTTY force', 'RemoteCommand false'],
      ...['LogLevel QUIET', 'LocalForward 39999 127.0.0.1:1', 'ForwardAgent yes', 'PermitLocalCommand yes'],
      ...['LocalCommand touch /nowhere/x', 'ControlMaster auto', 'ControlPath none', 'ControlPersist yes'],
      ...['ForkAfterAuthentication yes', 'StdinNull yes'],
    ];
    assert.equal(await output(target(config), 'tty; echo "$USER"'), `not a tty\n${account.name}`);
    await fails(output(target(config, { knownHosts: [] })), 'host-key-unknown');
  });
  it('a file that is not there, or that ssh does not take', async () => {
    await fails(output(target([], { config: path.join(sshd.dir, 'no-file') })), 'config-invalid resolve');
    await fails(output(target(['Fooo bar'])), 'config-invalid', /line 1: Bad configuration option$/);
  });
  it('a path that ssh cannot be given as it is', async () => {
    const attempt = output(target([], { privateKey: '/tmp/a"b' }));
    await fails(attempt, 'config-invalid', /privateKey=.* cannot be handed to ssh/);
  });
});

if (isWide) describe('the machine’s ssh', { skip }, machinesSsh);

/** Declares the tests that start a process from the sources. */
function machinesSsh(): void {
  it('is missing: one clear fault', () => {
    const before = process.env['PATH'];
    // The test needs a process of its own, because the version is queried once.
    const script = `
      import { failure } from ${JSON.stringify(path.resolve('test/support/ssh/login.ts'))};
      import { connectBy } from ${JSON.stringify(path.resolve('test/support/ssh/both-transports.ts'))};
      process.env.PATH = '/nowhere';
      const target = { port: 22, dir: ${JSON.stringify(tmpdir())}, knownHosts: [], username: 'x' };
      const error = await failure(connectBy('openssh', target));
      console.log(JSON.stringify([error.code, error.message, error.advice]));`;
    const printed = execFileSync(process.execPath, [...asModule, script], { encoding: 'utf8' });
    assert.equal(process.env['PATH'], before);
    const [code, message, advice] = JSON.parse(printed) as string[];
    assert.equal(code, 'collector-fault');
    assert.match(message ?? '', /transport="openssh" needs the program ssh: there is none in PATH/);
    assert.match(advice ?? '', /openssh-client/);
  });

  it('a collector that is killed leaves no ssh behind, and no folder', async () => {
    const sshd = await sshdOfSuite();
    const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
    const { name: username } = await sshd.addAccount({ publicKey });
    const temporary = path.join(sshd.dir, 'tmp');
    mkdirSync(temporary, { mode: 0o700 });
    const target = targetAt(sshd, { username, privateKey });
    const script = `
      import { connectBy } from ${JSON.stringify(path.resolve('test/support/ssh/both-transports.ts'))};
      const connection = await connectBy('openssh', ${JSON.stringify(target)});
      await connection.exec('exec sleep 62');
      console.log('there');
      setInterval(() => undefined, 1000);`;
    const collector = spawn(process.execPath, [...asModule, script], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(collector.stdout, 'data');
    const [folder = ''] = readdirSync(temporary).filter((name) => name.startsWith('fh-'));
    assert.equal(processesWith(`${temporary}/${folder}`) > 0, true);
    collector.kill('SIGKILL');
    await once(collector, 'exit');
    const left = (): boolean => processesWith(`${temporary}/${folder}`) > 0 || existsSync(path.join(temporary, folder));
    await until(() => !left(), `a process or its folder ${folder} is left`);
    assert.deepEqual(sshChildren(), []);
  });
}

/** Writes a program that connects its standard streams with a port, as `nc` does. Returns its path. */
function relay(dir: string): string {
  const file = path.join(dir, 'relay.cjs');
  const script = `const s = require('net').connect(Number(process.argv[2]), '127.0.0.1');
    process.stdin.pipe(s).pipe(process.stdout); s.on('close', () => process.exit());`;
  writeFileSync(file, script);
  return file;
}

/** Returns the number of processes with these words in the command line. Omits those that only name another process. */
function processesWith(words: string): number {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
      // An ssh has its control socket in its command line. It also has its ProxyCommand there, before that runs.
      return line.includes(words) && (words.startsWith('/') || !/^(?:ssh |sshd|\/bin\/sh )/.test(line));
    } catch {
      return false;
    }
  }).length;
}
