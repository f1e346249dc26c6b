// Second tier: each exchange of keys.
/** Servers that share no algorithm with the built-in transport: transport="auto" visits them by OpenSSH. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { text } from 'node:stream/consumers';

import type { SshSettings } from '../../../src/config/config.ts';
import { postQuantumKex } from '../../../src/config/values/key-exchanges.ts';
import { dayMs } from '../../../src/platform/units.ts';
import { opensshOnlyIn, serverName } from '../../../src/transport/openssh/openssh-only.ts';
import { scanHostKeys } from '../../../src/transport/ssh2/scan-host-keys.ts';
import { commandTransportFor } from '../../../src/transport/transport-for.ts';
import { fails } from '../../support/ssh/login.ts';
import { isWide } from '../../support/long-tests.ts';
import { sharedFor, sshClient } from '../../support/ssh/run-shared.ts';
import { sshKeygen, sshdMissing, sshdOfSuite } from '../../support/ssh/sshd.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal: new AbortController().signal };

describe('a post-quantum-only sshd', { skip: sshdMissing() ?? false }, async () => {
  const dir = tempFolder();
  const knownHosts = path.join(dir, 'known_hosts');
  const sshd = await sshdOfSuite({ config: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] });
  const key = sshKeygen(path.join(sshd.dir, 'login'));
  const account = await sshd.addAccount({ publicKey: key.publicKey });
  writeFileSync(knownHosts, `${sshd.hostKeyLine()}\n`);
  const client = (ssh: Partial<SshSettings>) => {
    const own = { username: account.name, privateKey: key.privateKey, knownHosts, via: 'auto' } as const;
    return sshClient('web-1', { ...own, ...ssh }, { address: '127.0.0.1', port: sshd.port });
  };
  const whoami = async (ssh: Partial<SshSettings>, shared = sharedFor()): Promise<string> => {
    const connection = await commandTransportFor(client(ssh), shared).connect(limits);
    const channel = await connection.exec('id -un');
    const printed = (await text(channel.stdout)).trim();
    await connection.leave();
    return printed;
  };

  it('is visited by ssh with transport="auto", from then on at once', async () => {
    const shared = sharedFor({ stateDir: dir });
    assert.equal(await whoami({}, shared), account.name);
    assert.equal(sshd.count(/no matching key exchange method found/g), 1);
    shared.opensshOnly.save();
    const later = sharedFor({ stateDir: dir });
    assert.ok(later.opensshOnly.has(serverName(client({}))));
    assert.equal(await whoami({}, later), account.name);
    assert.equal(sshd.count(/no matching key exchange method found/g), 1, 'ssh2 is not tried again');
  });

  it('is a fault with its cure for ssh2, and for trust', async () => {
    const fault = await fails(
      commandTransportFor(client({ via: 'ssh2' }), sharedFor()).connect(limits),
      'no-common-algorithm handshake',
    );
    assert.match(fault.message, /no matching key exchange algorithm; the client offers sntrup761x25519/);
    assert.match(fault.advice, /transport="auto".*ssh-keyscan/);
    const scan = { client: 'web-1', host: '127.0.0.1', port: sshd.port, timeoutMs: 60_000, signal: limits.signal };
    await fails(scanHostKeys(scan), 'no-common-algorithm handshake');
  });

  it('takes keyExchange="post-quantum", which ssh2 refuses', async () => {
    const demanded = { kex: postQuantumKex, explicit: { kex: 'config.xml:1' } };
    assert.equal(await whoami(demanded), account.name);
    const refused = commandTransportFor(client({ ...demanded, via: 'ssh2' }), sharedFor()).connect(limits);
    const { message } = await fails(refused, 'unsupported connect');
    assert.match(message, /keyExchange \(config\.xml:1\) is beyond the built-in transport/);
  });
});

const rare = isWide ? (sshdMissing() ?? false) : 'in the second tier';

describe('an sshd without a post-quantum key exchange', { skip: rare }, () => {
  it('is refused by keyExchange="post-quantum"', async () => {
    const dir = tempFolder();
    const sshd = await sshdOfSuite({ config: ['KexAlgorithms curve25519-sha256'] });
    const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, 'login'));
    const { name: username } = await sshd.addAccount({ publicKey });
    const knownHosts = path.join(dir, 'known_hosts');
    writeFileSync(knownHosts, `${sshd.hostKeyLine()}\n`);
    const ssh = { username, privateKey, knownHosts, via: 'auto', kex: postQuantumKex } as const;
    const own = { ...ssh, explicit: { kex: 'config.xml:1' } };
    const client = sshClient('web-1', own, { address: '127.0.0.1', port: sshd.port });
    await fails(commandTransportFor(client, sharedFor()).connect(limits), 'handshake-failed handshake');
  });
});

it('a server is remembered by client, address and port, for a week', (t) => {
  const stateDir = tempFolder(t);
  const server = { name: 'web-1', address: '2001:DB8::0:7', port: 22 };
  const first = opensshOnlyIn(stateDir, 0);
  first.note(serverName(server));
  first.save();
  const isKnown = (days: number, own = server) => opensshOnlyIn(stateDir, days * dayMs).has(serverName(own));
  assert.deepEqual([isKnown(6.9), isKnown(7), isKnown(-1)], [true, false, false]);
  assert.ok(isKnown(1, { ...server, address: '2001:db8::7' }));
  for (const other of [{ name: 'web-2' }, { address: '2001:db8::8' }, { port: 2222 }]) {
    assert.ok(!isKnown(1, { ...server, ...other }));
  }
});
