/** The numbers of MySQL and MariaDB, by what a fault means to the program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isWaitOver, mysqlFault } from '../../../../src/storage/dialects/mysql/faults.ts';
import type { StorageFault, FaultKind } from '../../../../src/storage/sql/fault.ts';

const where = 'mysql://fleet@db:3306/fleet';
const faultOf = (facts: object, message = 'no'): StorageFault =>
  mysqlFault(Object.assign(new Error(message), facts), where);

const numbers: { readonly [Kind in FaultKind]?: readonly number[] } = {
  // The connection, the server, or its memory; another server may answer.
  lost: [
    ...[
      1037, 1038, 1040, 1041, 1042, 1043, 1047, 1053, 1135, 1152, 1154, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1203,
    ],
    ...[1226, 1243, 1317, 1461, 1568, 1637, 1927, 1969, 3024, 3032, 3100, 3796, 3797, 3798, 4031],
    // A proxy.
    ...[9000, 9001, 9002, 9006, 9099],
  ],
  // Somebody else holds or has changed it.
  contended: [1020, 1192, 1205, 1206, 1213, 1297, 1412, 1615, 3101],
  duplicate: [1062],
  // Login, host and rights.
  denied: [
    1044, 1045, 1049, 1129, 1130, 1142, 1143, 1227, 1251, 1275, 1370, 1524, 1698, 1820, 1862, 3118, 3159, 3955, 4150,
    4151,
  ],
  full: [3, 1021, 1026, 1028, 1114, 1878],
  'read-only': [1036, 1223, 1792, 1836, 1874],
  schema: [1054, 1146, 1305, 1356],
  damaged: [1034, 1035, 1194, 1195, 1712, 1812, 1932],
  // Settings, and what a cluster or proxy does not know: each statement fails, whatever its values.
  broken: [1016, 1030, 1105, 1286, 1290, 1598, 1665, 1785, 1786, 1787, 1815, 1950, 3098, 3750],
  exists: [1050, 1060, 1061, 1091],
  // Values that a column does not take, and numbers that nobody knows.
  refused: [1048, 1264, 1366, 1406, 4025, 8999, 9100, 9999],
};
for (const [kind, known] of Object.entries(numbers)) {
  test(`numbers that mean ${kind}`, () => {
    for (const errno of known) assert.equal(faultOf({ errno }).kind, kind, String(errno));
  });
}

const words: readonly (readonly [errno: number, message: string, kind: FaultKind])[] = [
  [1030, 'Got error 28 from storage engine', 'full'],
  [1030, 'Got error 122 from storage engine', 'full'],
  [1030, 'Errcode: 28', 'full'],
  [1030, 'Got error 280 from storage engine', 'broken'],
  [1004, 'Can\'t create file (errno: 30 "Read-only file system")', 'read-only'],
  [1004, 'No space left on device', 'full'],
  [1180, 'Got error 149 during COMMIT', 'contended'],
  [1180, 'Got error 1490 during COMMIT', 'lost'],
  [1290, 'The MariaDB server is running with the --read-only option so it cannot execute this statement', 'read-only'],
  [1290, 'The MySQL server is running with the --super-read-only option', 'read-only'],
  [1290, 'The MySQL server is running with the --innodb_read_only option', 'read-only'],
  [1290, 'The MariaDB server is running with the NO_ENGINE_SUBSTITUTION option', 'broken'],
  [1815, 'Internal error: Got error 28 from storage engine', 'full'],
  // A number that is known says more than its words.
  [1062, 'Duplicate entry "No space left" for key', 'duplicate'],
];
for (const [errno, message, kind] of words) {
  test(`${errno} with ${message}: ${kind}`, () => assert.equal(faultOf({ errno }, message).kind, kind));
}

test('errors of Node and of the driver', () => {
  const kinds = [
    faultOf({ errno: -111, code: 'ECONNREFUSED' }),
    faultOf({}),
    faultOf({ code: 'AUTH_SWITCH_PLUGIN_ERROR' }),
    faultOf({}, 'Server requests authentication using unknown plugin sha'),
    faultOf({}, 'unknown plugin'),
    mysqlFault(new TypeError('Bind parameters must not contain undefined'), where),
    mysqlFault(new RangeError('too long'), where),
    mysqlFault('a text', where),
  ].map(({ kind }) => kind);
  assert.deepEqual(kinds, ['lost', 'lost', 'denied', 'denied', 'denied', 'refused', 'refused', 'lost']);
});

test('a message names the server, but not where values or a migration are at fault', () => {
  assert.equal(faultOf({ errno: 1044 }).message, `${where}: no`);
  for (const errno of [1406, 1050]) assert.equal(faultOf({ errno }).message, 'no');
  assert.equal(faultOf({ code: 'ETIMEDOUT' }, '').message, `${where}: ETIMEDOUT`);
  assert.match(faultOf({ code: 'HANDSHAKE_SSL_ERROR' }).message, /no; its certificate must be for that host/);
});

test('a TLS handshake that failed has the advice for its reason', () => {
  const adviceOf = (words: string): string => {
    const { message, advice } = faultOf({ code: 'HANDSHAKE_SSL_ERROR' }, words);
    return `${message} (${advice})`;
  };
  assert.match(adviceOf('certificate has expired'), /: certificate has expired \(Have the certificate .* renewed/);
  assert.match(adviceOf('certificate is not yet valid'), /set the clock of this machine/);
  assert.match(adviceOf('wrong: unsupported protocol'), /Renew the TLS of that server/);
  assert.match(
    adviceOf('self-signed certificate in certificate chain'),
    /; its certificate must be for that host, by an/,
  );
  assert.match(
    adviceOf("Hostname/IP does not match certificate's altnames"),
    /; its certificate must be for that host/,
  );
});

test('a number that nobody knows is of the login if its state says so', () => {
  assert.deepEqual(
    [faultOf({ errno: 9998, sqlState: '28000' }), faultOf({ errno: 9998, sqlState: 'HY000' })].map(({ kind }) => kind),
    ['denied', 'refused'],
  );
});

test('a login that is refused says what else than the password may be the reason', () => {
  assert.match(faultOf({ errno: 1045 }).message, /: no; the name, the password or .* TLS .*socketPath/);
  assert.match(faultOf({ errno: 1698 }).message, /: no; the account logs in by the socket/);
  for (const plugin of [
    'client_ed25519',
    'parsec',
    'dialog',
    'auth_gssapi_client',
    'authentication_ldap_sasl_client',
  ]) {
    const words = `Server requests authentication using unknown plugin ${plugin}. See TODO: add plugins doco here`;
    const fault = faultOf({}, words);
    assert.equal(fault.kind, 'denied');
    assert.match(
      fault.message,
      new RegExp(`^${where}: the account logs in by the plugin ${plugin}, which .* ALTER USER to `),
    );
    assert.doesNotMatch(fault.message, /TODO/);
  }
});

test('a fault stays the fault that it is, and only 1205 is a wait that was too long', () => {
  const fault = faultOf({ errno: 1205 });
  assert.equal(mysqlFault(fault, 'elsewhere'), fault);
  assert.deepEqual([fault, faultOf({ errno: 1213 }), faultOf({})].map(isWaitOver), [true, false, false]);
});
