// Second tier: makes network namespaces.
/** A machine that only its bastion can reach. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

import { commandTransportFor } from '../../src/transport/transport-for.ts';
import { makeNetwork, namespacesMissing, type Network } from '../support/bastion-network.ts';
import { failure } from '../support/ssh/login.ts';
import { sharedFor, sshBastion, sshClient } from '../support/ssh/run-shared.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../support/ssh/sshd.ts';
import { tempFolder } from '../support/temp-folder.ts';

const dir = tempFolder();
const knownHosts = path.join(dir, 'known_hosts');
const limits = { tcpTimeoutMs: 2000, connectTimeoutMs: 60_000, signal: new AbortController().signal };
const reason = sshdMissing() ?? namespacesMissing();

/** Starts both servers of the network, each with an account. Writes their host keys to known_hosts. */
async function startBehind(network: Network) {
  const [jump, target] = await Promise.all([
    sshdOfSuite({ namespace: network.bastion.namespace }),
    sshdOfSuite({ namespace: network.inner.namespace }),
  ]);
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
  const own = { username: guest.name, privateKey: targetKey.privateKey, knownHosts };
  return { target, own, bastion };
}

describe('a machine that only its bastion can reach', { skip: reason ?? false }, () => {
  it('is reached through it, and in no other way', async (t) => {
    const network = makeNetwork();
    t.after(() => network.remove());
    const { target, own, bastion } = await startBehind(network);
    const place = { address: network.inner.address, port: target.port };
    const shared = sharedFor({ bastions: [bastion] });
    t.after(() => shared.close());

    const connection = await commandTransportFor(
      sshClient('web-1', { ...own, proxyJump: 'fra' }, place),
      shared,
    ).connect(limits);
    const channel = await connection.exec('echo "$SSH_CONNECTION"');
    const [from = '', , to] = (await text(channel.stdout)).trim().split(' ');
    await connection.leave();
    assert.equal(to, network.inner.address);
    // The bastion dialled the machine from the bastion's end of their network.
    assert.equal(from, network.inner.address.replace(/\d+$/, '5'));

    const direct = await failure(commandTransportFor(sshClient('web-1', own, place), shared).connect(limits));
    // This machine's own router refuses or drops the packets; none arrives.
    assert.equal(direct.stage, 'connect');
    assert.equal(target.count(/^Connection from /gm), 1);
  });
});
