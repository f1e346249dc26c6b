import assert from 'node:assert/strict';
import { test } from 'node:test';

import { storageOn } from '../../../src/storage/open-storage.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { mail } from '../support/alert-samples.ts';
import { atTime, commitTwice } from '../support/crashing-database.ts';
import { type Opened, onEachDatabase } from '../support/databases.ts';
import { noonMs } from '../support/samples.ts';
import { pluck } from '../../support/pluck.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
const locked = { name: 'FleetError', code: 'locked' };

onEachDatabase(
  'the outbox',
  (kit) => {
    test('hands out what is due, critical first, then oldest first, byte for byte', async () => {
      const { storage } = await outbox(await kit.open(), ['<w1>', '<c1>', '<w2>', '<c2>']);
      const due = await storage.outbox.dueMails(3);
      assert.deepEqual(pluck(due, 'messageId'), ['<c1>', '<c2>', '<w1>']);
      assert.deepEqual(due[0], {
        id: 2,
        recipient: 'ops@example.org',
        messageId: '<c1>',
        content: mail().content,
        severity: 'critical',
        createdAtMs: noonMs,
        attempts: 0,
        nextAttemptAtMs: null,
        dataAtMs: null,
        sentAtMs: null,
        failedAtMs: null,
        error: null,
      });
    });

    test('hands out mails that may have arrived after all others, which they must not hold up', async () => {
      const { storage, clock } = await outbox(await kit.open(), ['<w1>', '<c1>', '<c2>']);
      assert.equal(await storage.outbox.claimMail(2, 'one', minuteMs), true);
      await storage.outbox.markDataBegun(2, 'one');
      await storage.outbox.markPutOff(2, 'one', 0, 'read ECONNRESET');
      clock.nowMs += 1;
      assert.deepEqual(pluck(await storage.outbox.dueMails(3), 'messageId'), ['<c2>', '<w1>', '<c1>']);
      assert.equal(await storage.outbox.claimMail(3, 'one', minuteMs), true);
      await storage.outbox.markDataBegun(3, 'one');
      await storage.outbox.markPutOff(3, 'one', 0, 'read ECONNRESET');
      clock.nowMs += 1;
      assert.deepEqual(pluck(await storage.outbox.dueMails(3), 'messageId'), ['<w1>', '<c1>', '<c2>'], 'in turns');
    });

    test('of two that claim a mail at once one wins', async () => {
      const { opened } = await outbox(await kit.open(), ['<c>']);
      const other = await openDatabase({ storage: opened.config, program: 'alert' });
      try {
        const storages = [opened.storage, storageOn(other)];
        const won = await Promise.all(storages.map((one, index) => one.outbox.claimMail(1, `${index}`, minuteMs)));
        assert.deepEqual([...won].sort(), [false, true]);
      } finally {
        await other.close();
      }
    });

    test('a claim that ran out may be taken, and then only its new holder may report the outcome', async () => {
      const { storage, clock } = await outbox(await kit.open(), ['<c>']);
      assert.equal(await storage.outbox.claimMail(1, 'one', minuteMs), true);
      assert.deepEqual(await storage.outbox.dueMails(10), []);
      clock.nowMs += minuteMs - 1;
      assert.equal(await storage.outbox.claimMail(1, 'two', minuteMs), false);
      await storage.outbox.markDataBegun(1, 'one');
      clock.nowMs += 1;
      await assert.rejects(storage.outbox.markDataBegun(1, 'one'), locked, 'its claim has run out');
      assert.equal((await storage.outbox.dueMails(10)).length, 1);
      assert.equal(await storage.outbox.claimMail(1, 'two', minuteMs), true);
      await assert.rejects(storage.outbox.markDataBegun(1, 'one'), locked);
      await assert.rejects(storage.outbox.markSent(1, 'one'), locked);
      await assert.rejects(storage.outbox.markPutOff(1, 'one', minuteMs, 'x'), locked);
      await assert.rejects(storage.outbox.markFailed(1, 'one', 'x'), locked);
      await storage.outbox.markSent(1, 'two');
      assert.deepEqual(await storage.outbox.dueMails(10), []);
      assert.deepEqual(await storage.mails.undelivered(), []);
      assert.equal(await storage.outbox.claimMail(1, 'one', minuteMs), false);
      await assert.rejects(storage.outbox.markFailed(1, 'two', 'too late'), locked);
    });

    test('one that ran out and was taken by nobody may still be said to be sent', async () => {
      const { storage, clock } = await outbox(await kit.open(), ['<c>']);
      await storage.outbox.claimMail(1, 'one', minuteMs);
      await storage.outbox.markDataBegun(1, 'one');
      clock.nowMs += 10 * minuteMs;
      await storage.outbox.markSent(1, 'one');
      assert.deepEqual(await storage.mails.undelivered(), []);
    });

    test('a mail that was put off is not due before its time', async () => {
      const { storage, clock } = await outbox(await kit.open(), ['<c>']);
      await storage.outbox.claimMail(1, 'one', minuteMs);
      await storage.outbox.markPutOff(1, 'one', 5 * minuteMs, '451 greylisted '.repeat(200));
      assert.deepEqual(await storage.outbox.dueMails(10), []);
      assert.equal(
        await storage.outbox.claimMail(1, 'two', minuteMs),
        false,
        'read as due by another before it was put off',
      );
      const [waiting] = await storage.mails.undelivered();
      assert.equal(waiting?.attempts, 1);
      assert.equal(waiting.nextAttemptAtMs, noonMs + 5 * minuteMs);
      assert.equal(waiting.error?.length, 1000);
      clock.nowMs += 5 * minuteMs;
      assert.equal((await storage.outbox.dueMails(10))[0]?.attempts, 1);
      assert.equal(await storage.outbox.claimMail(1, 'two', minuteMs), true);
    });

    test('a clock set back three hours keeps no mail beyond its pause, and takes no claim away', async () => {
      const { storage, clock } = await outbox(await kit.open(), ['<c>', '<c2>']);
      await storage.outbox.claimMail(1, 'one', minuteMs);
      await storage.outbox.markPutOff(1, 'one', 60 * minuteMs, 'x');
      await storage.outbox.claimMail(2, 'one', minuteMs);
      clock.nowMs = noonMs - minuteMs / 60;
      assert.deepEqual(pluck(await storage.outbox.dueMails(10), 'id'), [1]);
      clock.nowMs = noonMs - 180 * minuteMs;
      assert.deepEqual(pluck(await storage.outbox.dueMails(10), 'id'), [1]);
      assert.equal(await storage.outbox.claimMail(2, 'two', minuteMs), false);
    });

    test('a time further ahead than a day counts as due: the clock was set back', async () => {
      const { storage, clock } = await outbox(await kit.open(), ['<c>']);
      clock.nowMs = noonMs + 10 * dayMs;
      await storage.outbox.claimMail(1, 'one', minuteMs);
      await storage.outbox.markPutOff(1, 'one', dayMs, 'x');
      clock.nowMs = noonMs + 10 * dayMs;
      assert.deepEqual(await storage.outbox.dueMails(10), []);
      clock.nowMs = noonMs;
      assert.equal((await storage.outbox.dueMails(10)).length, 1);
      assert.equal(await storage.outbox.claimMail(1, 'two', minuteMs), true);
      clock.nowMs = noonMs - 10 * dayMs;
      assert.equal(await storage.outbox.claimMail(1, 'three', minuteMs), true);
    });

    test('a mail that was refused for good is kept with its reason', async () => {
      const { storage } = await outbox(await kit.open(), ['<c>', '<c2>']);
      await storage.outbox.claimMail(1, 'one', minuteMs);
      await storage.outbox.markFailed(1, 'one', '550 5.1.1 no such user');
      assert.deepEqual(pluck(await storage.outbox.dueMails(10), 'id'), [2]);
      const [failed, waiting] = await storage.mails.undelivered();
      assert.deepEqual([failed?.error, failed?.failedAtMs], ['550 5.1.1 no such user', noonMs]);
      assert.ok(failed !== undefined && !('content' in failed));
      assert.equal(waiting?.failedAtMs, null);
    });

    test('what was said twice, because the answer was lost, is no fault', async () => {
      const { opened } = await outbox(await kit.open(), ['<1>', '<2>', '<3>']);
      const storage = storageOn(commitTwice(opened.database));
      for (const id of [1, 2, 3]) assert.equal(await storage.outbox.claimMail(id, 'one', minuteMs), true);
      for (const id of [1, 2, 3]) await storage.outbox.markDataBegun(id, 'one');
      await storage.outbox.markSent(1, 'one');
      await storage.outbox.markPutOff(2, 'one', minuteMs, 'x');
      await storage.outbox.markFailed(3, 'one', 'x');
      assert.deepEqual(pluck(await storage.mails.undelivered(), 'id'), [2, 3]);
    });
  },
  { mariadb: 'always' },
);

/** Stores mails that have been waiting since noon. A Message-ID that begins with `<w` marks a warning. */
async function outbox(opened: Opened, messageIds: readonly string[]) {
  const clock = { nowMs: noonMs };
  const storage = storageOn(atTime(opened.database, () => clock.nowMs));
  const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
  const severityOf = (messageId: string) => (messageId.startsWith('<w') ? 'warning' : 'critical');
  const mails = messageIds.map((id) => mail({ messageId: id, severity: severityOf(id), notifications: [] }));
  await storage.notifications.saveNotifications(lease, { mails, notified: [], closedOut: [] });
  return { opened, storage, clock };
}
