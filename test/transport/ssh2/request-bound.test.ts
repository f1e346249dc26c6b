/** The limits on requests of a server to the collector, which offers no services. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { boundRequests } from '../../../src/transport/ssh2/connect-ssh2.ts';
import { newClient, type Client } from '../../../src/transport/connection/ssh2.ts';
import { startLoopbackServer } from '../../../src/simulator/loopback-server.ts';
import { sshdOfSuite, sshdOrSkip, sshKeygen } from '../../support/ssh/sshd.ts';
import { stoppedAfter } from '../../support/stopped-after.ts';
import { tempFolder } from '../../support/temp-folder.ts';

type Handlers = Record<string, (...args: unknown[]) => void>;

/** Runs a client amid its first key exchange with a real server. Collects the client's answers and errors. */
async function met(run: (handlers: Handlers, answers: string[], errors: string[]) => void): Promise<void> {
  const home = tempFolder();
  const server = await stoppedAfter(startLoopbackServer({ username: 'u', password: 'p', home }));
  const ssh: Client = newClient();
  const answers: string[] = [];
  const errors: string[] = [];
  await new Promise<void>((resolve, reject) => {
    ssh.on('error', (error) => errors.push(error.message));
    ssh.once('close', () => resolve());
    const hostVerifier = (): boolean => {
      const { _handlers: handlers } = (ssh as unknown as { _protocol: { _handlers: Handlers } })._protocol;
      for (const name of ['GLOBAL_REQUEST', 'CHANNEL_OPEN', 'CHANNEL_REQUEST']) {
        handlers[name] = () => answers.push(name);
      }
      boundRequests(ssh);
      try {
        run(handlers, answers, errors);
      } catch (thrown) {
        reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
      ssh.destroy();
      return false;
    };
    ssh.connect({ host: '127.0.0.1', port: server.port, username: 'u', hostVerifier });
  });
}

const floods: readonly (readonly [string, readonly unknown[]])[] = [
  ['GLOBAL_REQUEST', [null, 'keepalive@openssh.com', true, null]],
  ['CHANNEL_OPEN', [null, { type: 'x11' }]],
  ['CHANNEL_REQUEST', [null, 0, 'invented', true, null]],
];
for (const [name, message] of floods) {
  test(`a connection ends after 64 ${name} messages that want an answer, and answers no more of them`, async () => {
    await met((handlers, answers, errors) => {
      for (let sent = 0; sent < 64; sent += 1) handlers[name]?.(...message);
      assert.deepEqual([answers.length, errors], [64, []]);
      for (let sent = 0; sent < 1000; sent += 1) handlers[name]?.(...message);
      assert.ok(answers.length < 70, String(answers.length));
      assert.deepEqual(errors, ['the server sends requests without end']);
    });
  });
}

test('what wants no answer is not counted: announced host keys, exit statuses', async () => {
  await met((handlers, answers, errors) => {
    for (let sent = 0; sent < 200; sent += 1) {
      handlers['GLOBAL_REQUEST']?.(null, 'hostkeys-00@openssh.com', false, []);
      handlers['GLOBAL_REQUEST']?.(null, 'anything@example.org', false, []);
      handlers['CHANNEL_REQUEST']?.(null, 0, 'exit-status', false, 0);
    }
    // ssh2 does not learn of announced host keys.
    assert.deepEqual([answers.length, errors], [400, []]);
  });
});

for (const [name, message] of [
  ['CHANNEL_DATA', [null, 77, Buffer.from('x')]],
  ['CHANNEL_EXTENDED_DATA', [null, 77, Buffer.from('x'), 1]],
] as const) {
  test(`a connection ends at the first ${name} message for which no channel is open`, async () => {
    await met((handlers, _answers, errors) => {
      for (let sent = 0; sent < 3; sent += 1) handlers[name]?.(...message);
      assert.deepEqual(errors, ['the server sends data that no channel is open for']);
    });
  });
}

test('OpenSSH is not asked to prove the host keys that it announces', async (t) => {
  if (!sshdOrSkip(t)) return;
  const sshd = await sshdOfSuite();
  const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
  const { name: username } = await sshd.addAccount({ publicKey });
  const logIn = async (onHostKey: (ssh: Client) => void): Promise<{ readonly ssh: Client; proofs: number }> => {
    const seen = { ssh: newClient(), proofs: 0 };
    seen.ssh.on('hostkeys' as never, () => (seen.proofs += 1));
    const hostVerifier = (): boolean => {
      onHostKey(seen.ssh);
      return true;
    };
    const server = { host: '127.0.0.1', port: sshd.port };
    seen.ssh.connect({ ...server, username, privateKey: readFileSync(privateKey), hostVerifier });
    await once(seen.ssh, 'ready');
    return seen;
  };
  const asking = await logIn(() => undefined);
  // The announcements of host keys follow the login.
  if (asking.proofs === 0) await once(asking.ssh, 'hostkeys');
  const hangUp = async ({ ssh }: { readonly ssh: Client }): Promise<void> => {
    const closed = once(ssh, 'close');
    ssh.end();
    await closed;
  };
  await hangUp(asking);
  const passing = await logIn(boundRequests);
  const channel = await new Promise((resolve, reject) => {
    passing.ssh.exec('true', (error, opened) => (error === undefined ? resolve(opened) : reject(error)));
  });
  assert.ok(channel);
  await sleep(50);
  assert.equal(passing.proofs, 0);
  await hangUp(passing);
});
