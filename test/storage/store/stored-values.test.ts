/** Values as they are stored, also by other versions and other programs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { progressOf, ruleStateOf, storedAlert } from '../../../src/storage/store/alert.ts';
import { newestEvent, storedEvent } from '../../../src/storage/store/event-store.ts';
import { readCanary, readUnreadReplies, type CanaryState } from '../../../src/storage/store/reply-store.ts';
import { type SealedSummary, unseenSealed } from '../../../src/storage/store/sealed-store.ts';

const counts = { holding: 3, holdingSinceMs: 1, clearing: 0, missing: 0, easing: 0, lastAtMs: 9 };
const nothing = { holding: 0, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs: 0 };
const written = (value: unknown): string => JSON.stringify(value);

test('the counts of an alert are read with what a version adds; the rows count anew if one is missing', () => {
  const worst = { severity: 'critical', value: 97, valueText: '97 %', limitText: '', atMs: 5 };
  assert.deepEqual(progressOf(written({ ...counts, worst, isNetwork: true })), { ...counts, worst, isNetwork: true });
  assert.deepEqual(progressOf(written({ ...counts, worst: 'none' })), counts);
  for (const value of [null, 'no JSON', '[]', written({ ...counts, easing: '0' }), written({ holding: 3 })]) {
    assert.deepEqual(progressOf(value), nothing);
  }
});

test('a cause or a memory that no version writes is none', () => {
  const causeOf = (cause: unknown): unknown => storedAlert.read({ cause }).cause;
  assert.deepEqual(causeOf(written({ atMs: 1, changes: [{}] })), { atMs: 1, changes: [{}] });
  for (const cause of [null, '[]', written({ changes: {} }), written({ changes: [1] })]) {
    assert.equal(causeOf(cause), null);
  }
  assert.deepEqual(ruleStateOf(written({ rows: 3, changes: {} })), { rows: 3, changes: {} });
  for (const memory of [null, 'x', written({ rows: '3', changes: {} }), written({ rows: 3 })]) {
    assert.equal(ruleStateOf(memory), null);
  }
});

test('an event of a status that nobody knows is unknown, and tags are texts alone', () => {
  const statuses = ['OK', 'WARN', 'CRIT', 'UNKNOWN', 'ok', null];
  assert.deepEqual(
    statuses.map((status) => storedEvent.read({ status }).status),
    ['OK', 'WARN', 'CRIT', 'UNKNOWN', null, null],
  );
  assert.deepEqual(
    statuses.slice(3).map((status) => newestEvent.read({ status }).status),
    ['UNKNOWN', 'UNKNOWN', 'UNKNOWN'],
  );
  const tagsOf = (tags: unknown): unknown => storedEvent.read({ tags }).tags;
  assert.deepEqual([tagsOf('["a",1,"b"]'), tagsOf('{}'), tagsOf(null), tagsOf('no')], [['a', 'b'], [], [], []]);
});

test('a round is that of the canary of config.xml, and replies are unread only if it has <replies>', async () => {
  const state = { to: 'canary@x.org', roundMs: 1 } as CanaryState;
  const unread = { sinceMs: 5, why: 'login refused' };
  const store = (fleet: object) => ({ ruleStates: () => Promise.resolve(new Map([['', fleet]])) });
  const roundOf = (to: string | null, memory: object = { canary: state }) =>
    readCanary({ canary: to === null ? null : ({ to } as never) }, store(memory));
  assert.deepEqual([await roundOf('canary@x.org'), await roundOf('other@x.org')], [state, null]);
  assert.deepEqual([await roundOf(null), await roundOf('canary@x.org', {})], [null, null]);
  const unreadOf = (replies: object | null, memory: object) =>
    readUnreadReplies({ replies: replies as never }, store(memory));
  assert.deepEqual(await unreadOf({}, { repliesUnread: unread }), unread);
  assert.deepEqual([await unreadOf(null, { repliesUnread: unread }), await unreadOf({}, {})], [null, null]);
  assert.equal(await readCanary({ canary: { to: 'canary@x.org' } as never }, null), null);
});

test('sealed reports that no ingest has looked at are counted from the oldest', () => {
  const sealed = [
    { code: null, reports: 2, sinceMs: 50 },
    { code: 'no-key', reports: 4, sinceMs: 1 },
    { code: null, reports: 3, sinceMs: 20 },
  ] as unknown as readonly SealedSummary[];
  assert.deepEqual(unseenSealed(sealed), { reports: 5, sinceMs: 20 });
  assert.equal(unseenSealed(sealed.slice(1, 2)), null);
});
