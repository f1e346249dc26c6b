/**
 * A machine that only its bastion can reach, in network namespaces, and the credentials that a recording bastion is
 * offered.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, test } from 'node:test';

import ssh2 from 'ssh2';

import { Secret } from '../../src/config/secret.ts';
import { generateHostKey } from '../../src/simulator/loopback-server.ts';
import { transportFor } from '../../src/transport/transport-for.ts';
import { publicBlobOf } from '../support/hostile-ssh.ts';
import { fails, failure } from '../support/login.ts';
import { makeNetwork, namespacesMissing } from '../support/namespaces.ts';
import { sharedFor, sshBastion, sshClient } from '../support/run-shared.ts';
import { sshKeygen, sshdMissing, startSshd } from '../support/sshd.ts';
import { tempFolder } from '../support/temp-folder.ts';

const dir = tempFolder();
const knownHosts = path.join(dir, 'known_hosts');
const limits = { tcpTimeoutMs: 2000, connectTimeoutMs: 8000, signal: new AbortController().signal };
const reason = sshdMissing() ?? namespacesMissing();

describe('a machine that only its bastion can reach', reason === null ? {} : { skip: reason }, () => {
  it('is reached through it, and in no other way', async (t) => {
    const network = makeNetwork();
    t.after(() => network.remove());
    const [jump, target] = await Promise.all([
      startSshd({ namespace: network.bastion.namespace }),
      startSshd({ namespace: network.inner.namespace }),
    ]);
    t.after(() => Promise.all([jump.stop(), target.stop()]));
    const keys = ['jump', 'target'].map((name) => sshKeygen(path.join(dir, name)));
    const [jumpKey, targetKey] = keys;
    assert.ok(jumpKey && targetKey);
    const jumper = await jump.addAccount({ publicKey: jumpKey.publicKey });
    const guest = await target.addAccount({ publicKey: targetKey.publicKey });
    const lines = [
      jump.hostKeyLine(network.bastion.address),
      `[web-1]:${target.port} ${target.hostKeys[0]?.line ?? ''}`,
      target.hostKeyLine(network.inner.address),
    ];
    writeFileSync(knownHosts, `${lines.join('\n')}\n`);

    const bastion = sshBastion(
      'fra',
      { username: jumper.name, privateKey: jumpKey.privateKey, knownHosts },
      { address: network.bastion.address, port: jump.port },
    );
    const place = { address: network.inner.address, port: target.port };
    const own = { username: guest.name, privateKey: targetKey.privateKey, knownHosts };
    const shared = sharedFor({ bastions: [bastion] });
    t.after(() => shared.close());

    const connection = await transportFor(sshClient('web-1', { ...own, proxyJump: 'fra' }, place), shared).connect(
      limits,
    );
    const channel = await connection.exec('echo "$SSH_CONNECTION"');
    const [from = '', , to] = (await text(channel.stdout)).trim().split(' ');
    await connection.leave();
    assert.equal(to, network.inner.address);
    // The bastion dialled the machine from the bastion's end of their network.
    assert.equal(from, network.inner.address.replace(/\d+$/, '5'));

    const direct = await failure(transportFor(sshClient('web-1', own, place), shared).connect(limits));
    // This machine's own router refuses or drops the packets; none arrives.
    assert.equal(direct.stage, 'connect');
    assert.equal(target.count(/^Connection from /gm), 1);
  });
});

test('a bastion that records what it is offered learns nothing of the client’s credentials, nor the client of its', async (t) => {
  const [jumpKey, targetKey] = [generateHostKey(), generateHostKey()];
  const offered: Record<'jump' | 'target', string[]> = { jump: [], target: [] };
  const record = (who: 'jump' | 'target', client: ssh2.Connection): void => {
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => {
      if (attempt.method === 'password') offered[who].push(`password ${attempt.password}`);
      else if (attempt.method === 'publickey') offered[who].push(`key ${attempt.key.data.toString('base64')}`);
      offered[who].push(`user ${attempt.username}`);
      if (who === 'target' || attempt.method !== 'publickey') attempt.reject(['publickey', 'password']);
      else attempt.accept();
    });
  };
  const hostKeys = [generateHostKey(), generateHostKey()];
  const target = new ssh2.Server({ hostKeys: hostKeys.slice(0, 1) }, (client) => record('target', client));
  const jump = new ssh2.Server({ hostKeys: hostKeys.slice(1) }, (client) => {
    record('jump', client);
    // The bastion does not forward, but speaks SSH itself over the channel that it should forward.
    client.on('tcpip', (accept) => target.injectSocket(accept() as never));
  });
  await new Promise<void>((resolve) => jump.listen(0, '127.0.0.1', resolve));
  t.after(() => jump.close());
  const { port } = jump.address() as AddressInfo;
  const line = (name: string, pem: string): string => `${name} ssh-ed25519 ${publicBlobOf(pem).toString('base64')}\n`;
  writeFileSync(knownHosts, line(`[127.0.0.1]:${port}`, hostKeys[1] ?? '') + line('web-1', hostKeys[0] ?? ''));
  const file = (name: string, pem: string): string => {
    writeFileSync(path.join(dir, name), pem, { mode: 0o600 });
    return path.join(dir, name);
  };
  const secret = (value: string): Secret => new Secret({ kind: 'literal', value });
  const jumpOwn = {
    username: 'jumper',
    privateKey: file('k1', jumpKey),
    password: secret('of-the-bastion'),
    knownHosts,
  };
  const targetOwn = {
    username: 'guest',
    privateKey: file('k2', targetKey),
    password: secret('of-the-client'),
    knownHosts,
  };
  const shared = sharedFor({ bastions: [sshBastion('fra', jumpOwn, { address: '127.0.0.1', port })] });
  t.after(() => shared.close());
  const client = sshClient('web-1', { ...targetOwn, proxyJump: 'fra' }, { address: '192.0.2.77' });
  await fails(transportFor(client, shared).connect(limits), 'auth-failed');

  const key = (pem: string): string => `key ${publicBlobOf(pem).toString('base64')}`;
  assert.deepEqual([...new Set(offered.jump)], [key(jumpKey), 'user jumper']);
  assert.deepEqual(
    [...new Set(offered.target)].sort(),
    [key(targetKey), 'password of-the-client', 'user guest'].sort(),
  );
});

test('a rejection that comes with the end of its channel in one packet is heard, and the login is free again', async (t) => {
  const [jumpKey, hostKey] = [generateHostKey(), generateHostKey()];
  const listener = createServer((socket) => {
    const jump = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (attempt) => attempt.accept());
      client.on('tcpip', (accept) => {
        socket.cork();
        const channel = accept();
        channel.end('Exceeded MaxStartups\r\n');
        channel.close();
        setImmediate(() => socket.uncork());
      });
    });
    jump.injectSocket(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.after(() => listener.close());
  const { port } = listener.address() as AddressInfo;
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ssh-ed25519 ${publicBlobOf(hostKey).toString('base64')}\n`);
  const privateKey = path.join(dir, 'one-packet');
  writeFileSync(privateKey, jumpKey, { mode: 0o600 });
  const own = { username: 'jumper', privateKey, knownHosts };
  const shared = sharedFor({ bastions: [sshBastion('fra', own, { address: '127.0.0.1', port })] });
  const client = sshClient('web-1', { ...own, proxyJump: 'fra' }, { address: '192.0.2.77' });
  await fails(transportFor(client, shared).connect(limits), 'sshd-rejection');
  const startedAt = performance.now();
  await shared.close();
  // A login that seems busy is waited for.
  assert.ok(performance.now() - startedAt < 4000);
});
