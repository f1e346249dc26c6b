import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { text } from 'node:stream/consumers';

import { parseKnownHosts } from '../../src/transport/known-hosts.ts';
import { loadPrivateKey } from '../../src/transport/private-key.ts';
import { createSshTransport, type SshTarget } from '../../src/transport/ssh.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd } from '../support/sshd.ts';

const skip = sshdMissing() ?? false;

describe('ssh to a real OpenSSH server', { skip }, () => {
  let sshd: Sshd;
  let key: { privateKey: string; publicKey: string };
  before(async () => {
    sshd = await startSshd();
    key = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
  });
  after(() => sshd.stop());

  const target = (username: string, more: Partial<SshTarget> = {}): SshTarget => ({
    client: 'web-1',
    address: '127.0.0.1',
    port: sshd.port,
    username,
    knownHosts: parseKnownHosts(`${sshd.hostKeyLine()}\n`, '/nowhere/known_hosts'),
    policy: 'strict',
    credentials: () => ({ password: null, agent: null, problem: null, key: loadPrivateKey(key.privateKey, null) }),
    ...more,
  });
  const options = () => ({ tcpTimeoutMs: 5000, connectTimeoutMs: 10_000, signal: new AbortController().signal });

  for (const shell of ['/bin/bash', '/bin/dash', '/usr/bin/fish', '/bin/zsh', '/bin/tcsh']) {
    it(`runs a command under ${path.basename(shell)}`, async () => {
      const account = await sshd.addAccount({ shell, publicKey: key.publicKey });
      const connection = await createSshTransport(target(account.name)).connect(options());
      const channel = await connection.exec('echo ok');
      assert.equal(await text(channel.stdout), 'ok\n');
      assert.deepEqual(await channel.exit, { status: 0, signal: null });
      await connection.leave();
    });
  }
});
