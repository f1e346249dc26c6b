// Second tier: makes network namespaces.
/** A machine that only its bastion can reach. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

import { commandTransportFor } from '../../src/transport/transport-for.ts';
import { failure } from '../support/ssh/login.ts';
import { sharedFor, sshBastion, sshClient } from '../support/ssh/run-shared.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../support/ssh/sshd.ts';
import { tempFolder } from '../support/temp-folder.ts';

interface Network {
  /** The namespaces, each with its address towards the machine before it. */
  readonly bastion: { readonly namespace: string; readonly address: string };
  readonly inner: { readonly namespace: string; readonly address: string };
  remove(): void;
}

/** Returns the reason that no namespaces can be made here; `null` if they can. With CI set that is an error. */
function namespacesMissing(): string | null {
  const name = `fh${randomBytes(4).toString('hex')}`;
  const made = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'add', name]).status === 0;
  if (made) spawnSync('ip', ['netns', 'del', name]);
  const reason = made ? null : 'needs root and network namespaces (ip netns)';
  if (reason !== null && process.env['CI']) throw new Error(reason);
  return reason;
}

/**
 * Makes the networks: this machine -- bastion -- inner. Bastion and inner see each other; this machine sees the bastion
 * alone.
 */
function makeNetwork(): Network {
  const id = randomBytes(3).toString('hex');
  const [bastion, inner] = [`fhb${id}`, `fhi${id}`];
  // RFC 2544 reserves 198.18.0.0/15 for such benchmarks.
  const [high, low] = randomBytes(2);
  const net = (last: number): string => `198.${18 + ((high ?? 0) % 2)}.${low ?? 0}.${last}`;
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const remove = (): void => {
    for (const name of [bastion, inner]) spawnSync('ip', ['netns', 'del', name]);
  };
  try {
    for (const name of [bastion, inner]) {
      ip('netns', 'add', name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    ip('link', 'add', `v${id}o`, 'type', 'veth', 'peer', 'name', `v${id}b`, 'netns', bastion);
    ip('-n', bastion, 'link', 'add', `v${id}c`, 'type', 'veth', 'peer', 'name', `v${id}i`, 'netns', inner);
    ip('addr', 'add', `${net(1)}/30`, 'dev', `v${id}o`);
    ip('-n', bastion, 'addr', 'add', `${net(2)}/30`, 'dev', `v${id}b`);
    ip('-n', bastion, 'addr', 'add', `${net(5)}/30`, 'dev', `v${id}c`);
    ip('-n', inner, 'addr', 'add', `${net(6)}/30`, 'dev', `v${id}i`);
    ip('link', 'set', `v${id}o`, 'up');
    for (const [name, device] of [
      [bastion, 'b'],
      [bastion, 'c'],
      [inner, 'i'],
    ] as const) {
      ip('-n', name, 'link', 'set', `v${id}${device}`, 'up');
    }
  } catch (thrown) {
    remove();
    throw thrown;
  }
  return { bastion: { namespace: bastion, address: net(2) }, inner: { namespace: inner, address: net(6) }, remove };
}

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
