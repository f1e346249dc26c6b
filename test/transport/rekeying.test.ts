// Second tier: long connections that exchange keys again.
/**
 * Key exchanges after the login: one is accepted if it has the same host key. hostile-floods.test.ts has endless ones.
 */
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';

import ssh2 from 'ssh2';
import type { Connection } from 'ssh2';

import { fingerprint } from '../../src/transport/known-hosts/fingerprint.ts';
import { hostName, parseKnownHosts } from '../../src/transport/known-hosts/known-hosts.ts';
import { generateHostKey } from '../../src/simulator/loopback-server.ts';
import { loadPrivateKey } from '../../src/transport/credentials/private-key.ts';
import { publicBlobOf, startSsh2Server } from '../support/ssh/ssh2-server.ts';
import { connectTo } from '../support/ssh/login.ts';
import { sshdMissing, sshKeygen, sshdOfSuite } from '../support/ssh/sshd.ts';

const credentials = { password: 'right' };

/** Starts a server that calls `rekey` when a command has begun, and then sends `done`. */
async function rekeyingServer(t: TestContext, pem: string, rekey: (client: Connection) => Promise<void>) {
  const onClient = (client: Connection): void => {
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => attempt.accept());
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec) => {
        const channel = acceptExec();
        channel.on('error', () => undefined);
        const say = async (): Promise<void> => {
          await rekey(client);
          channel.write('done');
          channel.exit(0);
          channel.end();
        };
        void say();
      });
    });
  };
  const serve = () => new ssh2.Server({ hostKeys: [pem] }, onClient);
  const server = await startSsh2Server({ pem, serve });
  t.after(() => server.close());
  const { port } = server;
  const lineOf = (key: string): string =>
    `${hostName('127.0.0.1', port)} ssh-ed25519 ${publicBlobOf(key).toString('base64')}`;
  return { port, lineOf, hostKeyLine: () => lineOf(pem) };
}

const rekeyOnce = (client: Connection): Promise<void> =>
  new Promise((resolve) => {
    client.rekey(() => resolve());
  });

test('one new key exchange in a session does no harm', async (t) => {
  const server = await rekeyingServer(t, generateHostKey(), rekeyOnce);
  const connection = await connectTo({ server, username: 'u', credentials });
  const channel = await connection.exec('true');
  assert.equal(await text(channel.stdout), 'done');
  assert.deepEqual(await channel.exit, { status: 0, signal: null });
  await connection.leave();
});

test('an OpenSSH server that exchanges keys by its own limit goes on', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite({ config: ['RekeyLimit 2M 1h'] });
  const { privateKey, publicKey } = sshKeygen(`${sshd.dir}/key`);
  const { name: username } = await sshd.addAccount({ publicKey });
  const key = loadPrivateKey(privateKey, null);
  const connection = await connectTo({ server: sshd, username, credentials: { key } });
  const channel = await connection.exec('head -c 3000000 /dev/zero');
  assert.equal((await text(channel.stdout)).length, 3_000_000);
  await connection.leave();
});

test('another host key in a later exchange ends the connection, even one that is known for the host', async (t) => {
  const [first, other] = [generateHostKey(), generateHostKey()];
  const server = await rekeyingServer(t, first, async (client) => {
    const parsed = ssh2.utils.parseKey(other);
    if (parsed instanceof Error) throw parsed;
    const { _protocol: protocol } = client as unknown as { _protocol: { _hostKeys: Record<string, unknown> } };
    protocol._hostKeys = { 'ssh-ed25519': parsed };
    await rekeyOnce(client);
  });
  const knownHosts = parseKnownHosts(`${server.lineOf(first)}\n${server.lineOf(other)}\n`, '/nowhere/known_hosts');
  assert.notEqual(fingerprint(publicBlobOf(first)), fingerprint(publicBlobOf(other)));
  const connection = await connectTo({ server, username: 'u', credentials, target: { knownHosts } });
  const channel = await connection.exec('true');
  assert.equal(await text(channel.stdout), '');
  await assert.rejects(channel.exit, /Host denied|closed/);
});
