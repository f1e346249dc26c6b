// Second tier: starts a MariaDB for each kind of certificate.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { createConnection } from 'mysql2/promise';

import type { MysqlConfig } from '../../src/config/config.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { mysqlAt, serverName, skipWithoutMariadb, startMariadb, type Mariadb } from '../support/mariadb.ts';
import { startRogueMysql } from '../support/rogue-mysql.ts';
import { tempFolder } from '../support/temp-folder.ts';

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
