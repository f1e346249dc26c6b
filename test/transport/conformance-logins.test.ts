// Second tier: every kind of login by both transports.
/** Logins and host keys over both transports: the offered credentials, their number, and the error of each refusal. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, describe, it } from 'node:test';

import type { ErrorCode } from '../../src/platform/errors/errors.ts';
import { transportFor } from '../../src/transport/transport-for.ts';
import { sharedFor } from '../support/ssh/run-shared.ts';
import { dropbearMissing, startDropbear } from '../support/ssh/dropbear.ts';
import { isWide, skipUnlessWide } from '../support/long-tests.ts';
import { fails, failure } from '../support/ssh/login.ts';
import { authorizeAtHome, makeAccount, removeAccount } from '../support/programs/accounts.ts';
import { listen } from '../support/servers/free-port.ts';
import { startSshAgent } from '../support/ssh/ssh-agent.ts';
import { fingerprintOf, sshdMissing, sshdOfSuite, sshKeygen } from '../support/ssh/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { clientOf, connectBy, noChildLeft, targetAt, transports } from '../support/ssh/both-transports.ts';
import type { LoginTarget, TransportName } from '../support/ssh/both-transports.ts';

const tried: readonly TransportName[] = isWide ? transports : ['ssh2'];
const password = 'pass word "with" $igns é';
const passphrase = 'open $HOME "sesame" ü';

async function logIn(transport: TransportName, target: LoginTarget): Promise<void> {
  const connection = await connectBy(transport, target);
  const channel = await connection.exec('true');
  assert.deepEqual(await channel.exit, { status: 0, signal: null });
  await connection.leave();
}

async function refused(transport: TransportName, target: LoginTarget, code: ErrorCode, says: RegExp): Promise<void> {
  const error = await fails(logIn(transport, target), `${code} login web-1`, says);
  for (const secret of [target.password, target.passphrase]) {
    assert.ok(secret === undefined || !error.message.includes(secret), 'a secret stands in the message');
  }
}

describe('OpenSSH', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite({ hostKeyTypes: ['rsa', 'ecdsa', 'ed25519'] });
  const pam = await sshdOfSuite({ pam: true, config: ['PasswordAuthentication no'] });
  const strict = await sshdOfSuite({ config: ['AuthenticationMethods password,publickey'] });
  afterEach(noChildLeft);
  const keyPair = (name: string, type = 'ed25519') => sshKeygen(path.join(sshd.dir, name), '-t', type);

  for (const transport of tried) {
    describe(`${transport}: keys`, () => {
      for (const type of isWide ? ['ed25519', 'ecdsa', 'rsa'] : ['ed25519']) {
        it(`${type}, open and with a passphrase`, async () => {
          const { privateKey, publicKey } = keyPair(`${transport}-${type}`, type);
          const { name: username } = await sshd.addAccount({ publicKey });
          const target = targetAt(sshd, { username, privateKey });
          await logIn(transport, target);
          execFileSync('ssh-keygen', ['-q', '-p', '-a', '2', '-P', '', '-N', passphrase, '-f', privateKey]);
          await logIn(transport, { ...target, passphrase });
          await refused(transport, { ...target, passphrase: 'wrong-1' }, 'credentials-unusable', /passphrase/);
        });
      }

      it('a wrong key is named by its fingerprint, a missing one by its path', async () => {
        const { privateKey } = keyPair(`${transport}-wrong`);
        const { name: username } = await sshd.addAccount({ publicKey: keyPair(`${transport}-right`).publicKey });
        const target = targetAt(sshd, { username, privateKey });
        const print = fingerprintOf(privateKey).replaceAll('+', '\\+');
        await refused(transport, target, 'auth-failed', new RegExp(`was refused; tried key ${print}`));
        const missing = path.join(sshd.dir, 'missing');
        const says = /missing.*(?:[Nn]o such file|the file does not exist)/;
        await refused(transport, { ...target, privateKey: missing }, 'credentials-unusable', says);
      });

      it('an ssh-agent', async () => {
        const { privateKey, publicKey } = keyPair(`${transport}-held`);
        const agent = await startSshAgent(path.join(sshd.dir, `${transport}-agent`), privateKey);
        const { name: username } = await sshd.addAccount({ publicKey });
        await logIn(transport, targetAt(sshd, { username, agent }));
        // Offers only the agent's key that the public key file names.
        await logIn(transport, targetAt(sshd, { username, agent, privateKey: `${privateKey}.pub` }));
      });
    });

    describe(`${transport}: passwords`, () => {
      let target: LoginTarget;
      before(async () => {
        const { name: username } = await sshd.addAccount({ password });
        target = targetAt(sshd, { username, password });
      });

      it('the right one', () => logIn(transport, target));
      it('a wrong one, sent once', async () => {
        await refused(transport, { ...target, password: 'wrong-1' }, 'auth-failed', /was refused; tried password/);
        await sshd.logged(new RegExp(`(?:closed by|Disconnected from) authenticating user ${target.username}`));
        assert.equal(sshd.count(new RegExp(`Failed password for ${target.username}`, 'g')), 1);
      });
      it('of nobody', () => refused(transport, { ...target, username: 'nobody-here' }, 'auth-failed', /refused/));
      if (transport === 'ssh2') {
        it('none, and nothing else', async () => {
          const says = /^no private key: looked for /;
          await refused(transport, targetAt(sshd, { username: target.username }), 'credentials-unusable', says);
        });
      }
      it('one in a file name, environment or argument of no process', async () => {
        const connection = await connectBy(transport, target);
        const command = 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null || :';
        const notified = execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
        assert.ok(!notified.includes(password));
        connection.destroy();
      });
    });

    it(`${transport}: keyboard-interactive, the right password, and a wrong one, sent once`, async () => {
      const { name: username } = await pam.addAccount({ password });
      const target = targetAt(pam, { username, password });
      await logIn(transport, target);
      assert.equal(pam.count(new RegExp(`Accepted keyboard-interactive\\S* for ${username}`, 'g')), 1);
      await refused(transport, { ...target, password: 'wrong-1' }, 'auth-failed', /refused/);
      // sshd's own processes log in no fixed order.
      const failed = new RegExp(`Failed keyboard-interactive\\S* for ${username}`, 'g');
      await pam.logged(failed);
      assert.equal(pam.count(failed), 1);
    });

    it(`${transport}: what the server says of an account that has expired stands in the message`, async () => {
      const { privateKey, publicKey } = keyPair(`${transport}-expired`);
      const { name: username } = await pam.addAccount({ publicKey, expired: true });
      const target = targetAt(pam, { username, privateKey });
      const error = await fails(logIn(transport, target), 'auth-failed login web-1', /says ".*account has expired/);
      assert.match(error.advice, /PAM may forbid the login/);
    });

    it(`${transport}: a server that wants a key and a password gets both, in its order, and refuses one alone`, async () => {
      const { privateKey, publicKey } = keyPair(`${transport}-both`);
      const { name: username } = await strict.addAccount({ password, publicKey });
      await logIn(transport, targetAt(strict, { username, password, privateKey }));
      const says = /the client took password, and wants publickey too/;
      await refused(transport, targetAt(strict, { username, password }), 'auth-failed', says);
    });

    describe(`${transport}: host keys`, () => {
      const other = keyPair(`${transport}-other`);
      let target: (more: Partial<LoginTarget>) => LoginTarget;
      before(async () => {
        const { privateKey, publicKey } = keyPair(`${transport}-login`);
        const { name: username } = await sshd.addAccount({ publicKey });
        target = (more) => targetAt(sshd, { knownHosts: [], username, privateKey, ...more });
      });
      const host = `[127.0.0.1]:${sshd.port}`;
      const shown = sshd.hostKeys.find(({ type }) => type === 'ed25519')?.fingerprint ?? '';

      for (const type of ['rsa', 'ecdsa', 'ed25519'] as const) {
        it(`one that is known among several: ${type}`, () =>
          logIn(transport, target({ knownHosts: [sshd.hostKeyLine('127.0.0.1', type)] })));
      }
      /** Checks that a login is refused before it is tried. */
      const refusedAtOnce = async (more: Partial<LoginTarget>, code: ErrorCode, advice: RegExp, ...says: string[]) => {
        const logins = sshd.count(/Accepted|Postponed/g);
        const error = await fails(logIn(transport, target(more)), `${code} handshake`);
        for (const words of says) assert.ok(error.message.includes(words), error.message);
        assert.match(error.advice, advice);
        assert.equal(sshd.count(/Accepted|Postponed/g), logins);
      };
      it('an unknown one is refused before any login, with its fingerprint and what to do', () =>
        refusedAtOnce(
          {},
          'host-key-unknown',
          /^fleet-health trust web-1$/,
          `shows ED25519 ${shown}; `,
          ' has no key for it',
        ));
      for (const hostKeys of ['strict', 'accept-new'] as const) {
        it(`a changed one is refused before any login, with both fingerprints, the place and the remedy (${hostKeys})`, () => {
          const [type = '', key = ''] = other.publicKey.split(' ');
          const line = `${host} ${type} ${key} first-seen=2026-11-20T10:00:00Z`;
          const known = `${fingerprintOf(other.privateKey)} (line 2, first seen 2026-11-20 10:00 UTC)`;
          return refusedAtOnce(
            { knownHosts: ['# first', line], hostKeys },
            'host-key-changed',
            /fleet-health trust --replace web-1$/,
            `shows ED25519 ${shown}`,
            `says ED25519 ${known}`,
          );
        });
      }
      it('a revoked one is refused, although it is known', async () => {
        const line = sshd.hostKeyLine('127.0.0.1', 'ed25519');
        const error = await failure(logIn(transport, target({ knownHosts: [line, `@revoked ${line}`] })));
        assert.deepEqual([error.code, error.stage], ['host-key-revoked', 'handshake'], error.message);
        assert.ok(error.message.includes(shown), error.message);
      });
      it('accept-new writes the key down, and strict takes it afterwards', async () => {
        const client = clientOf(transport, target({ hostKeys: 'accept-new' }));
        const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal: new AbortController().signal };
        (await transportFor(client, sharedFor()).connect(limits)).destroy();
        const written = readFileSync(client.ssh.knownHosts, 'utf8').trim().split('\n');
        assert.equal(written.length, 1);
        assert.ok(written[0]?.startsWith(`${host} `), written[0]);
        await logIn(transport, target({ knownHosts: written }));
      });
    });
  }
});

describe('dropbear', { skip: skipUnlessWide || (dropbearMissing() ?? false) }, async () => {
  const server = await stoppedAfter(startDropbear());
  const key = sshKeygen(path.join(server.dir, 'login'), '-t', 'rsa');
  afterEach(noChildLeft);

  for (const transport of tried) {
    describe(transport, () => {
      let target: (more: Partial<LoginTarget>) => LoginTarget;
      before(async () => {
        const { name: username } = await server.addAccount({ password: 'plain-1', publicKey: key.publicKey });
        target = (more) => targetAt(server, { username, ...more });
      });

      it('an RSA key', () => logIn(transport, target({ privateKey: key.privateKey })));
      it('a password', () => logIn(transport, target({ password: 'plain-1' })));
      it('a wrong password, sent once', async () => {
        const before = server.count(/Bad password attempt/g);
        await refused(transport, target({ password: 'wrong-1' }), 'auth-failed', /tried password/);
        assert.equal(server.count(/Bad password attempt/g), before + 1);
      });
      it('a changed host key', async () => {
        const { publicKey } = sshKeygen(path.join(server.dir, `other-${transport}`), '-t', 'ed25519');
        const wrong = target({ privateKey: key.privateKey, knownHosts: [`[127.0.0.1]:${server.port} ${publicKey}`] });
        await assert.rejects(logIn(transport, wrong), { code: 'host-key-changed' });
      });
    });
  }
});

/** Puts TinySSH on a port, by a process for each connection, as tcpserver does. */
async function startTinyssh(dir: string) {
  const keys = path.join(dir, 'tiny');
  execFileSync('tinysshd-makekey', ['-q', keys]);
  const [hostKey = ''] =
    /^ssh-ed25519 \S+/m.exec(execFileSync('tinysshd-printkey', [keys], { encoding: 'utf8' })) ?? [];
  const listener = await listen((socket) => {
    const child = spawn('tinysshd', [keys], { stdio: ['pipe', 'pipe', 'ignore'] });
    for (const stream of [socket, child.stdin, child.stdout]) stream.on('error', () => undefined);
    socket.on('close', () => child.kill());
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
  });
  return { ...listener, dir, hostKeyLine: () => `[127.0.0.1]:${listener.port} ${hostKey}` };
}

describe('TinySSH', { skip: existsSync('/usr/sbin/tinysshd') ? (sshdMissing() ?? false) : 'no tinysshd' }, async () => {
  // TinySSH reads no keys below a folder that others can write, such as /tmp.
  const dir = mkdtempSync('/var/lib/fleet-health-test-');
  chmodSync(dir, 0o755);
  mkdirSync(path.join(dir, 'home'));
  const tiny = await startTinyssh(dir);
  const account = await makeAccount(dir, {});
  after(async () => {
    await tiny.close();
    await removeAccount(account);
    rmSync(dir, { recursive: true });
  });

  for (const transport of transports) {
    it(`${transport}: it gets a command only after it has answered the login, which it would not look at before`, async () => {
      const { privateKey, publicKey } = sshKeygen(path.join(dir, transport), '-t', 'ed25519');
      authorizeAtHome(account, publicKey);
      const target = targetAt(tiny, { username: account.name, privateKey });
      const connection = await connectBy(transport, target, { ahead: 'id -un' });
      const channel = await connection.exec('id -un');
      assert.equal(await text(channel.stdout), `${account.name}\n`);
      await connection.leave();
    });
  }
});
