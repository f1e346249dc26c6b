/** What OpenSSH says of its host keys after a login: ssh2 asks for proofs of them, and we do not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { passOverHostKeys } from '../../../src/transport/ssh2/announced-host-keys.ts';
import { newClient, type Client } from '../../../src/transport/connection/ssh2.ts';
import { sshdOrSkip, sshKeygen, startSshd } from '../../support/sshd.ts';

test('OpenSSH is not asked to prove the host keys that it announces', async (t) => {
  if (!sshdOrSkip(t)) return;
  const sshd = await startSshd();
  t.after(() => sshd.stop());
  const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
  const { name: username } = await sshd.addAccount({ publicKey });
  const logIn = async (onHostKey: (ssh: Client) => void): Promise<{ readonly ssh: Client; proofs: number }> => {
    const met = { ssh: newClient(), proofs: 0 };
    met.ssh.on('hostkeys' as never, () => (met.proofs += 1));
    const hostVerifier = (): boolean => {
      onHostKey(met.ssh);
      return true;
    };
    met.ssh.connect({
      host: '127.0.0.1',
      port: sshd.port,
      username,
      privateKey: readFileSync(privateKey),
      hostVerifier,
    });
    await once(met.ssh, 'ready');
    return met;
  };
  const asking = await logIn(() => undefined);
  // They come behind the login.
  if (asking.proofs === 0) await once(asking.ssh, 'hostkeys');
  asking.ssh.end();
  const passing = await logIn(passOverHostKeys);
  const channel = await new Promise((resolve, reject) => {
    passing.ssh.exec('true', (error, opened) => (error === undefined ? resolve(opened) : reject(error)));
  });
  assert.ok(channel);
  await sleep(50);
  assert.equal(passing.proofs, 0);
  passing.ssh.end();
});

test('all other requests of a server are answered as ever, and that one where it wants an answer', () => {
  const said: unknown[] = [];
  const handlers = { GLOBAL_REQUEST: (...request: unknown[]) => said.push(request.slice(1)) };
  const ssh = { _protocol: { _handlers: handlers } } as unknown as Client;
  passOverHostKeys(ssh);
  const once = handlers.GLOBAL_REQUEST;
  passOverHostKeys(ssh);
  assert.equal(handlers.GLOBAL_REQUEST, once);
  const protocol = { requestSuccess: () => said.push('success') };
  handlers.GLOBAL_REQUEST(protocol, 'keepalive@openssh.com', true, undefined);
  handlers.GLOBAL_REQUEST(protocol, 'hostkeys-00@openssh.com', false, []);
  handlers.GLOBAL_REQUEST(protocol, 'hostkeys-00@openssh.com', true, []);
  assert.deepEqual(said, [['keepalive@openssh.com', true, undefined], 'success']);
});

test('a client whose insides look otherwise is left alone', () => {
  for (const parts of [{}, { _protocol: {} }, { _protocol: { _handlers: {} } }]) {
    const before = structuredClone(parts);
    passOverHostKeys(parts as Client);
    assert.deepEqual(parts, before);
  }
});
