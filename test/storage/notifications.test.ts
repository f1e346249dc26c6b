import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { NewNotifications } from '../../src/storage/store/notification-store.ts';
import type { Storage } from '../../src/storage/store/storage.ts';
import { storageOn } from '../../src/storage/open-storage.ts';
import { alert, mail, stored, lastNotified } from './support/alert-samples.ts';
import { atTime } from './support/crashing-database.ts';
import { type Opened, onEachDatabase } from './support/databases.ts';
import { noonMs } from './support/samples.ts';
import { pluck, pluckAll } from '../support/pluck.ts';

const minuteMs = 60_000;
const none: NewNotifications = { mails: [], notified: [], closedOut: [] };

onEachDatabase('notifications', (kit) => {
  test('what was notified is what the state says afterwards', async () => {
    const { storage, lease } = await firing(await kit.open());
    const before = { state: 'firing', severity: 'warning', sequence: 1, notifiedAtMs: noonMs } as const;
    const items = [stored({ alertId: 1, sequence: 2, transition: 'escalated', before }), stored({ alertId: 2 })];
    const other = mail({ recipient: 'b@example.org', messageId: '<b>', notifications: [] });
    const [first, second] = [lastNotified({ alertId: 1, sequence: 2 }), lastNotified({ alertId: 2 })];
    const toOther = lastNotified({ alertId: 1, recipient: 'b@example.org' });
    const mails = [mail({ notifications: items }), other];
    const notified = [first, second, toOther];
    const outcome = await storage.notifications.saveNotifications(lease, { mails, notified, closedOut: [] });
    assert.equal(outcome, 'stored');
    const state = await storage.notifications.state(noonMs);
    assert.deepEqual(state.notified, [toOther, first, second]);
    // The other mail reports no alert, so no other mail can replace it.
    assert.deepEqual(pluckAll(state.waiting, 'recipient', 'items'), [['ops@example.org', items]]);
    const resolved = lastNotified({ alertId: 1, state: 'resolved', sequence: 3 });
    await storage.notifications.saveNotifications(lease, { ...none, notified: [resolved] });
    assert.deepEqual(await storage.alertHistory.notificationsOf([1]), [toOther, resolved]);
  });

  test('only closed alerts are settled, and are no longer looked at then', async () => {
    const { storage, lease } = await firing(await kit.open());
    const [open] = await storage.evaluation.openAlerts(null);
    assert.ok(open !== undefined);
    const closed = { ...open, state: 'resolved', resolvedAtMs: noonMs, closedReason: 'gone' } as const;
    await storage.evaluation.saveProcessed(lease, {
      statIds: [],
      visitIds: [],
      alerts: [closed],
      ruleStates: new Map(),
    });
    assert.deepEqual(pluck((await storage.notifications.state(noonMs)).alerts, 'id'), [1, 2]);
    await storage.notifications.saveNotifications(lease, { ...none, notified: [lastNotified()], closedOut: [1, 2] });
    const state = await storage.notifications.state(noonMs);
    assert.deepEqual(pluckAll(state.alerts, 'id', 'closedOut'), [[2, false]]);
    assert.deepEqual(state.notified, []);
    const [, first] = await storage.alertHistory.alertsOf({ openOnly: false, limit: 10 });
    assert.deepEqual(first, { ...closed, closedOut: true });
  });

  test('how often an alert fired today counts those before it, of the same subject, since midnight', async () => {
    const { storage, lease } = await firing(await kit.open());
    const over = (firingSinceMs: number, more = {}) =>
      alert({ state: 'resolved', resolvedAtMs: firingSinceMs + 1, closedReason: 'recovered', firingSinceMs, ...more });
    const before = [
      over(noonMs - 5 * minuteMs),
      over(noonMs + minuteMs),
      over(noonMs + minuteMs, { subject: '/home' }),
    ];
    const closed = (await storage.evaluation.openAlerts(null)).map((one) => ({
      ...one,
      ...over(noonMs),
      id: one.id,
      subject: one.subject,
    }));
    const save = (some: typeof before) =>
      storage.evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts: some, ruleStates: new Map() });
    await save(closed);
    await save(before);
    await save([alert({ firingSinceMs: noonMs + 2 * minuteMs })]);
    const [newest] = await storage.evaluation.openAlerts(null);
    assert.deepEqual(
      [...(await storage.notifications.timesFired([1, 2, newest?.id ?? 0], noonMs))],
      [
        [1, 1],
        [2, 1],
        [newest?.id, 3],
      ],
    );
    assert.deepEqual(await storage.notifications.timesFired([1], noonMs + minuteMs), new Map());
  });

  test('a mail that was notified by an earlier crash is left as it is', async () => {
    const { storage, lease } = await firing(await kit.open());
    await storage.notifications.saveNotifications(lease, { ...none, mails: [mail({ content: 'first' })] });
    const again = mail({ content: 'composed again', notifications: [stored(), stored({ alertId: 2 })], replaces: [1] });
    const other = mail({ messageId: '<other>', content: 'other', notifications: [stored({ alertId: 2 })] });
    const plan = { ...none, mails: [again, other, other], notified: [lastNotified()] };
    assert.equal(await storage.notifications.saveNotifications(lease, plan), 'stored');
    const mails = await storage.history.query('SELECT content, replaced_by FROM mails ORDER BY id');
    const contents = mails.map((row) => `${String(row['content'])} ${String(row['replaced_by'])}`);
    assert.deepEqual(contents, ['first null', 'other null']);
    const items = await storage.history.query('SELECT mail_id, alert_id FROM notifications ORDER BY id');
    assert.deepEqual(pluck(items, 'alert_id'), [1, 2]);
    assert.deepEqual(await storage.alertHistory.notificationsOf([1]), [lastNotified()]);
  });

  test('a mail that never came as far as DATA gives way to a fresher one, and cannot be sent any more', async () => {
    const { storage, lease } = await firing(await kit.open());
    await storage.notifications.saveNotifications(lease, { ...none, mails: [mail()] });
    const [waiting] = (await storage.notifications.state(noonMs)).waiting;
    assert.ok(waiting !== undefined);
    // An alerter has claimed the mail and is connecting at this moment.
    assert.equal(await storage.outbox.claimMail(waiting.id, 'one', minuteMs), true);
    const notifications = [stored(), stored({ alertId: 2 })];
    const fresher = mail({ messageId: '<fresher>', notifications, replaces: [waiting.id] });
    assert.equal(await storage.notifications.saveNotifications(lease, { ...none, mails: [fresher] }), 'stored');
    await assert.rejects(storage.outbox.markDataBegun(waiting.id, 'one'), { name: 'FleetError', code: 'locked' });
    assert.equal(await storage.outbox.claimMail(waiting.id, 'one', minuteMs), false);
    assert.deepEqual(pluck(await storage.outbox.dueMails(10), 'messageId'), ['<fresher>']);
    assert.deepEqual(pluck(await storage.mails.undelivered(), 'messageId'), ['<fresher>']);
    const state = await storage.notifications.state(await storage.nowMs());
    const waitingItems = state.waiting.map(({ items }) => items.length);
    assert.deepEqual(waitingItems, [2]);
    const sent = state.histories.map(({ createdAtMs }) => createdAtMs.length);
    assert.deepEqual(sent, [1]);
    assert.equal((await storage.alertHistory.notifiedSince(0)).length, 2, 'notified twice');
  });

  test('what was in a replaced mail is notified again in a mail with the same Message-ID', async () => {
    const { storage, lease } = await firing(await kit.open());
    await storage.notifications.saveNotifications(lease, { ...none, mails: [mail()], notified: [lastNotified()] });
    const other = mail({ messageId: '<other>', notifications: [stored({ alertId: 2 })], replaces: [1] });
    const unnotified = [{ alertId: 1, recipient: lastNotified().recipient }];
    await storage.notifications.saveNotifications(lease, { ...none, mails: [other], unnotified });
    assert.deepEqual(await storage.alertHistory.notificationsOf([1]), []);
    await storage.notifications.saveNotifications(lease, { ...none, mails: [mail({ content: 'again' })] });
    assert.deepEqual(
      pluck(await storage.outbox.dueMails(10), 'content').toSorted(),
      ['again', other.content].toSorted(),
    );
  });

  const reached: readonly (readonly [string, (storage: Storage, id: number) => Promise<void>])[] = [
    ['DATA', (storage, id) => storage.outbox.markDataBegun(id, 'one')],
    ['its recipient', (storage, id) => storage.outbox.markSent(id, 'one')],
    ['its end', (storage, id) => storage.outbox.markFailed(id, 'one', '550 no such user')],
  ];
  for (const [what, reach] of reached) {
    test(`a mail that meanwhile reached ${what} undoes what was to replace it`, async () => {
      const { storage, lease } = await firing(await kit.open());
      await storage.notifications.saveNotifications(lease, { ...none, mails: [mail()] });
      const [waiting] = (await storage.notifications.state(noonMs)).waiting;
      assert.ok(waiting !== undefined);
      await storage.outbox.claimMail(waiting.id, 'one', minuteMs);
      await reach(storage, waiting.id);
      const fresher = mail({ messageId: '<fresher>', replaces: [waiting.id] });
      const plan = { mails: [mail({ messageId: '<beside>' }), fresher], notified: [lastNotified()], closedOut: [] };
      assert.equal(await storage.notifications.saveNotifications(lease, plan), 'outdated');
      const mails = await storage.history.query('SELECT message_id FROM mails');
      assert.equal(mails.length, 1);
      assert.deepEqual(await storage.alertHistory.notificationsOf([1]), []);
      assert.equal((await storage.alertHistory.notifiedSince(0)).length, 1);
      assert.deepEqual((await storage.notifications.state(noonMs)).waiting, []);
    });
  }

  kit.it('histories are of the last hour, and know the newest ordinary mail however old', async ({ database }) => {
    let nowMs = noonMs;
    const storage = storageOn(atTime(database, () => nowMs));
    const at = async (minutes: number, recipient: string, ordinary: boolean): Promise<void> => {
      nowMs = noonMs + minutes * minuteMs;
      const messageId = `<${minutes}.${recipient}>`;
      const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
      const one = mail({ recipient, ordinary, messageId, notifications: [] });
      await storage.notifications.saveNotifications(lease, { ...none, mails: [one] });
    };
    await at(0, 'a', true);
    await at(1, 'a', false);
    await at(30, 'a', true);
    await at(90, 'b', false);
    await at(95, 'a', false);
    await at(100, 'a', false);
    const { histories } = await storage.notifications.state(noonMs + 120 * minuteMs);
    const byName = [...histories].sort((x, y) => (x.recipient < y.recipient ? -1 : 1));
    const createdAtMs = [noonMs + 95 * minuteMs, noonMs + 100 * minuteMs];
    const urgentOfClient = new Map();
    assert.deepEqual(byName, [
      { recipient: 'a', createdAtMs, lastOrdinaryAtMs: noonMs + 30 * minuteMs, urgentOfClient },
      { recipient: 'b', createdAtMs: [noonMs + 90 * minuteMs], lastOrdinaryAtMs: null, urgentOfClient },
    ]);
  });

  test('a reminder is notified beside what it reminds of', async () => {
    const { storage, lease } = await firing(await kit.open());
    await storage.notifications.saveNotifications(lease, { ...none, mails: [mail()] });
    const reminder = (id: string) => mail({ messageId: id, notifications: [stored({ transition: 'reminder' })] });
    await storage.notifications.saveNotifications(lease, { ...none, mails: [reminder('<r1>')] });
    await storage.notifications.saveNotifications(lease, { ...none, mails: [reminder('<r2>')] });
    const facts = await storage.alertHistory.notifiedSince(0);
    assert.deepEqual(pluck(facts, 'transition'), ['firing', 'reminder', 'reminder']);
    const notified = { recipient: 'ops@example.org', transition: 'firing', notifiedAtMs: 0 };
    const [fact] = facts;
    const key = { about: 'client', client: 'web-1', rule: 'disk', subject: '/data' };
    assert.deepEqual({ ...fact, notifiedAtMs: 0 }, { ...key, ...notified });
    assert.deepEqual(await storage.alertHistory.notifiedSince((await storage.nowMs()) + minuteMs), []);
  });
});

/** Makes two open alerts with the ids 1 and 2. */
async function firing(opened: Opened) {
  const { storage } = opened;
  const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
  const some = [alert(), alert({ subject: '/' })];
  await storage.evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts: some, ruleStates: new Map() });
  return { ...opened, lease };
}
