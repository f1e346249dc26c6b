import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  hostFault,
  isMailAddress,
  isSender,
  parseMailAddresses,
  zoneFault,
} from '../../../src/config/values/addresses.ts';

test('hosts that are fine', () => {
  for (const host of ['192.0.2.1', '::1', 'fe80::1%eth0', '2001:db8::1', 'web-1', 'web_1.example.org', 'a.b.', 'x1']) {
    assert.equal(hostFault(host), null, host);
  }
});

test('hosts that are not, and what would be right', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['10.0.0.256', /no IPv4 address/],
    ['10.0.0', /no IPv4 address/],
    ['[::1]', /without brackets; write ::1/],
    ['web-1:2222', /write the port as port=/],
    ['[2001:db8::1]:2222', /has a port; write 2001:db8::1, and the port as port="2222"/],
    ['192.0.2.0/24', /is a network; write one address, or a range/],
    ['root@web-1', /write the user as username=/],
    ['ssh://web-1', /without a scheme or path/],
    ['web 1', /no IP address or host name/],
    ['-web', /no IP address or host name/],
    ['web..example.org', /no IP address or host name/],
    ['bücher.example', /write xn--bcher-kva.example/],
    ['web;reboot', /no IP address or host name/],
    ['%41bc', /no IP address or host name/],
    ['$(id)', /no IP address or host name/],
    ['a'.repeat(64), /no IP address or host name/],
  ];
  for (const [host, message] of table) assert.match(hostFault(host) ?? '', message, host);
});

test('a link-local address wants its interface, and no other one', () => {
  for (const address of ['fe80::1', 'FE80::1', 'febf::', 'fe80::192.0.2.1'])
    assert.match(zoneFault(address) ?? '', /link-local/);
  for (const address of ['fe80::1%eth0', '::1', 'fec0::1', 'fe80', 'fe80.example.org', '169.254.1.1']) {
    assert.equal(zoneFault(address), null, address);
  }
});

test('mail addresses are bare, and no header hides in them', () => {
  const services = ['a'.repeat(110), `reply+${'0'.repeat(77)}`].map((local) => `${local}@reply.example.org`);
  const plain = ['a@b', 'ops@example.org', 'o.p+s@mail.example.org', 'jürgen@bücher.example', "o'neil@x.org"];
  for (const address of [...plain, ...services]) {
    assert.equal(isMailAddress(address), true, address);
  }
  const wrong = [
    '',
    'ops',
    '@example.org',
    'ops@',
    'a b@example.org',
    'ops@exa mple.org',
    'ops@example.org\nBcc: x@y',
    'ops@example.org\r',
    'ops@example..org',
    'ops@-example.org',
    '.ops@example.org',
    'ops.@example.org',
    'o..ps@example.org',
    '-oQ@example.org',
    '"a b"@example.org',
    'ops@[192.0.2.1]',
    'Ops <ops@example.org>',
    'a,b@example.org',
    `${'a'.repeat(243)}@example.org`,
    `a@${'a.'.repeat(130)}org`,
    'ops@\u{202e}example.org',
  ];
  for (const address of wrong) assert.equal(isMailAddress(address), false, JSON.stringify(address));
});

test('lists of addresses: all or none', () => {
  assert.deepEqual(parseMailAddresses('a@b, c@d'), ['a@b', 'c@d']);
  assert.equal(parseMailAddresses('a@b, c'), null);
  assert.equal(parseMailAddresses('a@b,'), null);
  assert.equal(parseMailAddresses(''), null);
});

test('senders may have a name', () => {
  for (const sender of ['fleet@example.org', 'Fleet Health <fleet@example.org>', '"Fleet" <f@x>', '<f@x>']) {
    assert.equal(isSender(sender), true, sender);
  }
  for (const sender of ['Fleet', 'Fleet <fleet>', 'A <a@b> <c@d>', 'A\r\nBcc: x <a@b>', 'A, B <a@b>', 'A <a@b> x']) {
    assert.equal(isSender(sender), false, JSON.stringify(sender));
  }
});
