/** The quick key exchange against ssh2's own: the same secrets and verdicts, and logins that still fail where they must. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startLoopbackServer, type LoopbackServer } from '../../../src/simulator/loopback-server.ts';
import { decodeLoginKey } from '../../../src/transport/credentials/private-key.ts';
import { opensshPrivateKey } from '../../../src/transport/credentials/openssh-key.ts';
import { quickenKeyExchanges } from '../../../src/transport/ssh2/quick-key-exchange.ts';
import { newClient, parseKey, type Client, type ParsedKey } from '../../../src/transport/connection/ssh2.ts';
import { startHostileServer } from '../../support/hostile-server.ts';
import { connectTo, failure, login, type TestServer } from '../../support/login.ts';

interface Exchange {
  _keys: { readonly privateKey: KeyObject; readonly publicKey: unknown } | null;
  _dh?: unknown;
  getPublicKey: (this: Exchange) => Buffer;
  computeSecret: (this: Exchange, other: Buffer) => Buffer | Error;
}
type Verify = (this: ParsedKey, data: Buffer, signature: Buffer) => boolean;

const password = 'a secret word';

describe('quick key exchange', () => {
  let home: string;
  let server: LoopbackServer;
  let account: TestServer;
  let prototype: Exchange;
  let slow: Partial<Exchange>;
  let slowVerify: Verify;

  /** What ssh2 makes of the first connection of this process, and then the quick one in its place. */
  before(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'fleet-kex-'));
    server = await startLoopbackServer({ username: 'u', password, home });
    const { port, hostKey } = server;
    account = { port, hostKeyLine: () => `[127.0.0.1]:${port} ${hostKey.type} ${hostKey.key}` };
    const sample = parseKey(`${hostKey.type} ${hostKey.key}`);
    assert.ok(!(sample instanceof Error));
    const keys = Object.getPrototypeOf(sample) as { readonly verify: Verify };
    slowVerify = keys.verify;
    await firstExchange(port, (ssh) => {
      const exchange = (ssh as unknown as { _protocol: { _kex: Exchange } })._protocol._kex;
      prototype = Object.getPrototypeOf(exchange) as Exchange;
      slow = Object.defineProperties({}, Object.getOwnPropertyDescriptors(prototype));
      quickenKeyExchanges(ssh);
      assert.notEqual(prototype.computeSecret, slow.computeSecret);
    });
    assert.notEqual(keys.verify, slowVerify);
  });
  after(async () => {
    await server.close();
    rmSync(home, { recursive: true });
  });

  const quick = (): Exchange => Object.assign(Object.create(prototype) as Exchange, { _keys: null });
  const ofSsh2 = (): Exchange =>
    Object.assign(
      Object.create(Object.getPrototypeOf(prototype) as object, Object.getOwnPropertyDescriptors(slow)) as Exchange,
      { _keys: null },
    );

  it('agrees with the exchange of ssh2 on each secret, whatever its first bits are', () => {
    const forms = new Set<string>();
    for (let round = 0; round < 600; round += 1) {
      const [one, other] = [quick(), ofSsh2()];
      const [ours, theirs] = [one.getPublicKey(), other.getPublicKey()];
      assert.equal(ours.length, 32);
      const secret = one.computeSecret(theirs);
      assert.ok(Buffer.isBuffer(secret));
      assert.deepEqual(secret, other.computeSecret(ours));
      forms.add(secret.length === 33 ? 'high bit' : secret.length === 32 ? 'plain' : 'leading zeros');
    }
    assert.ok(forms.has('high bit') && forms.has('plain'), [...forms].join());
  });

  it('makes a key for each exchange, and one alone', () => {
    const [one, other] = [quick(), quick()];
    assert.deepEqual(one.getPublicKey(), one.getPublicKey());
    assert.notDeepEqual(one.getPublicKey(), other.getPublicKey());
  });

  it('refuses what ssh2 refuses: keys of another length, and points that give nothing', () => {
    const lowOrder = Buffer.alloc(32);
    for (const key of [
      Buffer.alloc(0),
      randomBytes(31),
      randomBytes(33),
      lowOrder,
      Buffer.from([1, ...lowOrder.subarray(1)]),
    ]) {
      assert.ok(ofSsh2().computeSecret(key) instanceof Error, key.toString('hex'));
      assert.ok(quick().computeSecret(key) instanceof Error, key.toString('hex'));
    }
  });

  it('judges signatures as ssh2 does', () => {
    const pair = generateKeyPairSync('ed25519');
    const key = decodeLoginKey(opensshPrivateKey(pair.privateKey), null).usable;
    assert.ok(key);
    const data = randomBytes(32);
    const right = sign(null, data, pair.privateKey);
    const flipped = Buffer.from(right);
    flipped[40] = (flipped[40] ?? 0) ^ 1;
    const foreign = sign(null, data, generateKeyPairSync('ed25519').privateKey);
    for (const [signature, verdict] of [
      [right, true],
      [flipped, false],
      [foreign, false],
      [right.subarray(0, 63), false],
      [Buffer.alloc(0), false],
    ] as const) {
      assert.equal(key.verify(data, signature), verdict);
      assert.equal(slowVerify.call(key, data, signature), verdict);
    }
    assert.equal(key.verify(randomBytes(32), right), false);
  });

  it('leaves keys of other types to ssh2', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = parseKey(privateKey.export({ type: 'sec1', format: 'pem' }).toString());
    assert.ok(!(key instanceof Error));
    const data = randomBytes(32);
    assert.equal(key.verify(data, sign('sha256', data, privateKey)), true);
    assert.equal(key.verify(randomBytes(32), sign('sha256', data, privateKey)), false);
  });

  it('logs in, and not to a server that shows a key that it does not hold', async () => {
    await login({ server: account, username: 'u', credentials: { password } });
    const thief = await startHostileServer('stolen-host-key');
    try {
      const error = await failure(connectTo({ server: thief, username: 'u', credentials: { password } }));
      assert.equal(error.code, 'handshake-failed');
      assert.match(error.message, /signature verification/);
    } finally {
      await thief.close();
    }
  });
});

/** Calls back while the key exchange of a connection goes on, which is ended after it. */
async function firstExchange(port: number, see: (ssh: Client) => void): Promise<void> {
  const ssh = newClient();
  await new Promise<void>((resolve, reject) => {
    ssh.once('error', reject);
    ssh.once('ready', resolve);
    ssh.connect({
      host: '127.0.0.1',
      port,
      username: 'u',
      password,
      hostVerifier: () => {
        see(ssh);
        return true;
      },
    });
  });
  ssh.end();
}
