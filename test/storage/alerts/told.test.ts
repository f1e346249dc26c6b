/** The outbox of mails as the alerter asks for them: what they told, their receipts, and the mails of an hour. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { storageOn } from '../../../src/storage/open-storage.ts';
import type { Alert, StoredNotification } from '../../../src/storage/store/alert.ts';
import type { NewMail } from '../../../src/storage/store/outbox-store.ts';
import { pluck } from '../../support/pluck.ts';
import { alert, lastNotified, mail, stored } from '../support/alert-samples.ts';
import { atTime } from '../support/crashing-database.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { noonMs } from '../support/samples.ts';

const hourMs = 3_600_000;
const minuteMs = 60_000;

/** Opens a storage at a time of its own, with a lease and these alerts. */
async function open(opened: Opened, alerts: readonly Partial<Alert>[] = [{}]) {
  const clock = { nowMs: noonMs };
  const storage = storageOn(atTime(opened.database, () => clock.nowMs));
  const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
  const save = (some: readonly Alert[]) =>
    storage.evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts: some, ruleStates: new Map() });
  await save(alerts.map((one) => alert(one)));
  const add = async (mails: readonly Partial<NewMail>[], notified: Parameters<typeof lastNotified>[0][] = []) => {
    await storage.notifications.saveNotifications(lease, {
      mails: mails.map((one) => mail(one)),
      notified: notified.map(lastNotified),
      closedOut: [],
    });
  };
  return { storage, lease, clock, save, add };
}

onEachDatabase('what mails told', (kit) => {
  test('a mail told what its recipient knows, as of the newest row of the alert', async () => {
    const { storage, add, save } = await open(await kit.open());
    await add([{ ordinary: true }], [{ notifiedAtMs: noonMs + 5, severity: 'warning', state: 'flapping' }]);
    const [one, ...others] = (await storage.outbox.toldBy(1)).told;
    assert.deepEqual(others, []);
    assert.equal((await storage.outbox.toldBy(1)).ordinary, true);
    const { client, rule, subject, firstEvidence, transition, sequence, state, severity } = one ?? assert.fail();
    assert.deepEqual([client, rule, subject, firstEvidence], ['web-1', 'disk', '/data', 'report-1']);
    assert.deepEqual([transition, sequence, state, severity], ['firing', 1, 'flapping', 'warning']);
    assert.deepEqual([one?.notifiedAtMs, one?.sinceMs, one?.asOfMs], [noonMs + 5, noonMs - 300_000, noonMs]);
    // The alert has changed since: what the mail told holds up to the beginning of the alert.
    await save([alert({ id: 1, sequence: 2, state: 'resolved', resolvedAtMs: noonMs + 9, firingSinceMs: noonMs - 7 })]);
    const [changed] = (await storage.outbox.toldBy(1)).told;
    assert.deepEqual([changed?.state, changed?.severity, changed?.asOfMs], ['flapping', 'warning', noonMs - 7]);
  });

  for (const [transition, state] of [
    ['resolved', 'resolved'],
    ['ended', 'resolved'],
    ['past', 'resolved'],
    ['escalated', 'firing'],
    ['reminder', 'firing'],
  ] as const) {
    test(`a mail that told ${transition} before a later one says that the alert was ${state}`, async () => {
      const { storage, add } = await open(await kit.open());
      await add([{ notifications: [stored({ transition })] }], [{ sequence: 2, state: 'firing', severity: 'warning' }]);
      const [one] = (await storage.outbox.toldBy(1)).told;
      assert.deepEqual([one?.state, one?.severity, one?.notifiedAtMs], [state, 'critical', noonMs]);
    });
  }

  test('a mail is about open alerts if one of them fires, about ended ones, or about none', async () => {
    const { storage, add } = await open(await kit.open(), [{}, { subject: '/b', state: 'resolved', resolvedAtMs: 1 }]);
    const about = (...ids: readonly number[]): readonly StoredNotification[] =>
      ids.map((alertId) => stored({ alertId }));
    await add([{ messageId: '<1>', notifications: about(1, 2) }]);
    await add([{ messageId: '<2>', notifications: about(2) }]);
    await add([{ messageId: '<3>', notifications: [] }]);
    const found = [];
    for (const id of [1, 2, 3, 9]) found.push(await storage.outbox.alertsOfMail(id));
    assert.deepEqual(found, ['open', 'ended', 'none', 'none']);
  });

  test('a receipt is kept for one mail alone, and up to 64 characters', async () => {
    const { storage, add } = await open(await kit.open());
    await add(['<1>', '<2>', '<3>', '<4>'].map((messageId) => ({ messageId, notifications: [] })));
    const receipts = ['r'.repeat(64), 'r'.repeat(64), 'x'.repeat(65), undefined];
    for (const [index, receipt] of receipts.entries()) {
      assert.ok(await storage.outbox.claimMail(index + 1, 'one', minuteMs));
      await storage.outbox.markSent(index + 1, 'one', noonMs + index, receipt);
    }
    const found = await storage.mails.withTokens(['r'.repeat(64), 'x'.repeat(65), 'other']);
    assert.deepEqual(
      [...found].map(([token, { id }]) => [token.length, id]),
      [[64, 1]],
    );
    assert.equal(found.get('r'.repeat(64))?.sentAtMs, noonMs);
    assert.deepEqual(await storage.mails.withTokens([]), new Map());
  });

  test('a mail whose data was refused cannot have come, and one that was sent has no fault', async () => {
    const { storage, add } = await open(await kit.open());
    await add(['<1>', '<2>'].map((messageId) => ({ messageId, notifications: [] })));
    for (const [id, isRefused] of [[1, true] as const, [2, false] as const]) {
      assert.ok(await storage.outbox.claimMail(id, 'one', minuteMs));
      await storage.outbox.markDataBegun(id, 'one');
      await storage.outbox.markPutOff(id, 'one', 0, '451 try again', isRefused);
    }
    const due = await storage.outbox.dueMails(5);
    assert.deepEqual(pluck(due, 'dataAtMs'), [null, noonMs]);
    assert.deepEqual(pluck(due, 'error'), ['451 try again', '451 try again']);
    assert.ok(await storage.outbox.claimMail(1, 'one', minuteMs));
    await storage.outbox.markSent(1, 'one', noonMs, 'r');
    assert.equal((await storage.mails.withTokens(['r'])).get('r')?.error, null);
  });

  test('a claim holds for a day at most', async () => {
    const { storage, add, clock } = await open(await kit.open());
    await add([{ notifications: [] }]);
    assert.ok(await storage.outbox.claimMail(1, 'one', 72 * hourMs));
    assert.deepEqual(await storage.outbox.dueMails(5), []);
    clock.nowMs += 24 * hourMs;
    assert.deepEqual(pluck(await storage.outbox.dueMails(5), 'id'), [1]);
  });

  test('a mail that was sent before counts as sent at that time, with its receipt, and once', async () => {
    const { storage, add, lease } = await open(await kit.open());
    await add([{ notifications: [] }]);
    await storage.outbox.markSentBefore(lease, [{ id: 1, atMs: noonMs - 5, receipt: 'r' }]);
    await storage.outbox.markSentBefore(lease, [{ id: 1, atMs: noonMs + 5, receipt: 's' }]);
    const found = await storage.mails.withTokens(['r', 's']);
    assert.deepEqual(
      [...found].map(([token, { sentAtMs }]) => [token, sentAtMs]),
      [['r', noonMs - 5]],
    );
    assert.deepEqual(await storage.mails.undelivered(), []);
  });

  test('a refused mail is sent again on request, and one that was sent or is claimed is not', async () => {
    const { storage, add, clock } = await open(await kit.open());
    await add([{ notifications: [] }]);
    await storage.outbox.claimMail(1, 'one', minuteMs);
    assert.equal(await storage.mails.resendMail(1, 'f'.repeat(24)), false);
    await storage.outbox.markFailed(1, 'one', '550 no');
    assert.deepEqual(await storage.outbox.dueMails(5), []);
    assert.equal(await storage.mails.resendMail(1, 'f'.repeat(24)), true);
    assert.deepEqual(pluck(await storage.outbox.dueMails(5), 'id'), [1]);
    await storage.outbox.claimMail(1, 'one', minuteMs);
    await storage.outbox.markSent(1, 'one');
    clock.nowMs += hourMs;
    assert.equal(await storage.mails.resendMail(1, 'f'.repeat(24)), false);
    assert.equal(await storage.mails.resendMail(2, 'f'.repeat(24)), false);
  });

  test('a mail that nobody accepts ends what its recipient knows, unless it may have been taken', async () => {
    for (const mayBeTaken of [false, true]) {
      const { storage, add } = await open(await kit.open(), [{ state: 'resolved', resolvedAtMs: noonMs }]);
      await add([{ notifications: [stored({ transition: 'resolved' })] }], [{ state: 'firing' }]);
      await storage.outbox.claimMail(1, 'one', minuteMs);
      await storage.outbox.markFailed(1, 'one', '550 no', mayBeTaken);
      const { notified } = await storage.notifications.state(noonMs);
      assert.deepEqual(pluck(notified, 'state'), [mayBeTaken ? 'firing' : 'resolved']);
    }
  });

  test('the mails of less than an hour count for pauses and caps, and urgent ones by client', async () => {
    const { storage, add, clock } = await open(await kit.open(), [{}, { subject: '/b' }, { client: 'db-1' }]);
    const urgent = (messageId: string, ...items: Partial<StoredNotification>[]) => ({
      ...{ messageId, ordinary: false, notifications: items.map(stored) },
    });
    clock.nowMs = noonMs - hourMs;
    await add([urgent('<old>', {})]);
    clock.nowMs = noonMs - hourMs + 1;
    await add([urgent('<two>', {}, { alertId: 2, transition: 'escalated' }, { alertId: 3, transition: 'reminder' })]);
    clock.nowMs = noonMs - 1;
    await add([{ messageId: '<ordinary>', ordinary: true }]);
    const { histories } = await storage.notifications.state(noonMs);
    assert.deepEqual(histories, [
      {
        recipient: 'ops@example.org',
        createdAtMs: [noonMs - hourMs + 1, noonMs - 1],
        lastOrdinaryAtMs: noonMs - 1,
        urgentOfClient: new Map([['web-1', 1]]),
      },
    ]);
  });

  test('urgent mails of groups count by the group, and those of the fleet together', async () => {
    const group = { client: '', rule: 'group-short', subject: 'web' };
    const fleet = { client: '', rule: 'collector-silent', subject: 'web' };
    const { storage, add } = await open(await kit.open(), [group, { ...group, subject: 'db' }, fleet]);
    const urgent = (messageId: string, alertId: number) => ({
      ...{ messageId, ordinary: false, notifications: [stored({ alertId })] },
    });
    await add([urgent('<1>', 1), urgent('<2>', 1), urgent('<3>', 2), urgent('<4>', 3)]);
    const { histories } = await storage.notifications.state(noonMs);
    const [{ urgentOfClient = new Map<string, number>() } = {}] = histories;
    assert.deepEqual(Object.fromEntries(urgentOfClient), { '@web': 2, '@db': 1, '': 1 });
  });

  test('an alert has fired as often as its like began to since a time, itself included', async () => {
    const over = { state: 'resolved', resolvedAtMs: noonMs } as const;
    const { storage } = await open(await kit.open(), [
      { ...over, firingSinceMs: noonMs - 1 },
      { ...over, firingSinceMs: noonMs },
      { ...over, firingSinceMs: noonMs, subject: '/b' },
      { firingSinceMs: noonMs + 1 },
    ]);
    const times = await storage.notifications.timesFired([1, 2, 3, 4], noonMs);
    assert.deepEqual(
      [...times].sort(([one], [other]) => one - other),
      [
        [2, 1],
        [3, 1],
        [4, 2],
      ],
    );
  });

  test('the alerts that are stored are known by their names and their first row', async () => {
    const { storage } = await open(await kit.open(), [{}, { subject: '/b', firstEvidence: 'report-2' }]);
    const key = (subject: string) => ({ client: 'web-1', rule: 'disk', subject });
    const found = await storage.notifications.storedEpisodes([key('/data'), key('/b'), key('/c')]);
    assert.deepEqual([...found].sort(), ['web-1\0disk\0/b\0report-2', 'web-1\0disk\0/data\0report-1']);
  });
});
