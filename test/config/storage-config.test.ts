import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseStorageUrl } from '../../src/config/databases/kinds.ts';

const mysql = { kind: 'mysql', user: null, password: null, hosts: [], database: 'fleet' };

test('storage URLs that are fine', () => {
  const db1 = { host: 'db-1', port: 3306 };
  const v6 = { host: '2001:db8::1', port: 3308 };
  const table: readonly (readonly [string, object])[] = [
    ['sqlite:fleet.db', { kind: 'sqlite', password: null }],
    ['sqlite:/var/lib/fleet.db', { kind: 'sqlite', password: null }],
    ['mysql://fleet@db-1/fleet', { ...mysql, user: 'fleet', hosts: [db1] }],
    [
      'mysql://fleet:p%40ss%2Fw@mon-db:3307/fleet',
      { ...mysql, user: 'fleet', password: 'p@ss/w', hosts: [{ host: 'mon-db', port: 3307 }] },
    ],
    ['mysql://fleet@[2001:db8::1]:3308/fleet', { ...mysql, user: 'fleet', hosts: [v6] }],
    [
      'mysql://fleet:a,b@db-1,db-2:3307,[2001:db8::1]:3308/fleet',
      { ...mysql, user: 'fleet', password: 'a,b', hosts: [db1, { host: 'db-2', port: 3307 }, v6] },
    ],
    ['mysql://fleet@/fleet', { ...mysql, user: 'fleet' }],
    ['mysql:///fleet', mysql],
  ];
  for (const [url, parsed] of table) assert.deepEqual(parseStorageUrl(url), parsed, url);
});

test('storage URLs that are not say why, without a word of the URL', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['sqlite:', /must name a file/],
    ['sqlite://fleet.db', /must name a file/],
    ['sqlite::memory:', /in memory/],
    ['mariadb://u:hunter2@h/d', /must begin with mysql/],
    ['postgres://u:hunter2@h/d', /must begin with .*sqlite: or mysql/],
    ['fleet.db', /must begin with/],
    ['mysql://u:hunter2@h', /not of the form/],
    ['mysql://u:hunter2@h/', /not of the form/],
    ['mysql://u:hunter2@h:99999/d', /port from 1 to 65535/],
    ['mysql://u:hunter2@h,/d', /a comma without a host/],
    ['mysql://u:hunter2@h,h:0/d', /port from 1 to 65535/],
    [`mysql://u:hunter2@${Array(17).fill('h').join(',')}/d`, /at most 16 hosts/],
    ['mysql://u:hunter2@h/d?ssl=true', /no options/],
    ['mysql://u:hunter2@%2Frun%2Fmysqld.sock/d', /a host that .*; the path of a socket is socketPath/],
    ['mysql://u:hunter2@tcp(h)/d', /a host that is no IP address or host name/],
    ['sqlite:fleet.db?mode=ro', /takes no options/],
    ['mysql://u:hunter2@192.0.2.300/d', /a host that is no IPv4 address/],
    ['mysql://u:hunter2%zz@h/d', /%25/],
    ['mysql://u:hun@ter2@h/d', /not of the form/],
  ];
  for (const [url, message] of table) {
    const fault = parseStorageUrl(url);
    assert.ok(typeof fault === 'string', url);
    assert.match(fault, message, url);
    assert.doesNotMatch(fault, /hunter2|hun@/);
  }
});
