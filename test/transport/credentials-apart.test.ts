/**
 * The credentials of one machine are offered to no other. The servers record every credential that they are offered.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import type { Client, SshSettings } from '../../src/config/config.ts';
import { loadPrivateKey } from '../../src/transport/credentials/private-key.ts';
import { transportFor } from '../../src/transport/transport-for.ts';
import type { TransportShared } from '../../src/transport/transport-shared.ts';
import { literal } from '../support/ssh/both-transports.ts';
import { fails } from '../support/ssh/login.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { startRecordingServer } from '../support/ssh/recording-ssh.ts';
import { startSshAgent } from '../support/ssh/ssh-agent.ts';
import { sshKeygen } from '../support/ssh/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { sharedFor, sshBastion, sshClient } from '../support/ssh/run-shared.ts';

const dir = tempFolder();
const knownHosts = path.join(dir, 'known_hosts');
const signal = new AbortController().signal;

describe('credentials of many machines', async () => {
  const keyOf = (name: string): { file: string; print: string } => {
    const { privateKey } = sshKeygen(path.join(dir, name), '-t', 'ed25519');
    return { file: privateKey, print: loadPrivateKey(privateKey, null).fingerprint };
  };
  const inAgent = keyOf('in-agent');
  const agent = await startSshAgent(path.join(dir, 'agent'), inAgent.file);
  const jumpKey = keyOf('jump');
  /** A bastion that logs in by its key. Its password would be offered after the key. */
  const bastion = {
    server: await stoppedAfter(startRecordingServer(jumpKey.print)),
    settings: { username: 'jump', privateKey: jumpKey.file, password: literal('password-of-jump') },
    offered: [`jump key ${jumpKey.print}`],
  };
  /** Three machines, each with a key and a password of its own. The last one has an agent as well. */
  const machines = await Promise.all(
    [1, 2, 3].map(async (number) => {
      const [key, username, password] = [keyOf(`key-${number}`), `user-${number}`, `password-${number}`];
      const own = { username, privateKey: key.file, password: literal(password) };
      const offered = [`${username} key ${key.print}`, `${username} password ${password}`];
      return {
        server: await stoppedAfter(startRecordingServer()),
        settings: number === 3 ? { ...own, agent } : own,
        offered: number === 3 ? [...offered, `${username} key ${inAgent.print}`].sort() : offered,
      };
    }),
  );
  const lines = [bastion, ...machines].map(({ server }) => server.hostKeyLine());
  const behind = machines.map(({ server }, index) => server.hostKeyLine(`web-${index}`));
  writeFileSync(knownHosts, [...lines, ...behind, ''].join('\n'));

  const clients = (more: Partial<SshSettings>): readonly Client[] =>
    machines.map(({ server, settings }, index) =>
      sshClient(`web-${index}`, { ...settings, knownHosts, ...more }, { address: '127.0.0.1', port: server.port }),
    );
  const tryAll = async (all: readonly Client[], shared: TransportShared): Promise<void> => {
    await Promise.all(
      all.map(async (client) => {
        const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal };
        await fails(transportFor(client, shared).connect(limits), 'auth-failed');
      }),
    );
    await shared.close();
  };

  it('reached directly: each is offered its own', async () => {
    const all = clients({});
    await tryAll(all, sharedFor({ clients: all }));
    for (const { server, offered } of machines) assert.deepEqual(server.offered(), offered);
    assert.deepEqual(bastion.server.offered(), []);
  });

  it('reached through a bastion: it is offered its own, and they are offered theirs', async () => {
    const all = clients({ proxyJump: 'fra' });
    const { server, settings } = bastion;
    const fra = sshBastion('fra', { ...settings, knownHosts }, { address: '127.0.0.1', port: server.port });
    await tryAll(all, sharedFor({ clients: all, bastions: [fra] }));
    assert.deepEqual(server.offered(), bastion.offered);
    for (const machine of machines) assert.deepEqual(machine.server.offered(), machine.offered);
  });
});
