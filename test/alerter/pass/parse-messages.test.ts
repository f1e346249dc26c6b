import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseMessages } from '../../../src/alerter/pass/parse-messages.ts';
import { messageDigest } from '../../../src/notify/replies/parse-reply.ts';
import { PostalMime } from '../../../src/notify/postal-mime.ts';
import { pluck } from '../../support/pluck.ts';

const source = Buffer.from('From: a@b\r\nTo: fleet+0123456789abcdef01234567@example.org\r\n\r\nack\r\n');
const mailbox = { uidValidity: '1', isAnew: false };
const messages = [3, 1, 2, 5, 4].map((uid) => ({ uid, arrivedAtMs: 1000 * uid, source }));

test('messages that take long to parse wait for the next reading, in the order of their ids', async (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const original = PostalMime.parse.bind(PostalMime);
  t.mock.method(PostalMime, 'parse', (...given: Parameters<typeof original>) => {
    nowMs += 900;
    return original(...given);
  });
  const first = await parseMessages(mailbox, messages);
  assert.deepEqual(pluck(first.replies, 'uid'), [1, 2, 3]);
  assert.deepEqual([first.position?.uid, first.position?.arrivedAtMs], [3, 3000]);
});

test('a reading ends with its last message, be it a reply, another message, or passed over', async () => {
  const letter = Buffer.from('From: a@b\r\nTo: me@example.org\r\n\r\nhello\r\n');
  const read = async (last: Uint8Array): Promise<unknown> => {
    const both = [{ uid: 8, arrivedAtMs: 1000, source: last }, ...messages.slice(0, 1)];
    const { replies, position, isAnew } = await parseMessages({ uidValidity: '7', isAnew: true }, both);
    assert.deepEqual(pluck(replies, 'uid'), last === source ? [3, 8] : [3]);
    assert.deepEqual([position?.uidValidity, position?.uid, position?.arrivedAtMs, isAnew], ['7', 8, 3000, true]);
    return position?.message;
  };
  assert.equal(await read(letter), messageDigest(letter));
  assert.equal(await read(source), messageDigest(source));
  assert.equal(await read(new Uint8Array()), null);
});

test('one message is parsed in each reading, however long it takes', async (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => (nowMs += 60_000));
  assert.equal((await parseMessages(mailbox, messages)).position?.uid, 1);
});

test('no time of arrival keeps a reply from being stored', async () => {
  const times = [9e15, -9e15, Number.NaN, Infinity].map((arrivedAtMs, uid) => ({ uid, arrivedAtMs, source }));
  const { replies, position } = await parseMessages(mailbox, times);
  assert.deepEqual(
    replies.map(({ arrivedAtMs }) => new Date(arrivedAtMs).getUTCFullYear()),
    [3000, 1000, 1000, 3000],
  );
  assert.equal(position?.uid, 3);
});

test('an empty reading has no position', async () => {
  assert.deepEqual(await parseMessages(mailbox, []), { replies: [], position: null, isAnew: false });
});
