// Second tier: an sshd for each policy of signatures.
/**
 * A login with an RSA key at servers that take some of the algorithms of RFC 8332 alone: from a file and in an agent,
 * ahead of all answers and after each, and at a bastion.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

import { revealCredentials, type Credentials } from '../../src/transport/credentials/credentials.ts';
import { rsaSignaturesFor } from '../../src/transport/credentials/private-key.ts';
import type { HopCredentials } from '../../src/transport/route/hop.ts';
import { commandTransportFor } from '../../src/transport/transport-for.ts';
import { dropbearMissing, startDropbear } from '../support/ssh/dropbear.ts';
import { connectTo, failure, type TestServer } from '../support/ssh/login.ts';
import { sharedFor, sshBastion, sshClient } from '../support/ssh/run-shared.ts';
import { startSshAgent } from '../support/ssh/ssh-agent.ts';
import { sshdMissing, sshKeygen, startSshd } from '../support/ssh/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** The algorithms that a server accepts, and the number of refused offers before the accepted one. */
const accepted = { 'rsa-sha2-256': 0, 'rsa-sha2-512': 1, 'rsa-sha2-512,rsa-sha2-256': 0, 'ssh-ed25519': null } as const;
const none = { password: null, privateKeys: [], passphrase: null, agent: null, identitiesOnly: false };

describe('an RSA key', { skip: sshdMissing() ?? false }, async () => {
  const dir = tempFolder();
  const { privateKey, publicKey } = sshKeygen(path.join(dir, 'rsa'), '-t', 'rsa', '-b', '2048');
  const agent = await startSshAgent(path.join(dir, 'agent'), privateKey);
  const ways: Readonly<Record<string, Partial<HopCredentials>>> = {
    'of a file': { privateKeys: [{ path: privateKey, optional: false }] },
    'of an agent': { agent },
    'of an agent, named by its public half': { agent, privateKeys: [{ path: `${privateKey}.pub`, optional: false }] },
  };
  const reveal = (way: string): Credentials => revealCredentials('web-1', { ...none, ...ways[way] });
  const output = async (server: TestServer, username: string, way: string, ahead: boolean): Promise<string> => {
    const command = 'echo in';
    const options = ahead ? { ahead: command } : {};
    const connection = await connectTo({ server, username, credentials: reveal(way), options });
    const channel = await connection.exec(command);
    const printed = (await text(channel.stdout)).trim();
    await connection.leave();
    return printed;
  };

  for (const [algorithms, refusals] of Object.entries(accepted)) {
    describe(`at an sshd that takes ${algorithms}`, async () => {
      const config = [`PubkeyAcceptedAlgorithms ${algorithms}`];
      const sshd = await stoppedAfter(startSshd({ config }));
      const { name: username } = await sshd.addAccount({ publicKey });
      const refused = (): number => sshd.count(/not in PubkeyAcceptedAlgorithms/g);
      for (const way of Object.keys(ways)) {
        for (const ahead of [false, true]) {
          it(`${way}${ahead ? ', with the first command' : ''}`, async () => {
            const before = refused();
            if (refusals === null) {
              const { code, message } = await failure(output(sshd, username, way, ahead));
              assert.equal(code, 'auth-failed');
              if (way === 'of a file') assert.match(message, /tried key (SHA256:\S+), key \1 with rsa-sha2-512;/);
              // No line says that the server takes SHA-1 alone.
              assert.doesNotMatch(message, /SHA-1/);
            } else assert.equal(await output(sshd, username, way, ahead), 'in');
            assert.equal(refused() - before, refusals ?? 2);
          });
        }
      }
      // OpenSSH 9.2 itself offers SHA-512 alone to a server that names both.
      const transports = algorithms === 'rsa-sha2-256' ? (['ssh2'] as const) : (['ssh2', 'openssh'] as const);
      it(`at this sshd as a bastion, by ${transports.join(' and ')}`, async () => {
        const target = await stoppedAfter(startSshd());
        const account = await target.addAccount({ publicKey });
        const knownHosts = path.join(dir, `known_hosts.${algorithms}`);
        for (const via of transports) {
          const own = { via, privateKey, knownHosts, hostKeys: 'accept-new' } as const;
          const bastion = sshBastion('gate', { ...own, username }, { address: '127.0.0.1', port: sshd.port });
          const place = { address: '127.0.0.1', port: target.port };
          const client = sshClient('web-1', { ...own, username: account.name, proxyJump: 'gate' }, place);
          const shared = sharedFor({ bastions: [bastion] });
          const { signal } = new AbortController();
          const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal };
          const attempt = commandTransportFor(client, shared).connect(limits);
          if (refusals === null) assert.equal((await failure(attempt)).code, 'bastion-failed');
          else await (await attempt).leave();
          await shared.close();
        }
      });
    });
  }

  it('at dropbear, which names SHA-256 alone', { skip: dropbearMissing() ?? false }, async () => {
    const dropbear = await stoppedAfter(startDropbear());
    const { name: username } = await dropbear.addAccount({ publicKey });
    for (const way of Object.keys(ways)) assert.equal(await output(dropbear, username, way, true), 'in');
    const other = await dropbear.addAccount();
    const { message } = await failure(output(dropbear, other.name, 'of a file', false));
    assert.doesNotMatch(message, /rsa-sha2-512|SHA-1/);
  });
});

describe('the algorithms to offer an RSA key with', () => {
  const both = ['rsa-sha2-256', 'rsa-sha2-512'];
  const cases: readonly (readonly [named: readonly string[], expected: readonly string[]])[] = [
    [[], both],
    [['ssh-ed25519', 'ssh-rsa'], both],
    [['ssh-ed25519', ...both], both],
    [['rsa-sha2-512', 'rsa-sha2-256'], both],
    [['rsa-sha2-512', 'ssh-rsa'], ['rsa-sha2-512']],
    [['rsa-sha2-256'], ['rsa-sha2-256']],
    [['rsa-sha2-512-cert-v01@openssh.com'], both],
  ];
  for (const [named, expected] of cases) {
    it(`of a server that names ${named.join(', ') || 'none'}`, () =>
      assert.deepEqual(rsaSignaturesFor(named), expected));
  }
});
