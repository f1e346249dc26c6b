import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { NewMail } from '../../../src/storage/store/outbox-store.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { alert, mail, stored } from '../support/alert-samples.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { pluck } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';
import { noonMs } from '../support/samples.ts';

const notified = { state: 'firing', severity: 'critical', sequence: 1, notifiedAtMs: Date.UTC(2026, 10, 20) } as const;

/** Stores one alert and these mails about it; their Message-IDs are `<1>`, `<2>` ... */
async function storeMails({ storage }: Opened, ...mails: readonly Partial<NewMail>[]): Promise<Storage> {
  const lease = await storage.leases.takeLease('alert', 'a test');
  assert.ok(lease !== null);
  await storage.evaluation.saveProcessed(lease, {
    statIds: [],
    visitIds: [],
    alerts: [alert()],
    ruleStates: new Map(),
  });
  const recipients = new Set(mails.map((one) => one.recipient ?? mail().recipient));
  await storage.notifications.saveNotifications(lease, {
    mails: mails.map((one, index) => mail({ messageId: `<${index + 1}>`, ...one })),
    notified: [...recipients].map((recipient) => ({ ...notified, alertId: 1, recipient })),
    closedOut: [],
  });
  return storage;
}

async function states(storage: Storage): Promise<unknown> {
  return (await storage.mails.unsentOf([1])).map(({ recipient, delivery, error }) => [recipient, delivery, error]);
}

onEachDatabase('mails that were not sent', (kit) => {
  test('a mail is queued until it is tried, not delivered until one is sent, and then nothing is missing', async () => {
    const storage = await storeMails(await kit.open(), {}, { notifications: [stored({ transition: 'reminder' })] });
    assert.deepEqual(await states(storage), [['ops@example.org', 'queued', null]]);
    assert.ok(await storage.outbox.claimMail(1, 'one', 60_000));
    await storage.outbox.markFailed(1, 'one', '550 no such user');
    assert.deepEqual(await states(storage), [['ops@example.org', 'not-delivered', '550 no such user']]);
    assert.ok(await storage.outbox.claimMail(2, 'one', 60_000));
    await storage.outbox.markSent(2, 'one');
    assert.deepEqual(await states(storage), []);
  });

  test('of several mails the newest says whether they are discarded, and the oldest since when they wait', async () => {
    const opened = await kit.open();
    const storage = await storeMails(opened, {}, { notifications: [stored({ transition: 'reminder' })] });
    const firstSql = "UPDATE mails SET created_at = '2026-11-20 10:00:00.000' WHERE id = 1";
    await opened.database.write(({ run }) => run(firstSql));
    const found = async (): Promise<unknown> =>
      (await storage.mails.unsentOf([1])).map(({ delivery, sinceMs }) => [delivery, sinceMs - noonMs]);
    assert.equal(await storage.mails.discardMail(1), true);
    assert.deepEqual(await found(), [['queued', 0]]);
    assert.equal(await storage.mails.discardMail(2), true);
    assert.deepEqual(await found(), [['discarded', 0]]);
  });

  test('a thousand refused mails do not hide one that waits, which comes in the order of all', async () => {
    const opened = await kit.open();
    const storage = await storeMails(opened, ...times(1001, () => ({ notifications: [] })));
    const { database } = opened;
    await database.write(({ run, dialect }) => run(`UPDATE mails SET failed_at = ${dialect.now} WHERE id < 1001`));
    const ids = pluck(await storage.mails.undelivered(), 'id');
    assert.deepEqual([ids.length, ids[0], ids.at(-1)], [1000, 1, 1001]);
  });

  test('a mail that is discarded is not sent any more, and one that is being sent cannot be discarded', async () => {
    const storage = await storeMails(await kit.open(), {});
    assert.ok(await storage.outbox.claimMail(1, 'one', 60_000));
    assert.equal(await storage.mails.discardMail(1), false);
    await storage.outbox.markPutOff(1, 'one', 0, 'no answer');
    assert.equal(await storage.mails.discardMail(1), true);
    assert.equal(await storage.mails.discardMail(1), false);
    assert.deepEqual(await storage.outbox.dueMails(5), []);
    assert.deepEqual(await storage.mails.undelivered(), []);
    assert.deepEqual(await states(storage), [['ops@example.org', 'discarded', 'no answer']]);
    assert.equal((await storage.alertHistory.notificationsOf([1])).length, 1);
  });

  test('a dropped mail takes back what it notified first unless it may have come, and keeps known ends', async () => {
    const before = { ...notified, state: 'firing' } as const;
    const storage = await storeMails(
      await kit.open(),
      { recipient: 'first@example.org' },
      { recipient: 'again@example.org', notifications: [stored({ transition: 'resolved', before })] },
      { recipient: 'perhaps@example.org' },
    );
    assert.ok(await storage.outbox.claimMail(3, 'one', 60_000));
    await storage.outbox.markDataBegun(3, 'one');
    await storage.outbox.markPutOff(3, 'one', 0, 'the answer was lost');
    const [first, again, perhaps] = await storage.outbox.dueMails(5);
    assert.ok(first !== undefined && again !== undefined && perhaps !== undefined);
    for (const { id } of [first, again, perhaps]) assert.ok(await storage.outbox.claimMail(id, 'one', 60_000));
    assert.equal(await storage.outbox.dropMail(first, 'another'), false);
    assert.equal(await storage.outbox.dropMail(first, 'one'), true);
    assert.equal(await storage.outbox.dropMail(again, 'one'), false);
    assert.equal(await storage.outbox.dropMail(perhaps, 'one'), true);
    const known = pluck(await storage.alertHistory.notificationsOf([1]), 'recipient');
    assert.deepEqual(known.toSorted(), ['again@example.org', 'perhaps@example.org']);
  });
});
