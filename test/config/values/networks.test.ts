import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { comparableHost } from '../../../src/config/values/networks.ts';

for (const [host, form] of [
  ['Web.Example.org', 'web.example.org'],
  ['192.0.2.7', '192.0.2.7'],
  ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
  ['2001:db8::0007', '2001:db8::7'],
  ['0::', '::'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '192.0.2.7'],
  ['FE80::0:1%eth0', 'fe80::1%eth0'],
  ['[2001:DB8::0:7]:2222', '[2001:db8::7]:2222'],
  ['[Web]:2222', '[web]:2222'],
  ['[2001:db8::*]:22', '[2001:db8::*]:22'],
  ['a:b', 'a:b'],
  ['', ''],
] as const) {
  test(`${host === '' ? 'nothing' : host} is compared as ${form}`, () => assert.equal(comparableHost(host), form));
}

test('the same sixteen bytes are one address, however they are written', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  const written = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 4 })), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), written, (groups, styles) => {
      const plain = groups.map((one) => one.toString(16)).join(':');
      const odd = groups.map((one, index) => {
        const [isLarge, width] = styles[index] ?? [false, 1];
        const digits = one.toString(16).padStart(width, '0');
        return isLarge ? digits.toUpperCase() : digits;
      });
      const same = comparableHost(plain);
      assert.equal(comparableHost(odd.join(':')), same);
      assert.equal(comparableHost(same), same);
      assert.equal(comparableHost(odd.join(':').replace(/(?:^|:)(?:0+:)+0+$/, '::')), same);
    }),
  );
});
