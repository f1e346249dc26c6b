// Second tier: starts a MariaDB for each kind of certificate.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import { createConnection } from 'mysql2/promise';

import type { MysqlConfig } from '../../src/config/databases/mysql.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { listen } from '../support/servers/free-port.ts';
import { type Mariadb, mysqlAt, serverName, skipWithoutMariadb, startMariadb } from '../support/databases/mariadb.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** A server in place of a MySQL server that asks for the password under an RSA key of its own. */
interface RogueMysql {
  readonly port: number;
  /** The passwords that clients have revealed. */
  readonly stolen: readonly string[];
}

const scramble = Buffer.from('12345678901234567890');
// PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH, CONNECT_WITH_DB
const capabilities = 0x0008_a208;

/** Starts a server that is stopped after the test. `plugin` is the login method that it asks for. */
async function startRogueMysql(
  t: TestContext,
  plugin: 'caching_sha2_password' | 'sha256_password',
): Promise<RogueMysql> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const stolen: string[] = [];
  const switchTo = Buffer.from(`\xfe${plugin}\0${scramble.toString('latin1')}\0`, 'latin1');
  const more = (data: Uint8Array): Buffer => Buffer.concat([Buffer.from([1]), data]);
  const listener = await listen((socket) => {
    const send = (sequence: number, payload: Uint8Array): void => {
      const length = payload.length;
      socket.write(Buffer.from([length & 255, length >> 8, 0, sequence]));
      socket.write(payload);
    };
    send(0, greeting(plugin));
    let isSwitched = false;
    eachPacket(socket, (sequence, payload) => {
      if (!isSwitched) {
        isSwitched = true;
        send(sequence + 1, switchTo);
      } else if (payload.length === 256) {
        stolen.push(opened(privateKey, payload));
        socket.end();
      } else if (payload.length === 1) send(sequence + 1, more(Buffer.from(publicKey)));
      else send(sequence + 1, more(Buffer.from([4])));
    });
  });
  t.after(() => listener.close());
  return { port: listener.port, stolen };
}

function greeting(plugin: string): Buffer {
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(capabilities);
  return Buffer.concat([
    Buffer.from('\x0a8.4.0\0\x01\0\0\0', 'latin1'),
    scramble.subarray(0, 8),
    Buffer.from([0, flags[0] ?? 0, flags[1] ?? 0, 45, 2, 0, flags[2] ?? 0, flags[3] ?? 0, 21]),
    Buffer.alloc(10),
    scramble.subarray(8),
    Buffer.from(`\0${plugin}\0`),
  ]);
}

function eachPacket(socket: Socket, take: (sequence: number, payload: Buffer) => void): void {
  let waiting = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes]);
    while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUIntLE(0, 3)) {
      const end = 4 + waiting.readUIntLE(0, 3);
      take(waiting[3] ?? 0, waiting.subarray(4, end));
      waiting = waiting.subarray(end);
    }
  });
}

/** Returns the password that a client has encrypted, or a remark if it was encrypted for another key. */
function opened(key: string, encrypted: Buffer): string {
  try {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const mixed = privateDecrypt({ key, padding, oaepHash: 'sha1' }, encrypted);
    return Buffer.from(mixed.map((byte, index) => byte ^ (scramble[index % scramble.length] ?? 0)))
      .toString()
      .replace(/\0$/, '');
  } catch {
    return '(encrypted for another key)';
  }
}

const fault = (code: string): { name: string; code: string } => ({ name: 'FleetError', code });

const withoutOpenssl = ((): string | false => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'openssl is not installed';
  }
})();

describe(`${serverName} with TLS`, { skip: skipWithoutMariadb || withoutOpenssl }, () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-tls-'));
  const file = (name: string): string => path.join(dir, name);
  let mariadb: Mariadb;
  let config: MysqlConfig;
  before(async () => {
    certificate('server', 'localhost');
    certificate('other', 'localhost');
    certificate('elsewhere', 'db.example.org');
    certificate('address', '127.0.0.1', 'IP');
    certificate('neighbour', '127.0.0.2', 'IP');
    mariadb = await startMariadb([`--ssl-cert=${file('server.pem')}`, `--ssl-key=${file('server.key')}`]);
    config = { ...(await mariadb.createDatabase()).storage, hosts: [{ host: 'localhost', port: mariadb.port }] };
    await openStorage({ storage: config, migrate: true }).then((storage) => storage.close());
  });
  after(async () => {
    await mariadb.stop();
    rmSync(dir, { recursive: true });
  });

  const cipherOf = async (options: Partial<MysqlConfig>): Promise<string> => {
    const storage = await openStorage({ storage: { ...config, ...options }, migrate: false });
    try {
      const [row] = await storage.history.query("SHOW STATUS LIKE 'Ssl_cipher'");
      return String(row?.['Value']);
    } finally {
      await storage.close();
    }
  };

  test('no, yes and verify', async () => {
    assert.equal(await cipherOf({ tls: 'no' }), '');
    assert.notEqual(await cipherOf({ tls: 'yes' }), '');
    assert.notEqual(await cipherOf({ tls: 'verify', ca: file('server.pem') }), '');
  });

  test('verify refuses a certificate of another authority, or of another host', async () => {
    await assert.rejects(cipherOf({ tls: 'verify', ca: file('other.pem') }), fault('storage-unavailable'));
    await assert.rejects(cipherOf({ tls: 'verify' }), fault('storage-unavailable'));
    await mariadb.kill();
    await mariadb.restart([`--ssl-cert=${file('elsewhere.pem')}`, `--ssl-key=${file('elsewhere.key')}`]);
    await assert.rejects(cipherOf({ tls: 'verify', ca: file('elsewhere.pem') }), fault('storage-unavailable'));
    assert.notEqual(await cipherOf({ tls: 'yes' }), '');
  });

  for (const { certificateOf, host, isTaken } of [
    { certificateOf: 'address', host: '127.0.0.1', isTaken: true },
    { certificateOf: 'neighbour', host: '127.0.0.1', isTaken: false },
    { certificateOf: 'server', host: '127.0.0.1', isTaken: false },
    { certificateOf: 'server', host: 'localhost', isTaken: true },
    { certificateOf: 'address', host: 'localhost', isTaken: false },
  ] as const) {
    const name = { address: '127.0.0.1', neighbour: '127.0.0.2', server: 'localhost' }[certificateOf];
    test(`a certificate for ${name} is ${isTaken ? 'taken' : 'refused'} where the URL says ${host}`, async () => {
      await mariadb.kill();
      await mariadb.restart([
        `--ssl-cert=${file(`${certificateOf}.pem`)}`,
        `--ssl-key=${file(`${certificateOf}.key`)}`,
      ]);
      const cipher = cipherOf({
        tls: 'verify',
        ca: file(`${certificateOf}.pem`),
        hosts: [{ host, port: mariadb.port }],
      });
      if (isTaken) assert.notEqual(await cipher, '');
      else {
        const message = new RegExp(`does not match certificate's altnames.*${host}.*<storage ca="FILE">`, 's');
        await assert.rejects(cipher, { ...fault('storage-unavailable'), message });
      }
    });
  }

  test('a server without TLS is not talked to in the open when TLS was asked for', async () => {
    await mariadb.kill();
    await mariadb.restart(serverName === 'MySQL' ? ['--tls-version='] : []);
    const refused = { ...fault('storage-unavailable'), message: /does not support secure connection; switch it on/ };
    await assert.rejects(cipherOf({ tls: 'yes' }), refused);
  });

  function certificate(name: string, host: string, kind: 'DNS' | 'IP' = 'DNS'): void {
    const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=${kind}:${host}`];
    const files = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
    const options = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', ...subject, ...files];
    execFileSync('openssl', ['req', ...options], { stdio: 'ignore' });
  }
});

const storageAt = (port: number): MysqlConfig => mysqlAt(port, 'a secret');

describe('a server that stands where the database is meant to be', () => {
  for (const plugin of ['caching_sha2_password', 'sha256_password'] as const) {
    test(`gets no password for an RSA key that it sends (${plugin})`, async (t) => {
      const rogue = await startRogueMysql(t, plugin);
      const storage = storageAt(rogue.port);
      const message = /a key of its own.*tls="verify".*serverPublicKeyFile/;
      await assert.rejects(openStorage({ storage, migrate: false }), { ...fault('storage-denied'), message });
      assert.deepEqual(rogue.stolen, []);
    });

    test(`cannot read a password that is encrypted for the key of serverPublicKeyFile (${plugin})`, async (t) => {
      const dir = tempFolder(t);
      const serverPublicKeyFile = path.join(dir, 'public_key.pem');
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      writeFileSync(serverPublicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
      const rogue = await startRogueMysql(t, plugin);
      const storage = { ...storageAt(rogue.port), serverPublicKeyFile };
      await assert.rejects(openStorage({ storage, migrate: false }), fault('storage-unavailable'));
      assert.deepEqual(rogue.stolen, ['(encrypted for another key)']);
    });

    test(`would have it from a client that believes any key (${plugin})`, async (t) => {
      const rogue = await startRogueMysql(t, plugin);
      const login = { host: '127.0.0.1', port: rogue.port, user: 'fleet', password: 'a secret' };
      await assert.rejects(createConnection(login));
      assert.deepEqual(rogue.stolen, ['a secret']);
    });
  }

  test('a file that serverPublicKeyFile names and that is not there is a fault of config.xml', async () => {
    const storage = { ...storageAt(1), serverPublicKeyFile: '/nonexistent/key.pem' };
    const message = /^<storage serverPublicKeyFile>: .*\/nonexistent\/key\.pem/;
    await assert.rejects(openStorage({ storage, migrate: false }), { ...fault('config-invalid'), message });
  });
});
