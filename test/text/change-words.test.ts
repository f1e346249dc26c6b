import assert from 'node:assert/strict';
import { test } from 'node:test';

import { changeWords } from '../../src/text/change-words.ts';

const [one, other] = ['1'.repeat(32), '2'.repeat(32)];

for (const [kind, item, oldValue, newValue, words] of [
  ['package', 'openssl amd64', '3.0.11', '3.0.14', 'openssl 3.0.11 to 3.0.14'],
  ['package', 'nginx amd64', null, '1.22', 'nginx 1.22 installed'],
  ['package', 'hello amd64 (dpkg)', null, '2.10', 'hello (dpkg) 2.10 installed'],
  ['package', 'kernel-core x86_64 5.14.0-427', '5.14.0-427', null, 'kernel-core 5.14.0-427 removed'],
  [
    'package',
    'gpg-pubkey (none) 350d275d-6279464b',
    null,
    '350d275d-6279464b',
    'gpg-pubkey 350d275d-6279464b installed',
  ],
  ['file', '/etc/app/data.db', one, 'restless', '/etc/app/data.db now restless'],
  ['file', '/etc/app/data.db', 'restless', one, '/etc/app/data.db no longer restless'],
  ['package', 'nginx amd64', '1.22', null, 'nginx 1.22 removed'],
  ['file', '/etc/nginx/nginx.conf', one, other, '/etc/nginx/nginx.conf'],
  ['file', '/etc/shadow-', '2026-11-01T00:00:00Z 12', '2026-11-02T00:00:00Z 12', '/etc/shadow-'],
  ['file', '/etc/hosts.deny', null, one, 'new /etc/hosts.deny'],
  ['file', '/etc/hosts.deny', one, null, '/etc/hosts.deny gone'],
  ['unit', 'app.service', null, `enabled ${one}`, 'new app.service enabled'],
  ['unit', 'app.service', `enabled ${one}`, `enabled ${other}`, 'app.service'],
  ['unit', 'app.service', `enabled ${one}`, null, 'app.service gone'],
  ['unit', 'app.service', one, `enabled ${one}`, 'app.service enabled'],
  ['unit', 'nginx.service', null, 'enabled', 'nginx.service enabled'],
  ['unit', 'nginx.service', 'enabled', null, 'nginx.service disabled'],
  ['unit', 'nginx.service', 'enabled', 'masked', 'nginx.service masked'],
  ['unit', 'nginx.service', 'masked', null, 'nginx.service no longer masked'],
  ['account', 'user24', null, '1001 /home /bin/bash sudo', 'new account user24 in sudo'],
  ['account', 'toor', null, '0 /root /bin/sh', 'new account toor id 0'],
  [
    'account',
    'user24',
    '1001 /home /bin/bash',
    '1001 /home /bin/bash adm,sudo',
    'account user24 now in adm and in sudo',
  ],
  ['account', 'user24', '1001 /home /bin/bash sudo', '1001 /home /bin/bash', 'account user24 no longer in sudo'],
  ['account', 'www', '33 /srv /bin/sh', '33 /srv /bin/bash', 'account www /bin/sh to /bin/bash'],
  ['account', 'www', '33 /srv /bin/sh', null, 'account www gone'],
  ['listener', 'tcp 8443', null, 'any', 'new port tcp 8443'],
  ['listener', 'tcp 8443', null, 'loopback', 'new port tcp 8443 on loopback'],
  ['listener', 'tcp 8443', 'loopback', 'any', 'port tcp 8443 on loopback to on any address'],
  ['listener', 'tcp 8443', 'any', null, 'port tcp 8443 gone'],
  ['mount', '/srv', null, 'nfs4 nas:/data rw', 'new mount /srv of nas:/data'],
  ['mount', '/srv', 'ext4 /dev/sdb1 rw,noatime', 'ext4 /dev/sdb1 ro,noatime', 'mount /srv rw to ro'],
  ['mount', '/srv', 'ext4 /dev/sdb1 rw', null, 'mount /srv gone'],
  ['system', 'kernel', '6.1.0-28', '6.1.0-30', 'kernel 6.1.0-28 to 6.1.0-30'],
  ['system', 'boot', 'a', 'b', 'booted'],
  ['system', 'cmdline', one, other, 'command line of the kernel'],
] as const) {
  test(`a change of ${kind} ${item} is "${words}"`, () => {
    assert.equal(changeWords({ kind, item, oldValue, newValue }), words);
  });
}
