/** The headers of a push, by values that `openssl dgst` has computed from the formula of docs/reporting.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encodeFrame } from '../../../src/report/frames.ts';
import { maxJsonFrameBytes } from '../../../src/report/wire.ts';
import {
  acknowledgePath,
  contentDigest,
  encodeAnswerHeader,
  encodePolledVisit,
  encodePushHeader,
  isSameMac,
  isSiteName,
  maxPushBytes,
  methodOf,
  parseAnswerHeader,
  parseContentDigest,
  parsePolledVisit,
  parsePushHeader,
  pathInInbox,
  pushLimits,
  pushMarker,
  pushPath,
  requestMac,
  senderOfSite,
  sha256,
  siteOfSender,
} from '../../../src/report/seal/push.ts';

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
  for (const client of ['web-1', 'a "b", c=', '\u{1f600}%', "it's (1)*!~", 'x'.repeat(400)]) {
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

test('the header of an answer reads back, and has no other form', () => {
  assert.equal(parseAnswerHeader(encodeAnswerHeader(mac)), mac);
  for (const text of ['', `v2 mac="${mac}"`, `v1 mac="${mac}0"`]) assert.equal(parseAnswerHeader(text), '', text);
});

test('files are put, and other requests posted', () => {
  const file = pathInInbox('a/b', 'ü');
  assert.equal(file, '/v1/inbox/a%2Fb/%C3%BC');
  const paths = [file, pushPath, acknowledgePath] as const;
  assert.deepEqual(
    paths.map((one) => methodOf(one)),
    ['PUT', 'POST', 'POST'],
  );
});

test('a stream has room for the frames of its reports beside them', () => {
  const { maxReports, maxTotalBytes } = pushLimits;
  assert.deepEqual([maxReports, maxTotalBytes], [1000, 2_097_152]);
  const headers = encodeFrame('R', Buffer.alloc(0)).length * maxReports;
  assert.ok(maxTotalBytes + headers + 2 * maxJsonFrameBytes + pushMarker.length <= maxPushBytes);
});

test('MACs that differ, also in their length, are not the same', () => {
  assert.ok(isSameMac(mac, mac));
  for (const other of ['', mac.slice(1), `${mac.slice(0, -1)}5`]) assert.ok(!isSameMac(mac, other));
});

test('a site has a name that fits the header, and a sender that no client has', () => {
  for (const [site, isName] of [
    ['fra', true],
    ['', false],
    ['\ud800', false],
    ['x'.repeat(128), true],
    ['x'.repeat(129), false],
    ['\u{1f600}'.repeat(128), false],
    [`${'ü'.repeat(66)}xxx`, true],
    [`${'ü'.repeat(66)}xxxx`, false],
  ] as const) {
    assert.equal(isSiteName(site), isName, site);
  }
  assert.equal(siteOfSender(senderOfSite('fra')), 'fra');
  assert.equal(siteOfSender('fra'), null);
});

test('a request for a report reads back, is unique, and has no other form', () => {
  for (const after of [null, 'place']) {
    const asked = { takesReport: after === null, timeoutMs: 5000, after };
    const body = encodePolledVisit(asked);
    assert.deepEqual(parsePolledVisit(body), asked);
    assert.ok(!encodePolledVisit(asked).equals(body));
  }
  const good = { v: 1, report: true, timeout_ms: 5000 };
  const wrong = [{ ...good, v: 2 }, { ...good, report: 1 }, { ...good, timeout_ms: 0.5 }, { ...good, after: 1 }, null];
  for (const body of wrong) assert.equal(parsePolledVisit(Buffer.from(JSON.stringify(body))), null);
  assert.equal(parsePolledVisit(Buffer.from('{')), null);
});
