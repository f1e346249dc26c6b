/** The options of mysql2 for a <storage>. The logins are in test/storage/mysql.test.ts and mysql-tls.test.ts. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { connectionOptions } from '../../../../src/storage/dialects/mysql/connection-options.ts';
import type { MysqlConfig } from '../../../../src/config/databases/mysql.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

const host = { host: 'db', port: 3306 };
const storage: MysqlConfig = {
  ...{ kind: 'mysql', path: null, migrate: true, hosts: [host], user: 'fleet', database: 'fleet' },
  ...{ password: null, socketPath: null, tls: 'no', ca: null, serverPublicKeyFile: null },
};
const optionsOf = (changes: Partial<MysqlConfig> = {}) => connectionOptions({ ...storage, ...changes }, host, 900);

test('a server is asked by its host, or by its socket alone', () => {
  const { host: name, port, socketPath, connectTimeout } = optionsOf();
  assert.deepEqual([name, port, socketPath, connectTimeout], ['db', 3306, undefined, 900]);
  const own = optionsOf({ socketPath: '/run/mysqld.sock' });
  assert.deepEqual([own.host, own.port, own.socketPath], [undefined, undefined, '/run/mysqld.sock']);
});

test('rows come as text and numbers, in UTC', () => {
  const { authPlugins, ...options } = optionsOf();
  assert.ok(authPlugins);
  assert.deepEqual(options, {
    ...{ ...host, user: 'fleet', database: 'fleet', connectTimeout: 900, charset: 'UTF8MB4_BIN', timezone: 'Z' },
    ...{ dateStrings: true, decimalNumbers: true, jsonStrings: true, supportBigNumbers: true },
  });
});

test('a password is told only if there is one', () => {
  assert.equal('password' in optionsOf(), false);
  assert.equal(optionsOf({ password: { reveal: () => 'hunter2' } }).password, 'hunter2');
});

test('TLS is off, encrypts, or checks authority and host', () => {
  const ssl = (tls: MysqlConfig['tls'], more: Partial<MysqlConfig> = {}): unknown => optionsOf({ tls, ...more }).ssl;
  assert.equal(ssl('no'), undefined);
  assert.deepEqual(ssl('yes'), { rejectUnauthorized: false, verifyIdentity: false, minVersion: 'TLSv1.2' });
  assert.deepEqual(ssl('verify'), { rejectUnauthorized: true, verifyIdentity: true, minVersion: 'TLSv1.2' });
});

test('a socket of its own, which carries the name, is there only where the name is checked', () => {
  const hasStream = (changes: Partial<MysqlConfig>): boolean => 'stream' in optionsOf(changes);
  assert.equal(hasStream({ tls: 'verify' }), true);
  assert.equal(hasStream({ tls: 'yes' }), false);
  assert.equal(hasStream({ tls: 'no' }), false);
  assert.equal(hasStream({ tls: 'verify', socketPath: '/run/mysqld.sock' }), false);
});

test('a password goes under no key that the server sends, but over TLS and its own socket', () => {
  const plugins = (changes: Partial<MysqlConfig>): readonly string[] =>
    Object.keys(optionsOf(changes).authPlugins ?? {}).sort();
  assert.deepEqual(plugins({}), ['auth_socket', 'caching_sha2_password', 'sha256_password']);
  assert.deepEqual(plugins({ tls: 'yes' }), ['auth_socket']);
  assert.deepEqual(plugins({ socketPath: '/run/mysqld.sock' }), ['auth_socket']);
});

test('files are read, and one that is missing is named with its attribute', (t) => {
  const file = path.join(tempFolder(t), 'ca.pem');
  writeFileSync(file, 'a certificate');
  assert.equal((optionsOf({ tls: 'yes', ca: file }).ssl as { readonly ca?: string }).ca, 'a certificate');
  const code = 'config-invalid';
  assert.throws(() => optionsOf({ tls: 'verify', ca: '/nowhere' }), { code, message: /^<storage ca>: \/nowhere / });
  const key = { serverPublicKeyFile: '/nowhere' };
  assert.throws(() => optionsOf(key), { code, message: /^<storage serverPublicKeyFile>: \/nowhere / });
  assert.doesNotThrow(() => optionsOf({ ...key, tls: 'yes' }));
});
