/** The parts of the alerter's statements that need no database: what is stored, its order, and what is not read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dayMs, minuteMs } from '../../../src/platform/units.ts';
import { createEvaluationStore, markProcessed } from '../../../src/storage/alerts/evaluation.ts';
import { createFleetStore } from '../../../src/storage/alerts/fleet.ts';
import { createNotificationStore } from '../../../src/storage/alerts/notifications.ts';
import { createReplyStore } from '../../../src/storage/alerts/replies.ts';
import { tokenDigest } from '../../../src/storage/alerts/reply-tokens.ts';
import { addSilence, literalPattern } from '../../../src/storage/alerts/operator.ts';
import { createMailStore } from '../../../src/storage/alerts/outbox.ts';
import { saveForecasts } from '../../../src/storage/alerts/save-forecasts.ts';
import { literalMark, maxPatternChars } from '../../../src/storage/store/operator-store.ts';
import { sqlTime } from '../../../src/storage/sql/sql-time.ts';
import { pluck } from '../../support/pluck.ts';
import { alert, mail, memory, stored } from '../support/alert-samples.ts';
import { answering, insertedInto } from '../support/answering.ts';
import { noonMs } from '../support/samples.ts';

const at = (minutes: number): string => sqlTime(noonMs + minutes * minuteMs);
const lease = { name: 'alerter', epoch: 1, holder: 'one' };
const nothing = { statIds: [], visitIds: [], alerts: [], ruleStates: new Map<string, never>() };
const clock = [{ now: at(0) }];

test('forecasts are stored in the order of their key, and those of other passes go', async () => {
  const forecast = (client: string, mount: string, kind: 'space' | 'inodes') => ({
    ...{ client, mount, kind, daysLeft: 3, daysLow: 2, daysHigh: 4, shortDays: null, growthPerDay: 5 },
    sinceMs: noonMs - dayMs,
  });
  const forecasts = [forecast('b', '/', 'space'), forecast('a', '/', 'space'), forecast('a', '/', 'inodes')];
  const { session, changed } = answering();
  await saveForecasts(session, { asOfMs: noonMs, forecasts });
  const figures = [3, 2, 4, null, 5, '2026-11-19', at(0)];
  assert.deepEqual(
    changed.flatMap(({ values }) => values),
    [...['a', '/', 'inodes', ...figures, 'a', '/', 'space', ...figures, 'b', '/', 'space', ...figures, at(0)]],
  );
  assert.match(changed.at(-1)?.sql ?? '', /^DELETE FROM forecasts WHERE as_of <> \?$/);
});

test('forecasts stay as they are after a pass without any', async () => {
  const { database, changed } = answering(() => clock);
  await createEvaluationStore(database).saveProcessed(lease, nothing);
  assert.deepEqual(insertedInto('forecasts', changed), []);
  assert.equal(changed.filter(({ sql }) => sql.includes('DELETE')).length, 0);
  await createEvaluationStore(database).saveProcessed(lease, {
    ...nothing,
    forecasts: { asOfMs: noonMs, forecasts: [] },
  });
  assert.deepEqual(changed.at(-1)?.values, [at(0)]);
});

test('rows that another alerter has processed undo the pass', async () => {
  await markProcessed(answering(undefined, 0).session, 'stats', []);
  await assert.rejects(markProcessed(answering().session, 'stats', [1, 3, 5, 7]), {
    kind: 'broken',
    message: '3 of 4 rows of stats were processed by another',
  });
  const { session, changed } = answering(undefined, 4);
  await markProcessed(session, 'visits', [1, 3, 5, 7]);
  assert.equal(changed.length, 1);
});

test('alerts are stored by their ids, the new ones after them', async () => {
  const { database, changed } = answering(() => clock);
  const alerts = [alert({ subject: '/new' }), alert({ id: 9 }), alert({ id: 10 }), alert({ id: 3 })];
  await createEvaluationStore(database).saveProcessed(lease, { ...nothing, alerts });
  const rows = insertedInto('alerts', changed);
  assert.deepEqual(
    rows.map((row) => row['id'] ?? row['subject']),
    [3, 9, 10, '/new'],
  );
});

test('the last run of a collector is read, and may be none', async () => {
  const fleet = (rows: readonly { id: string; started_at: string }[]) =>
    createFleetStore(answering(() => rows).database);
  assert.equal(await fleet([]).lastRunOf('c'), null);
  assert.equal((await fleet([{ id: 'r', started_at: at(3) }]).lastRunOf('c'))?.startedAtMs, noonMs + 3 * minuteMs);
});

test('a silence holds before its end, and is known for a day after it', async () => {
  const silences = [-1, 0, 1].map((minutes, id) => ({ id, ends_at: at(minutes), starts_at: at(-9) }));
  const { database, asked } = answering(({ sql }) => (sql.includes('FROM silences') ? silences : []));
  const state = await createNotificationStore(database).state(noonMs);
  assert.deepEqual([pluck(state.silences, 'id'), pluck(state.endedSilences, 'id')], [[2], [0, 1]]);
  assert.deepEqual(asked[0]?.values, [sqlTime(noonMs - dayMs)]);
});

test('rule states are stored by name, and one that cannot be read is none', async () => {
  const { database, changed } = answering(() => clock);
  const ruleStates = new Map([
    ['b', memory()],
    ['a', memory()],
  ]);
  await createEvaluationStore(database).saveProcessed(lease, { ...nothing, ruleStates });
  const values = changed.filter(({ sql }) => sql.includes('rule_state')).flatMap((one) => one.values);
  assert.deepEqual(
    values.filter((value) => value === 'a' || value === 'b'),
    ['a', 'b'],
  );
  const broken = answering(() => [{ client: 'a', state: '{' }]);
  assert.deepEqual(await createEvaluationStore(broken.database).ruleStates(['a', 'a']), new Map());
  assert.equal(broken.asked.length, 1);
});

test('open alerts of all clients, or of some asked once each, come by their ids', async () => {
  const { database, asked } = answering(() => [{ id: 2 }, { id: 1 }]);
  const store = createEvaluationStore(database);
  assert.deepEqual(pluck(await store.openAlerts(null), 'id'), [1, 2]);
  assert.deepEqual(pluck(await store.openAlerts(['a', 'a']), 'id'), [1, 2]);
  assert.deepEqual(pluck(asked, 'values'), [[], ['a']]);
});

test('a mail that was replaced leaves its Message-ID to the same one, in its domain', async () => {
  const ids: [object[], object[], object[]] = [
    [{ id: 7, message_id: '<m@example.org>' }],
    [],
    [{ id: 8, message_id: '<m@example.org>' }],
  ];
  let read = 0;
  const { database, changed } = answering(({ sql }) => {
    if (sql.includes('AS now')) return clock;
    return sql.includes('FROM mails') ? ((ids[(read += 1) - 1] ?? []) as { id: number }[]) : [];
  });
  const before = { state: 'firing', severity: 'warning', sequence: 4, notifiedAtMs: noonMs } as const;
  const digest = { name: 'weekly', fromMs: noonMs, seenToMs: noonMs + 1, seenAgainMs: null, toMs: noonMs + 2 };
  const again = mail({
    ...{ messageId: '<m@example.org>', replaces: [8], replyToken: 't', ordinary: true, digest: digest as never },
    notifications: [stored(), stored({ alertId: 2, before })],
  });
  const store = createNotificationStore(database);
  assert.equal(await store.saveNotifications(lease, { mails: [again], notified: [], closedOut: [] }), 'stored');
  const [, free, added, ...items] = changed;
  assert.deepEqual(free?.values, ['<replaced.7@example.org>', 7]);
  assert.deepEqual(added?.values.slice(3), [
    ...[at(0), 'critical', 1, tokenDigest('t'), 'weekly', at(0), sqlTime(noonMs + 1), null, sqlTime(noonMs + 2)],
  ]);
  assert.deepEqual(pluck(items, 'values'), [
    [1, 1, 'ops@example.org', 'firing', 8, null, null, null, null],
    [2, 1, 'ops@example.org', 'firing', 8, 'firing', 'warning', 4, at(0)],
  ]);
});

test('mails are replaced in the order of their ids, the withdrawn ones by themselves', async () => {
  const rows = [{ id: 9, message_id: '<m>' }];
  const { database, changed } = answering(({ sql }) => (sql.includes('AS now') ? clock : rows));
  const plan = { mails: [mail({ messageId: '<m>', replaces: [5, 3] })], withdrawn: [4], notified: [], closedOut: [] };
  await createNotificationStore(database).saveNotifications(lease, plan);
  assert.deepEqual(
    pluck(
      changed.filter(({ sql }) => sql.includes('SET replaced_by')),
      'values',
    ),
    [
      [9, 3, 9],
      [4, 4, 4],
      [9, 5, 9],
    ],
  );
  const late = answering(({ sql }) => (sql.includes('AS now') ? clock : rows), 1);
  const session = { ...late.session, run: (sql: string) => Promise.resolve(sql.includes('SET replaced_by') ? 0 : 1) };
  const refusing = { ...late.database, write: <T>(work: (of: typeof session) => Promise<T>) => work(session) };
  assert.equal(await createNotificationStore(refusing).saveNotifications(lease, plan), 'outdated');
});

test('causes are stored by the ids of their alerts', async () => {
  const { database, changed } = answering();
  const causes = new Map([7, 3].map((id) => [id, { changes: [] } as never]));
  await createNotificationStore(database).saveCauses(lease, causes);
  assert.deepEqual(pluck(changed.slice(1), 'values'), [
    ['{"changes":[]}', 3],
    ['{"changes":[]}', 7],
  ]);
});

test('a series of a mount is not read without the mount', async () => {
  const { database, asked } = answering(() => [{ at: at(0), value: 5 }]);
  const store = createNotificationStore(database);
  assert.deepEqual(await store.series('a', 'inodes_percent', null, noonMs), []);
  assert.equal(asked.length, 0);
  await store.series('a', 'used_percent', '/', noonMs);
  await store.series('a', 'cpu_percent', '/', noonMs);
  assert.deepEqual(pluck(asked, 'values'), [
    ['a', at(0), '/', '20000'],
    ['a', at(0), '20000'],
  ]);
});

test('no mail waits: their notifications are not read', async () => {
  const { database, asked } = answering();
  const state = await createNotificationStore(database).state(noonMs);
  assert.deepEqual(
    [state.waiting, state.begun, state.alerts, state.silences, state.endedSilences],
    [[], [], [], [], []],
  );
  assert.equal(asked.filter(({ sql }) => sql.includes('n.before_state')).length, 0);
});

test('a report that waits sealed counts as one that was received', async () => {
  const clients = ['a', 'b', 'c', 'd'].map((name) => ({
    ...{ name, first_seen: at(0), last_visit_at: null, last_report_at: name < 'c' ? at(5) : null },
  }));
  const sealed = [
    ['a', at(9)],
    ['b', at(1)],
    ['c', at(3)],
  ].map(([client = '', newest = '']) => ({ client, newest }));
  const { database } = answering(({ sql }) => (sql.includes('sealed_reports') ? sealed : clients));
  const seen = await createFleetStore(database).seenClients();
  assert.deepEqual(
    seen.map(({ lastReportAtMs }) => (lastReportAtMs === null ? null : (lastReportAtMs - noonMs) / minuteMs)),
    [9, 5, 3, null],
  );
});

test('a silence that is there is not added, and one that is not has the id of its row', async () => {
  const silence = {
    client: 'a',
    rule: '*',
    subject: '*',
    startsAtMs: noonMs,
    endsAtMs: noonMs + 1,
    author: 'kim',
    comment: '',
  };
  const known = answering(() => [{ id: 3 }]);
  assert.equal(await addSilence(known.session, silence), 3);
  assert.equal(known.changed.length, 0);
  const fresh = answering(() => [{ id: fresh.changed.length === 0 ? null : 4 }]);
  assert.equal(await addSilence(fresh.session, silence), 4);
  assert.deepEqual(fresh.changed[0]?.values, ['a', '*', '*', at(0), sqlTime(noonMs + 1), 'kim', '']);
});

for (const { mails, delivery, error } of [
  { mails: [{}], delivery: 'queued', error: null },
  { mails: [{ failed_at: at(1) }, {}], delivery: 'not-delivered', error: null },
  { mails: [{ error: 'first' }, { error: 'second' }, {}], delivery: 'not-delivered', error: 'second' },
  { mails: [{ error: 'first' }, { replaced_by: 2 }], delivery: 'discarded', error: 'first' },
  { mails: [{ replaced_by: 1 }, {}], delivery: 'queued', error: null },
]) {
  test(`of ${JSON.stringify(mails)} the notification is ${delivery}`, async () => {
    const none = { alert_id: 1, recipient: 'r', replaced_by: null, failed_at: null, error: null };
    const rows = mails.map((one, minutes) => ({ ...none, created_at: at(minutes), ...one }));
    const { database } = answering(() => [...rows, { ...none, recipient: 's', created_at: at(9) }]);
    assert.deepEqual(await createMailStore(database).unsentOf([1]), [
      { alertId: 1, recipient: 'r', delivery, sinceMs: noonMs, error },
      { alertId: 1, recipient: 's', delivery: 'queued', sinceMs: noonMs + 9 * minuteMs, error: null },
    ]);
  });
}

test('a receipt whose alerts are over, or are not critical, costs no further read', async () => {
  const { database, asked } = answering(({ sql }) => {
    if (sql.includes('AS now')) return clock;
    return sql.includes('AS receipt') ? [{ id: 1, receipt: 'r', open_alerts: 0 }] : [];
  });
  assert.deepEqual(await createReplyStore(database).openReceipts('webhook:push', 5), [{ receipt: 'r', open: [] }]);
  assert.equal(asked.length, 2);
});

test('a name is its own pattern if it is plain and short enough, and else is marked as literal', () => {
  const longest = 'a'.repeat(maxPatternChars);
  assert.equal(literalPattern(longest), longest);
  assert.equal(literalPattern(`${longest}a`).length, maxPatternChars);
  assert.ok(literalPattern(`${longest}a`).startsWith(`${literalMark}a`));
  for (const plain of ['/', '/srv a', 'a=b', 'x:y-z.1']) assert.equal(literalPattern(plain), plain);
  for (const other of ['', '*', ' a', 'a ', '=a', 'a*']) assert.equal(literalPattern(other), literalMark + other);
});
