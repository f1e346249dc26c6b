import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import type { StorageConfig } from '../../src/config/config.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { serverName, skipWithoutMariadb, startMariadb } from '../support/mariadb.ts';
import type { Mariadb } from '../support/mariadb.ts';

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
  let config: StorageConfig;
  before(async () => {
    certificate('server', 'localhost');
    certificate('other', 'localhost');
    certificate('elsewhere', 'db.example.org');
    mariadb = await startMariadb([`--ssl-cert=${file('server.pem')}`, `--ssl-key=${file('server.key')}`]);
    config = { ...(await mariadb.createDatabase()).storage, host: 'localhost' };
    await openStorage({ storage: config, migrate: true }).then((storage) => storage.close());
  });
  after(async () => {
    await mariadb.stop();
    rmSync(dir, { recursive: true });
  });

  const cipherOf = async (options: Partial<StorageConfig>): Promise<string> => {
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

  test('a server without TLS is not talked to in the open when TLS was asked for', async () => {
    await mariadb.kill();
    await mariadb.restart(serverName === 'MySQL' ? ['--tls-version='] : []);
    await assert.rejects(cipherOf({ tls: 'yes' }), fault('storage-unavailable'));
  });

  function certificate(name: string, host: string): void {
    const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
    const files = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
    const options = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', ...subject, ...files];
    execFileSync('openssl', ['req', ...options], { stdio: 'ignore' });
  }
});
