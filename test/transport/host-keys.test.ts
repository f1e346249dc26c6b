// Second tier: every kind of host key by both transports.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import { needsHostCertificate } from '../../src/transport/known-hosts/host-key-check.ts';
import { hostName, joinKnownHosts, loadKnownHosts } from '../../src/transport/known-hosts/known-hosts.ts';
import { parseKnownHosts, type KnownHosts } from '../../src/transport/known-hosts/known-hosts.ts';
import { loadPrivateKey } from '../../src/transport/credentials/private-key.ts';
import { scanHostKeys } from '../../src/transport/ssh2/scan-host-keys.ts';
import { startHostileServer } from '../support/ssh/hostile-server.ts';
import { fails, failure, login, type Login } from '../support/ssh/login.ts';
import { sshdMissing, sshdOfSuite, sshKeygen, type HostKeyType } from '../support/ssh/sshd.ts';

describe('host keys of a real OpenSSH server', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite({ hostKeyTypes: ['ed25519', 'ecdsa', 'rsa'] });
  const pair = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
  const key = loadPrivateKey(pair.privateKey, null);
  const { name: username } = await sshd.addAccount({ publicKey: pair.publicKey });
  const other = sshKeygen(path.join(sshd.dir, 'other'), '-t', 'ed25519', '-C', '').publicKey;

  const given = (text: string, policy: 'strict' | 'accept-new' = 'strict'): Login => ({
    server: sshd,
    username,
    credentials: { key },
    target: { knownHosts: parseKnownHosts(text, '/etc/kh'), policy },
  });
  const name = hostName('127.0.0.1', sshd.port);
  const logins = (): number => sshd.count(/Accepted|Postponed/g);

  const types = ['ed25519', 'ecdsa', 'rsa'] as const satisfies HostKeyType[];
  for (const subset of [
    types,
    types.toReversed(),
    ['rsa', 'ed25519'],
    ['ecdsa', 'rsa'],
    ['ecdsa', 'ed25519'],
  ] as const) {
    it(`several of its keys are known: ${subset.join(', ')}`, () =>
      login(given(subset.map((type) => `${sshd.hostKeyLine('127.0.0.1', type)}\n`).join(''))));
  }

  it('an old RSA line above the right Ed25519 line does no harm, as with ssh', async () => {
    const old = sshKeygen(path.join(sshd.dir, 'old-rsa'), '-t', 'rsa', '-C', '').publicKey;
    await login(given(`${name} ${old}\n${sshd.hostKeyLine('127.0.0.1', 'ed25519')}\n`));
    await fails(login(given(`${name} ${other}\n${sshd.hostKeyLine('127.0.0.1', 'rsa')}\n`)), 'host-key-changed');
  });

  it('known for another port only: unknown', async () => {
    const line = sshd.hostKeyLine().replace(`:${sshd.port}`, ':1');
    await fails(login(given(line)), 'host-key-unknown');
  });

  it('known by a type that the server does not have: changed, also under accept-new', async () => {
    const old = sshKeygen(path.join(sshd.dir, 'p384'), '-t', 'ecdsa', '-b', '384', '-C', '').publicKey;
    await fails(login(given(`${name} ${old}\n`, 'accept-new')), 'host-key-changed', /shows ED25519 .* says ECDSA /);
  });

  it('revoked: refused, known or not', async () => {
    const revoked = sshd.hostKeyLine().replace(/^\S+/, '@revoked *');
    for (const text of [revoked, `${sshd.hostKeyLine()}\n${revoked}\n`]) {
      await fails(login(given(text, 'accept-new')), 'host-key-revoked', /marked @revoked in \/etc\/kh line \d$/);
    }
  });

  for (const policy of ['strict', 'accept-new'] as const) {
    it(`known by a certificate authority alone: refused, with the transport that can check it (${policy})`, async () => {
      const authority = `# a line\n${sshd.hostKeyLine().replace(/^\S+/, '@cert-authority [127.0.0.1]:*')}\n`;
      const knownHosts = parseKnownHosts(authority, '/etc/kh');
      const before = logins();
      const error = await failure(login(given(authority, policy)));
      assert.equal(error.code, 'host-key-unknown');
      assert.match(error.message, /certificate authority alone \(\/etc\/kh line 2\), which ssh2 cannot check/);
      assert.match(error.advice, /transport="openssh"/);
      assert.equal(logins(), before);
      assert.equal(needsHostCertificate({ knownAs: name, knownHosts }), true);
    });
  }

  it('an authority that is revoked for the host is none', () => {
    const text = `@cert-authority * ${other}\n@revoked *,!web-2 ${other}\n`;
    const knownHosts = parseKnownHosts(text, '/etc/kh');
    assert.equal(needsHostCertificate({ knownAs: 'web-1', knownHosts }), false);
    assert.equal(needsHostCertificate({ knownAs: 'web-2', knownHosts }), true);
  });

  it('known under a HostKeyAlias, which has no port', async () => {
    const line = sshd.hostKeyLine().replace(/^\S+/, 'the-alias');
    const knownHosts = parseKnownHosts(line, '/etc/kh');
    await login({ ...given(''), target: { knownHosts, knownAs: 'the-alias' } });
    const error = await failure(login({ ...given(''), target: { knownHosts, knownAs: 'other-alias' } }));
    assert.match(error.message, /^other-alias shows /);
  });

  it('in several files: each is named', async () => {
    const files = (first: string, second: string): KnownHosts =>
      joinKnownHosts(parseKnownHosts(first, '/etc/kh'), parseKnownHosts(second, '/etc/kh2'));
    const target = (knownHosts: KnownHosts) => ({ ...given(''), target: { knownHosts } });
    await login(target(files('', sshd.hostKeyLine())));
    await login(target(files(`${name} ${other}`, sshd.hostKeyLine())));
    const unknown = await failure(login(target(files('', ''))));
    assert.match(unknown.message, /; \/etc\/kh and \/etc\/kh2 have no key for it$/);
    const changed = await failure(login(target(files('', `\n${name} ${other}`))));
    assert.match(changed.message, /but \/etc\/kh2 says ED25519 \S+ \(line 2\)$/);
    const line = sshd.hostKeyLine();
    const revoked = await failure(login(target(files(line, line.replace(/^\S+/, '@revoked *')))));
    assert.match(revoked.message, /marked @revoked in \/etc\/kh2 line 1$/);
  });

  it('accept-new writes the key once, for many clients at a time, and holds to it', async () => {
    const file = path.join(sshd.dir, 'new', 'known_hosts');
    const knownHosts = loadKnownHosts(file);
    const attempt = { ...given(''), target: { knownHosts, policy: 'accept-new' as const } };
    await Promise.all(Array.from({ length: 8 }, () => login(attempt)));
    assert.match(readFileSync(file, 'utf8'), /^(?!.*\n.*\n)\S+ \S+ \S+ first-seen=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/);
    assert.ok(readFileSync(file, 'utf8').startsWith(`${sshd.hostKeyLine()} `));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await login({ ...attempt, target: { knownHosts: loadKnownHosts(file), policy: 'strict' } });
  });

  it('accept-new that cannot write accepts nothing', async () => {
    const dir = path.join(sshd.dir, 'a-file');
    writeFileSync(dir, '');
    const before = logins();
    const knownHosts = parseKnownHosts('', path.join(dir, 'known_hosts'));
    const attempt = login({ ...given(''), target: { knownHosts, policy: 'accept-new' } });
    await fails(attempt, 'host-key-unknown', /cannot be written/);
    assert.equal(logins(), before);
  });

  it('accept-new does not write a key that the server cannot prove', async () => {
    const thief = await startHostileServer('stolen-host-key');
    const file = path.join(sshd.dir, 'thief');
    const target = { knownHosts: loadKnownHosts(file), policy: 'accept-new' as const };
    await fails(login({ server: thief, username, credentials: { password: 'x' }, target }), 'handshake-failed');
    assert.ok(!existsSync(file));
    await thief.close();
  });

  it('a name that a shell would split is quoted in the command', async () => {
    const target = { client: "it's", knownHosts: parseKnownHosts('', 'f') };
    const error = await failure(login({ ...given(''), target }));
    assert.equal(error.advice, "fleet-health trust 'it'\\''s'");
  });

  it('scan shows all keys as ssh-keygen prints them, without a login', async () => {
    const before = logins();
    const signal = new AbortController().signal;
    const keys = await scanHostKeys({ host: '127.0.0.1', port: sshd.port, timeoutMs: 60_000, signal });
    const listed = keys.map((found) => [`${found.type} ${found.key}`, found.fingerprint]);
    assert.deepEqual(
      listed,
      sshd.hostKeys.map(({ line, fingerprint }) => [line, fingerprint]),
    );
    assert.equal(logins(), before);
  });
});

describe('scanHostKeys', () => {
  const scan = (port: number, signal = new AbortController().signal, timeoutMs = 400) =>
    scanHostKeys({ client: 'web-1', host: '127.0.0.1', port, timeoutMs, signal });

  it('takes what there is, when a server has one kind of key', async () => {
    const server = await startHostileServer('login-silent');
    const fingerprints = (await scan(server.port, undefined, 5000)).map(({ fingerprint }) => fingerprint);
    assert.deepEqual(fingerprints, [server.fingerprint]);
    await server.allClosed();
    assert.equal(server.accepted(), 3);
    await server.close();
  });

  const cases = [
    ['silent', 'handshake-timeout'],
    ['kexinit-only', 'handshake-timeout'],
    ['close-at-once', 'handshake-failed'],
    ['noise', 'handshake-failed'],
  ] as const;
  for (const [mode, code] of cases) {
    it(`${mode}: ${code}, and nothing is left open`, async () => {
      const server = await startHostileServer(mode);
      const error = await failure(scan(server.port));
      assert.equal(error.code, code, error.message);
      assert.equal(error.client, 'web-1');
      await server.allClosed();
      await server.close();
    });
  }

  it('ends with the signal', async () => {
    const server = await startHostileServer('silent');
    await fails(scan(server.port, AbortSignal.timeout(100), 10_000), 'visit-deadline');
    await server.allClosed();
    await server.close();
  });
});
