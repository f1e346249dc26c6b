/** The headers of a push, by values that `openssl dgst` has computed from the formula of docs/push.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  acknowledgePath,
  contentDigest,
  encodePushHeader,
  isSameMac,
  parseContentDigest,
  parsePushHeader,
  pushMarker,
  requestMac,
  sha256,
} from '../../src/seal/push.ts';

const key = Buffer.alloc(32, 7);
const time = 1_795_000_000;
const digest = sha256(pushMarker);
const mac = '89e7eb6afbf80d354f0ffa0c42ff0f3ef73f1cc3d357fb7f173aa92448fa0ed4';

test('the MAC and the digest are those of the documented formula', () => {
  assert.equal(requestMac(key, time, digest.toString('hex')), mac);
  assert.equal(
    requestMac(key, time, digest.toString('hex'), acknowledgePath),
    '771ed0586447f7c392bd3eea2bd73f26b77926debc322275fa9f02cc8e9b0815',
  );
  assert.equal(contentDigest(digest), 'sha-256=:ToKOZeibgFQwMlDOqBkKqragHdKhEbLjHGogYbggZDE=:');
  assert.deepEqual(parseContentDigest(contentDigest(digest)), digest);
});

test('the header is the documented one, and reads back, whatever the name', () => {
  assert.equal(encodePushHeader({ client: 'web-1', time, mac }), `v1 client="web-1", time=${time}, mac="${mac}"`);
  for (const client of ['web-1', 'a "b", c=', '\u{1f600}%', "it's (1)*!~"]) {
    assert.deepEqual(parsePushHeader(encodePushHeader({ client, time, mac })), { client, time, mac });
  }
  const wrong = [
    '',
    `v2 client="web-1", time=${time}, mac="${mac}"`,
    `v1 client="", time=${time}, mac="${mac}"`,
    `v1 client="%", time=${time}, mac="${mac}"`,
    `v1 client="web-1", time=-1, mac="${mac}"`,
    `v1 client="web-1", time=${time}, mac="${mac.toUpperCase()}"`,
    `v1 client="web-1", time=${time}, mac="${mac}0"`,
    `v1 client="${'x'.repeat(401)}", time=${time}, mac="${mac}"`,
  ];
  for (const text of wrong) assert.equal(parsePushHeader(text), null, text);
});

test('MACs that differ, also in their length, are not the same', () => {
  assert.ok(isSameMac(mac, mac));
  for (const other of ['', mac.slice(1), `${mac.slice(0, -1)}5`]) assert.ok(!isSameMac(mac, other));
});
