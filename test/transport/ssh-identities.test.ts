// Second tier: keys and agents by both transports.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';

import { Secret } from '../../src/config/secret.ts';
import { SshAgent, revealCredentials } from '../../src/transport/credentials/credentials.ts';
import type { HopCredentials } from '../../src/transport/route/hop.ts';
import { loadPrivateKey, Sha1Refused } from '../../src/transport/credentials/private-key.ts';
import type { ParsedKey } from '../../src/transport/connection/ssh2.ts';
import { failure, login, refused } from '../support/ssh/login.ts';
import { addToAgent, startSshAgent } from '../support/ssh/ssh-agent.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../support/ssh/sshd.ts';

const password = 'a password of an account';

describe('many identities', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite();
  /** The keys in the agent, in this order. */
  const files = Array.from({ length: 10 }, (_, index) => path.join(sshd.dir, `id-${index}`));
  for (const file of files) sshKeygen(file, '-t', 'ed25519');
  const socket = await startSshAgent(path.join(sshd.dir, 'agent'), ...files);

  const file = (index: number): string => files[index] ?? '';
  const accountWith = async (index: number): Promise<string> =>
    (await sshd.addAccount({ publicKey: readFileSync(`${file(index)}.pub`, 'utf8') })).name;
  const print = (index: number): string => loadPrivateKey(file(index), null).fingerprint;
  const none = { password: null, privateKeys: [], passphrase: null, agent: null, identitiesOnly: false };
  const offer = (username: string, wanted: Partial<HopCredentials>, server = sshd): Parameters<typeof login>[0] => {
    return { server, username, credentials: revealCredentials('web-1', { ...none, ...wanted }) };
  };
  const named = (...paths: readonly string[]) => paths.map((name) => ({ path: name, optional: false }));

  describe('of files', () => {
    it('are offered in their order, until one is right', async () => {
      const username = await accountWith(2);
      await login(offer(username, { privateKeys: named(file(1), file(2), file(3)) }));
      const attempts = sshd.log().match(new RegExp(`(?:Failed|Accepted) publickey for ${username} .*`, 'g')) ?? [];
      const ends = attempts.map((line) => line.replace(/^(\S+).* (\S+)$/, '$1 $2'));
      assert.deepEqual(ends, [`Failed ${print(1)}`, `Accepted ${print(2)}`]);
      const error = await failure(login(offer(username, { privateKeys: named(file(3), file(1)) })));
      assert.ok(error.message.includes(`tried key ${print(3)}, key ${print(1)};`), error.message);
    });

    it('one that is not there is passed over when it is optional, and notified when it was named', async () => {
      const username = await accountWith(0);
      const gone = path.join(sshd.dir, 'gone');
      const optional = { path: gone, optional: true };
      await login(offer(username, { privateKeys: [optional, ...named(file(0))] }));
      await login(offer(username, { privateKeys: named(gone, file(0)) }));
      const notified = await failure(login(offer(username, { privateKeys: named(gone, file(1)) })));
      assert.match(notified.message, /tried key SHA256:.*privateKey \S+gone: the file does not exist/);
      const silent = await failure(login(offer(username, { privateKeys: [optional, ...named(file(1))] })));
      assert.ok(!silent.message.includes('gone'), silent.message);
    });

    it('more than may be tried: the rest is counted, and the server never has to end it', async () => {
      const username = await accountWith(7);
      const attempt = offer(username, { privateKeys: named(...files) });
      const says = /tried (?:key \S+ ){4}key \S+; the client takes .*; private keys not tried: 5$/;
      await refused(attempt, 'auth-failed', says);
      assert.equal(sshd.count(/maximum authentication attempts exceeded|Too many authentication failures/g), 0);
    });

    it('room is left for a password', async () => {
      const { name: username } = await sshd.addAccount({ password });
      const secret = new Secret({ kind: 'literal', value: password });
      await login(offer(username, { privateKeys: named(...files), password: secret }));
    });

    it('a server with few tries ends it: its words and what was tried are reported', async () => {
      const strict = await sshdOfSuite({ config: ['MaxAuthTries 3'] });
      const { name: username } = await strict.addAccount();
      const attempt = offer(username, { privateKeys: named(...files) }, strict);
      const says = /ended the login of \w+: Too many authentication failures; tried key SHA256:/;
      await refused(attempt, 'auth-failed', says);
    });
  });

  describe('of an agent', () => {
    it('the right one among the first works', async () => {
      await login(offer(await accountWith(4), { agent: socket }));
    });

    it('further back: says how many were not tried, and how to pick one', async () => {
      const username = await accountWith(8);
      await refused(
        offer(username, { agent: socket }),
        'auth-failed',
        /tried (?:agent key \S+ ){4}agent key \S+; keys of ssh-agent not tried: 5; privateKey="FILE\.pub" picks one$/,
      );
      assert.equal(sshd.count(/maximum authentication attempts exceeded|Too many authentication failures/g), 0);
    });

    it('a public key file picks one', async () => {
      await login(offer(await accountWith(8), { agent: socket, privateKeys: named(`${file(8)}.pub`) }));
    });

    it('a key whose public half alone is on disk is offered first, and with identitiesOnly alone', async () => {
      const username = await accountWith(8);
      const half = path.join(sshd.dir, 'half');
      execFileSync('cp', [`${file(8)}.pub`, `${half}.pub`]);
      const privateKeys = [{ path: half, optional: true }];
      await login(offer(username, { agent: socket, privateKeys }));
      await login(offer(username, { agent: socket, privateKeys, identitiesOnly: true }));
      assert.throws(() => offer(username, { privateKeys }), /half\.pub needs an ssh-agent/);
    });

    it('with identitiesOnly none but those that are named', async () => {
      const username = await accountWith(0);
      const only = { agent: socket, identitiesOnly: true };
      await login(offer(username, { ...only, privateKeys: named(`${file(5)}.pub`, `${file(0)}.pub`) }));
      const error = await failure(login(offer(username, { ...only, privateKeys: named(`${file(5)}.pub`) })));
      assert.ok(
        error.message.includes(`tried agent key ${print(5)};`) || error.message.endsWith(print(5)),
        error.message,
      );
    });

    it('a key that was offered from its file is not offered again', async () => {
      const username = await accountWith(9);
      const error = await failure(login(offer(username, { agent: socket, privateKeys: named(file(0)) })));
      assert.equal(error.message.split(print(0)).length, 2, error.message);
      assert.match(error.message, /; keys of ssh-agent not tried: 5;/);
    });

    it('opens a key whose passphrase is not configured', async () => {
      const encrypted = path.join(sshd.dir, 'encrypted');
      execFileSync('cp', ['-p', file(9), encrypted]);
      execFileSync('cp', ['-p', `${file(9)}.pub`, `${encrypted}.pub`]);
      execFileSync('ssh-keygen', ['-q', '-p', '-N', 'open sesame', '-f', encrypted], { stdio: 'ignore' });
      const username = await accountWith(9);
      await login(offer(username, { agent: socket, privateKeys: named(encrypted) }));
      rmSync(`${encrypted}.pub`);
      const error = await failure(login(offer(username, { agent: socket, privateKeys: named(encrypted) })));
      assert.match(error.message, /encrypted: it is encrypted and no passphrase is configured$/);
    });

    it('a certificate beside the key is named, for the transport that can offer it', async () => {
      const [ca, key] = [path.join(sshd.dir, 'ca'), path.join(sshd.dir, 'certified')];
      sshKeygen(ca, '-t', 'ed25519');
      sshKeygen(key, '-t', 'ed25519');
      execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'someone', '-n', 'monitor', `${key}.pub`], { stdio: 'ignore' });
      const { name: username } = await sshd.addAccount();
      for (const one of [key, `${key}.pub`]) {
        const error = await failure(login(offer(username, { agent: socket, privateKeys: named(one) })));
        assert.ok(error.message.endsWith(`the certificate ${key}-cert.pub needs transport="openssh"`), error.message);
      }
    });

    it('then a password, where both are wanted', async () => {
      const both = await sshdOfSuite({ config: ['AuthenticationMethods publickey,password'] });
      const publicKey = readFileSync(`${file(1)}.pub`, 'utf8');
      const { name: username } = await both.addAccount({ password, publicKey });
      const secret = new Secret({ kind: 'literal', value: password });
      await login(offer(username, { agent: socket, password: secret }, both));
    });
  });

  describe('RSA', async () => {
    const file = path.join(sshd.dir, 'rsa');
    const { publicKey } = sshKeygen(file, '-t', 'rsa');
    const { name: username } = await sshd.addAccount({ password, publicKey });
    before(() => addToAgent(socket, file));

    it('signs over SHA-2, from a file and in an agent', async () => {
      await login(offer(username, { privateKeys: named(file) }));
      await login(offer(username, { agent: socket, privateKeys: named(`${file}.pub`) }));
    });

    it('never over SHA-1, which is all that ssh2 thinks of for servers that name no algorithms', async () => {
      const { usable } = loadPrivateKey(file, null);
      assert.ok(usable);
      for (const algorithm of ['sha1', undefined])
        assert.ok((usable.sign('data', algorithm) as unknown) instanceof Sha1Refused);
      const answer = await new Promise((resolve) => {
        new SshAgent(socket).sign(usable, Buffer.from('data'), { hash: 'sha1' }, resolve);
      });
      assert.ok(answer instanceof Sha1Refused);
    });

    it('where it would have to, the refusal says so, and a password is tried all the same', async () => {
      const key = loadPrivateKey(file, null);
      assert.ok(key.usable);
      const sha1 = Object.create(key.usable) as ParsedKey;
      sha1.sign = (data) => key.usable?.sign(data, 'sha1') ?? assert.fail();
      const keys = [{ ...key, usable: sha1 }];
      const says = /SHA-1 alone \(ssh-rsa\), which is not used/;
      await refused({ server: sshd, username, credentials: { keys } }, 'auth-failed', says);
      await login({ server: sshd, username, credentials: { keys, password } });
    });
  });
});
