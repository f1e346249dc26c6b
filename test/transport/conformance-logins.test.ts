/** Logins and host keys over both transports: the offered credentials, their number, and the error of each refusal. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import type { ErrorCode } from '../../src/errors.ts';
import { transportFor } from '../../src/transport/transport-for.ts';
import { sharedFor } from '../support/run-shared.ts';
import { dropbearMissing, startDropbear, type Dropbear } from '../support/dropbear.ts';
import { failure } from '../support/login.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd } from '../support/sshd.ts';
import { clientOf, connectBy, noChildLeft, ways, type Way, type WayTarget } from '../support/ways.ts';

const password = 'pass word "with" $igns é';
const passphrase = 'open $HOME "sesame" ü';

async function logIn(way: Way, target: WayTarget): Promise<void> {
  const connection = await connectBy(way, target);
  const channel = await connection.exec('true');
  assert.deepEqual(await channel.exit, { status: 0, signal: null });
  await connection.leave();
}

async function refused(way: Way, target: WayTarget, code: ErrorCode, says: RegExp): Promise<void> {
  const error = await failure(logIn(way, target));
  assert.deepEqual([error.code, error.stage, error.client], [code, 'login', 'web-1'], error.message);
  assert.match(error.message, says);
  for (const secret of [target.password, target.passphrase]) {
    assert.ok(secret === undefined || !error.message.includes(secret), 'a secret stands in the message');
  }
}

for (const way of ways) {
  describe(`${way}: keys`, { skip: sshdMissing() ?? false }, () => {
    let sshd: Sshd;
    let target: (more: Partial<WayTarget>) => WayTarget;
    before(async () => {
      sshd = await startSshd();
      const knownHosts = [sshd.hostKeyLine()];
      target = (more) => ({ port: sshd.port, dir: sshd.dir, knownHosts, username: 'nobody', ...more });
    });
    afterEach(noChildLeft);
    after(() => sshd.stop());

    for (const type of ['ed25519', 'ecdsa', 'rsa']) {
      it(`${type}, open and with a passphrase`, async () => {
        const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, `${way}-${type}`), '-t', type);
        const { name: username } = await sshd.addAccount({ publicKey });
        await logIn(way, target({ username, privateKey }));
        execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', passphrase, '-f', privateKey]);
        await logIn(way, target({ username, privateKey, passphrase }));
        await refused(
          way,
          target({ username, privateKey, passphrase: 'wrong-1' }),
          'credentials-unusable',
          /passphrase/,
        );
      });
    }

    it('a wrong key is named by its fingerprint, a missing one by its path', async () => {
      const right = sshKeygen(path.join(sshd.dir, `${way}-right`), '-t', 'ed25519');
      const wrong = sshKeygen(path.join(sshd.dir, `${way}-wrong`), '-t', 'ed25519').privateKey;
      const print = execFileSync('ssh-keygen', ['-l', '-f', wrong], { encoding: 'utf8' }).split(' ')[1] ?? '';
      const { name: username } = await sshd.addAccount({ publicKey: right.publicKey });
      await refused(way, target({ username, privateKey: wrong }), 'auth-failed', /was refused; tried key SHA256:/);
      const error = await failure(logIn(way, target({ username, privateKey: wrong })));
      assert.ok(error.message.includes(print), error.message);
      const missing = path.join(sshd.dir, 'missing');
      await refused(way, target({ username, privateKey: missing }), 'credentials-unusable', /missing.*[Nn]o such file/);
    });

    it('an ssh-agent', async () => {
      const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, `${way}-held`), '-t', 'ed25519');
      const socket = path.join(sshd.dir, `${way}-agent`);
      const agent: ChildProcess = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
      assert.ok(agent.stdout);
      await once(agent.stdout, 'data');
      try {
        execFileSync('ssh-add', ['-q', privateKey], { env: { SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
        const { name: username } = await sshd.addAccount({ publicKey });
        await logIn(way, target({ username, agent: socket }));
        // Offers only the agent's key that the public key file names.
        await logIn(way, target({ username, agent: socket, privateKey: `${privateKey}.pub` }));
      } finally {
        agent.kill();
      }
    });
  });

  describe(`${way}: passwords`, { skip: sshdMissing() ?? false }, () => {
    let sshd: Sshd;
    let target: (more?: Partial<WayTarget>) => WayTarget;
    before(async () => {
      sshd = await startSshd();
      const { name: username } = await sshd.addAccount({ password });
      const knownHosts = [sshd.hostKeyLine()];
      target = (more = {}) => ({ port: sshd.port, dir: sshd.dir, knownHosts, username, password, ...more });
    });
    afterEach(noChildLeft);
    after(() => sshd.stop());

    it('the right one', () => logIn(way, target()));
    it('a wrong one, sent once', async () => {
      const failed = sshd.count(/Failed password/g);
      await refused(way, target({ password: 'wrong-1' }), 'auth-failed', /was refused; tried password/);
      await sshd.logged(/Connection closed by authenticating user|Disconnected from authenticating user/);
      assert.equal(sshd.count(/Failed password/g), failed + 1);
    });
    it('of nobody', () => refused(way, target({ username: 'nobody-here' }), 'auth-failed', /refused/));
    if (way === 'ssh2') {
      it('none, and nothing else', async () => {
        const { port, dir, knownHosts, username } = target();
        const without = { port, dir, knownHosts, username };
        await refused(way, without, 'credentials-unusable', /neither password nor privateKey nor agent/);
      });
    }
    it('one in a file name, environment or argument of no process', async () => {
      const client = clientOf(way, target());
      const transport = transportFor(client, sharedFor());
      const { signal } = new AbortController();
      const connection = await transport.connect({ tcpTimeoutMs: 5000, connectTimeoutMs: 10_000, signal });
      const told = execFileSync('/bin/sh', ['-c', 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null || :'], {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
      assert.ok(!told.includes(password));
      connection.destroy();
    });
  });

  describe(`${way}: keyboard-interactive`, { skip: sshdMissing() ?? false }, () => {
    let sshd: Sshd;
    let target: (more?: Partial<WayTarget>) => WayTarget;
    before(async () => {
      sshd = await startSshd({ pam: true, config: ['PasswordAuthentication no'] });
      const { name: username } = await sshd.addAccount({ password });
      const knownHosts = [sshd.hostKeyLine()];
      target = (more = {}) => ({ port: sshd.port, dir: sshd.dir, knownHosts, username, password, ...more });
    });
    afterEach(noChildLeft);
    after(() => sshd.stop());

    it('the right password', async () => {
      await logIn(way, target());
      assert.equal(sshd.count(/Accepted keyboard-interactive/g), 1);
    });
    it('a wrong one, sent once', async () => {
      await refused(way, target({ password: 'wrong-1' }), 'auth-failed', /refused/);
      // sshd's own processes log in no fixed order.
      await sshd.logged(/Failed keyboard-interactive/);
      assert.equal(sshd.count(/Failed keyboard-interactive/g), 1);
    });
  });

  describe(`${way}: a server that wants a key and a password`, { skip: sshdMissing() ?? false }, () => {
    let sshd: Sshd;
    after(() => sshd.stop());
    it('gets both, in its order, and refuses one alone', async () => {
      sshd = await startSshd({ config: ['AuthenticationMethods password,publickey'] });
      const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
      const { name: username } = await sshd.addAccount({ password, publicKey });
      const target: WayTarget = {
        port: sshd.port,
        dir: sshd.dir,
        knownHosts: [sshd.hostKeyLine()],
        username,
        password,
      };
      await logIn(way, { ...target, privateKey });
      await refused(way, target, 'auth-failed', /the client takes publickey/);
      await noChildLeft();
    });
  });

  describe(`${way}: host keys`, { skip: sshdMissing() ?? false }, () => {
    let sshd: Sshd;
    let target: (more: Partial<WayTarget>) => WayTarget;
    let other: string;
    before(async () => {
      sshd = await startSshd({ hostKeyTypes: ['rsa', 'ecdsa', 'ed25519'] });
      const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
      other = sshKeygen(path.join(sshd.dir, 'other'), '-t', 'ed25519').publicKey.split(' ').slice(0, 2).join(' ');
      const { name: username } = await sshd.addAccount({ publicKey });
      target = (more) => ({ port: sshd.port, dir: sshd.dir, knownHosts: [], username, privateKey, ...more });
    });
    afterEach(noChildLeft);
    after(() => sshd.stop());
    const host = (): string => `[127.0.0.1]:${sshd.port}`;
    const shown = (): string => sshd.hostKeys.find(({ type }) => type === 'ed25519')?.fingerprint ?? '';

    for (const type of ['rsa', 'ecdsa', 'ed25519'] as const) {
      it(`one that is known among several: ${type}`, () =>
        logIn(way, target({ knownHosts: [sshd.hostKeyLine('127.0.0.1', type)] })));
    }
    it('an unknown one is refused, with its fingerprint and what to do', async () => {
      const error = await failure(logIn(way, target({})));
      assert.deepEqual([error.code, error.stage], ['host-key-unknown', 'handshake'], error.message);
      assert.match(error.message, /shows \S+ SHA256:\S+; .* has no key for it/);
      assert.equal(error.advice, 'fleet-health trust web-1');
    });
    it('a changed one is refused with both fingerprints, also with accept-new', async () => {
      const known = execFileSync('ssh-keygen', ['-l', '-f', path.join(sshd.dir, 'other')], { encoding: 'utf8' });
      for (const hostKeys of ['strict', 'accept-new'] as const) {
        const line = `${host()} ${other} first-seen=2026-11-20T10:00:00Z`;
        const error = await failure(logIn(way, target({ knownHosts: ['# first', line], hostKeys })));
        assert.deepEqual([error.code, error.stage], ['host-key-changed', 'handshake'], error.message);
        assert.ok(error.message.includes(`shows ED25519 ${shown()}`), error.message);
        assert.ok(
          error.message.includes(`${known.split(' ')[1] ?? ''} (line 2, first seen 2026-11-20 10:00 UTC)`),
          error.message,
        );
        assert.match(error.advice, /fleet-health trust --replace web-1/);
      }
    });
    it('a revoked one is refused, although it is known', async () => {
      const line = sshd.hostKeyLine('127.0.0.1', 'ed25519');
      const error = await failure(logIn(way, target({ knownHosts: [line, `@revoked ${line}`] })));
      assert.deepEqual([error.code, error.stage], ['host-key-revoked', 'handshake'], error.message);
      assert.ok(error.message.includes(shown()), error.message);
    });
    it('accept-new writes the key down, and strict takes it afterwards', async () => {
      const wanted = target({ hostKeys: 'accept-new' });
      const { signal } = new AbortController();
      const client = clientOf(way, wanted);
      const connection = await transportFor(client, sharedFor()).connect({
        tcpTimeoutMs: 5000,
        connectTimeoutMs: 10_000,
        signal,
      });
      connection.destroy();
      const written = readFileSync(client.ssh.knownHosts, 'utf8').trim().split('\n');
      assert.equal(written.length, 1);
      assert.ok(written[0]?.startsWith(`${host()} `), written[0]);
      await logIn(way, target({ knownHosts: written }));
    });
  });

  describe(`${way}: dropbear`, { skip: dropbearMissing() ?? false }, () => {
    let server: Dropbear;
    let target: (more: Partial<WayTarget>) => WayTarget;
    let key: { privateKey: string; publicKey: string };
    before(async () => {
      server = await startDropbear();
      key = sshKeygen(path.join(server.dir, 'login'), '-t', 'rsa');
      const { name: username } = await server.addAccount({ password: 'plain-1', publicKey: key.publicKey });
      const knownHosts = [server.hostKeyLine()];
      target = (more) => ({ port: server.port, dir: server.dir, knownHosts, username, ...more });
    });
    afterEach(noChildLeft);
    after(() => server.stop());

    it('an RSA key', () => logIn(way, target({ privateKey: key.privateKey })));
    it('a password', () => logIn(way, target({ password: 'plain-1' })));
    it('a wrong password, sent once', async () => {
      await refused(way, target({ password: 'wrong-1' }), 'auth-failed', /tried password/);
      assert.equal(server.count(/Bad password attempt/g), 1);
    });
    it('a changed host key', async () => {
      const { publicKey } = sshKeygen(path.join(server.dir, 'other'), '-t', 'ed25519');
      const knownHosts = [`[127.0.0.1]:${server.port} ${publicKey}`];
      const error = await failure(logIn(way, target({ privateKey: key.privateKey, knownHosts })));
      assert.equal(error.code, 'host-key-changed', error.message);
    });
  });
}
