import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyOfFleet } from '../../../src/about/kinds.ts';
import { regain, type Remembered } from '../../../src/alerter/dispatch/forgotten.ts';
import { startDispatch } from '../support/dispatch-world.ts';
import { at } from '../support/rows.ts';
import { pluck } from '../../support/pluck.ts';

const fleet = `
  <alerts repeat="12h" groupInterval="1s">
    <mail to="ops@example.org"/><alert type="disk" warning="85%" critical="95%"/></alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>`;
const known = { state: 'firing', severity: 'critical' } as const;

interface Waiting {
  readonly created: string;
  readonly sequence: number;
  readonly before: string | null;
}

/** Returns the arguments of `regain` for an alert about which one mail waits, and a forgotten one was sent. */
function forgotten(waiting: Waiting, told: number): Parameters<typeof regain> {
  const world = startDispatch(fleet);
  world.fires('web-1 disk /');
  const [alert] = world.alerts();
  assert.ok(alert?.id);
  const { id: alertId, about, client, rule, subject, firstEvidence, pendingSinceMs: sinceMs } = alert;
  const { created, sequence, before } = waiting;
  const item = { alertId, sequence, transition: 'firing' } as const;
  const knowledge = before === null ? null : { ...known, sequence: told, notifiedAtMs: at(before) };
  const mail = { id: 7, recipient: 'ops@example.org', messageId: '<7@x>', createdAtMs: at(created) };
  const telling = { about, client, rule, subject, firstEvidence, ...known, transition: 'firing' } as const;
  const sent: Remembered = {
    ...{ atMs: at('10:00'), messageId: '<8@x>', recipient: 'ops@example.org', ordinary: false },
    told: [{ ...telling, sequence: told, sinceMs, asOfMs: at('09:59'), notifiedAtMs: at('10:00') }],
  };
  const input = { ...world.world(), waiting: [{ ...mail, items: [{ ...item, before: knowledge }] }] };
  const facts = { sent: [sent], storedIds: new Set<string>(), episodes: new Set<string>(), mayMiss: true };
  return [input, facts];
}

/** Returns the ids of the waiting mails that count as sent. */
function settled(waiting: Waiting, told: number): readonly number[] {
  return regain(...forgotten(waiting, told)).settled.map(({ id }) => id);
}

test('what the database has forgotten that a recipient knows is stored again, once', () => {
  const [input, facts] = forgotten({ created: '08:00', sequence: 1, before: null }, 2);
  const { notified } = regain(input, facts);
  assert.deepEqual(pluck(notified, 'recipient'), ['ops@example.org']);
  assert.deepEqual(regain({ ...input, notified }, facts).notified, []);
});

for (const created of ['08:00', '12:00']) {
  test(`a waiting mail that a later one repeated is not sent, though its server's clock said ${created}`, () => {
    assert.deepEqual(settled({ created, sequence: 1, before: null }, 2), [7]);
  });

  test(`a mail that follows from a forgotten one is sent, though its server's clock said ${created}`, () => {
    assert.deepEqual(settled({ created, sequence: 2, before: '10:00' }, 2), []);
    assert.deepEqual(settled({ created, sequence: 3, before: null }, 2), []);
  });
}

type Input = Parameters<typeof regain>[0];
type Telling = Remembered['told'][number];

/** An alert that fires since 08:00, whose newest row is of 10:05, and a forgotten mail about it, of 10:00. */
interface Lost {
  readonly alerts?: readonly Partial<Input['alerts'][number]>[];
  readonly told?: Partial<Telling>;
  readonly facts?: Partial<Parameters<typeof regain>[1]>;
  readonly input?: Partial<Input>;
}

/** Returns what the recipient knows of each alert, `*` if it is stored again: `firing critical 2 *`. */
function knownOf({ alerts = [{}], told = {}, facts = {}, input = {} }: Lost): readonly string[] {
  const [given, mail] = forgotten({ created: '08:00', sequence: 1, before: null }, 2);
  const [alert] = given.alerts;
  const [sent] = mail.sent;
  const [telling] = sent?.told ?? [];
  assert.ok(alert && sent && telling);
  const progress = { ...alert.progress, lastAtMs: at('10:05') };
  const ofAll = alerts.map((over, index) => ({ ...alert, id: index + 1, sequence: 5, progress, ...over }));
  const found = regain(
    { ...given, nowMs: at('10:10'), alerts: ofAll, ...input },
    { ...mail, sent: [{ ...sent, told: [{ ...telling, ...told }] }], ...facts },
  );
  return found.input.notified.map((one) => {
    const { alertId, state, severity, sequence } = one;
    return `${alertId} ${state} ${severity} ${sequence}${found.notified.includes(one) ? ' *' : ''}`;
  });
}

const ended = { state: 'resolved', resolvedAtMs: at('09:30') } as const;
const otherRows = { firstEvidence: 'report 9' } as const;
const behind = {
  progress: { holding: 1, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs: at('09:00') },
};
const asKnown = { alertId: 1, recipient: 'ops@example.org', ...known, sequence: 9 } as const;
const key = 'web-1\0disk\0/';

const knowledge: readonly (readonly [what: string, lost: Lost, known: readonly string[]])[] = [
  ['an alert that still fires', {}, ['1 firing critical 2 *']],
  ['an alert as a warning', { told: { severity: 'warning' } }, ['1 firing warning 2 *']],
  ['nothing of a mail that the database has', { facts: { storedIds: new Set(['<8@x>']) } }, []],
  ['nothing of an alert that has no number yet', { alerts: [{ id: null }] }, []],
  ['nothing of an alert that does not fire yet', { alerts: [{ state: 'pending' }] }, []],
  ['nothing of another subject', { alerts: [{ subject: '/srv' }] }, []],
  ['an end', { alerts: [ended], told: { state: 'resolved' } }, ['1 resolved critical 2 *']],
  [
    'an end with the newest row',
    { alerts: [{ ...ended, ...otherRows, resolvedAtMs: at('09:59') }, {}], told: { state: 'resolved' } },
    ['1 resolved critical 2 *', '2 resolved critical 2 *'],
  ],
  [
    'no end after it',
    { alerts: [{}, { ...ended, resolvedAtMs: at('10:01') }], told: { state: 'resolved' } },
    ['1 resolved critical 2 *'],
  ],
  [
    'no end before it',
    { alerts: [{ ...ended, ...otherRows, resolvedAtMs: at('07:59') }], told: { state: 'resolved' } },
    [],
  ],
  [
    'no beginning after the end that was told',
    { alerts: [{ ...otherRows, pendingSinceMs: at('10:00') }], told: { state: 'resolved' } },
    [],
  ],
  ['no end, as it told none', { alerts: [ended] }, ['1 firing critical 2 *']],
  [
    'an alert that now begins later',
    { alerts: [{ ...otherRows, pendingSinceMs: at('09:00') }] },
    ['1 firing critical 2 *'],
  ],
  [
    'an alert that now begins after the mail',
    { alerts: [{ ...otherRows, pendingSinceMs: at('10:05') }] },
    ['1 firing critical 2 *'],
  ],
  ['one alert of two', { alerts: [otherRows, otherRows] }, ['1 firing critical 2 *']],
  ['the alert of the same rows', { alerts: [otherRows, {}] }, ['2 firing critical 2 *']],
  [
    'nothing of a later alert if that of the same rows is closed',
    { alerts: [otherRows], facts: { episodes: new Set([`${key}\0report 1`]) } },
    [],
  ],
  ['an alert whose rows come again, as it is', { alerts: [behind] }, ['1 firing critical 5']],
  ['one that flaps, as it is', { alerts: [{ ...behind, flapping: true }] }, ['1 flapping critical 5']],
  ['an alert of a clock ahead', { alerts: [behind], told: { asOfMs: at('10:11') } }, ['1 firing critical 2 *']],
  ['an alert up to the newest row', { alerts: [behind], told: { asOfMs: at('09:00') } }, ['1 firing critical 2 *']],
  [
    'less than the database knows since',
    { input: { notified: [{ ...asKnown, notifiedAtMs: at('10:01') }] } },
    ['1 firing critical 9'],
  ],
  [
    'more than the database knew before',
    { input: { notified: [{ ...asKnown, notifiedAtMs: at('09:59') }] } },
    ['1 firing critical 2 *'],
  ],
];
for (const [what, lost, expected] of knowledge) {
  test(`a mail that the database forgot told ${what}`, () => assert.deepEqual(knownOf(lost), expected));
}

test('what is no alert of rows waits for the database alone', () => {
  const silent = keyOfFleet('collector-silent', 'c1');
  const of = (mayMiss: boolean): readonly string[] =>
    knownOf({ alerts: [{ ...silent, ...behind }], told: silent, facts: { mayMiss } });
  assert.deepEqual(of(false), ['1 firing critical 5']);
  assert.deepEqual(of(true), ['1 firing critical 2 *']);
});

test('mails that the database forgot count for pauses and limits, those of the last hour alone', () => {
  const [input, facts] = forgotten({ created: '08:00', sequence: 1, before: null }, 2);
  const [sent] = facts.sent;
  const [told] = sent?.told ?? [];
  assert.ok(sent && told);
  const nowMs = at('10:30');
  const of = (over: Partial<Remembered>, transition: Telling['transition'] = 'firing') => {
    const mails = [
      { ...sent, told: [told, { ...told, subject: '/srv' }].map((one) => ({ ...one, transition })), ...over },
    ];
    const [found] = regain({ ...input, nowMs, histories: [] }, { ...facts, sent: mails }).input.histories;
    const { createdAtMs = [], lastOrdinaryAtMs = null, urgentOfClient = new Map<string, number>() } = found ?? {};
    return [createdAtMs, lastOrdinaryAtMs, [...urgentOfClient]];
  };
  const atMs = at('10:00');
  assert.deepEqual(of({}), [[atMs], null, [['web-1', 1]]]);
  assert.deepEqual(of({}, 'escalated'), [[atMs], null, [['web-1', 1]]]);
  assert.deepEqual(of({}, 'resolved'), [[atMs], null, []]);
  assert.deepEqual(of({ ordinary: true }), [[atMs], atMs, []]);
  assert.deepEqual(of({ atMs: at('09:30') }), [[], null, []]);
  assert.deepEqual(of({ atMs: at('09:30'), ordinary: true }), [[], at('09:30'), []]);
});

test('forgotten mails are added to those that the database knows', () => {
  const [input, facts] = forgotten({ created: '08:00', sequence: 1, before: null }, 2);
  const { sent } = facts;
  const history = {
    ...{ recipient: 'ops@example.org', createdAtMs: [at('09:45')], lastOrdinaryAtMs: at('10:05') },
    urgentOfClient: new Map([['web-1', 2]]),
  };
  const histories = [{ ...history, recipient: 'kim@example.org' }, history];
  const mails = [...sent, ...sent.map((one) => ({ ...one, ordinary: true }))];
  const found = regain({ ...input, nowMs: at('10:30'), histories }, { ...facts, sent: mails }).input.histories;
  const urgentOfClient = new Map([['web-1', 3]]);
  const createdAtMs = [at('09:45'), at('10:00'), at('10:00')];
  assert.deepEqual(found, [histories[0], { ...history, createdAtMs, urgentOfClient }]);
});

test('a mail that was sent itself is settled with its time and receipt, and one without a mail is not', () => {
  const [input, facts] = forgotten({ created: '08:00', sequence: 3, before: null }, 2);
  const sent = facts.sent.map((one) => ({ ...one, messageId: '<7@x>', receipt: 'r' }));
  const settledMail = { id: 7, atMs: at('10:00'), receipt: 'r' };
  assert.deepEqual(regain(input, { ...facts, sent }).settled, [settledMail]);
  const begun = { ...input, waiting: [], begun: input.waiting };
  assert.deepEqual(regain(begun, { ...facts, sent }).settled, [settledMail]);
  assert.deepEqual(regain(input, { ...facts, storedIds: new Set(['<8@x>']) }).settled, []);
});

test('a waiting mail about what a later one told in the same words is not sent', () => {
  assert.deepEqual(settled({ created: '08:00', sequence: 2, before: null }, 2), [7]);
});

test('a waiting mail counts as sent only if later mails told all of it, of the same rows, after the loss', () => {
  const [input, facts] = forgotten({ created: '08:00', sequence: 1, before: null }, 2);
  const [mail] = input.waiting;
  assert.ok(mail);
  const settledOf = (over: Partial<Input>, more: Partial<typeof facts> = {}): readonly number[] =>
    regain({ ...input, ...over }, { ...facts, ...more }).settled.map(({ id }) => id);
  const items = [...mail.items, ...mail.items.map((item) => ({ ...item, alertId: 9 }))];
  assert.deepEqual(settledOf({ waiting: [{ ...mail, items }] }), []);
  assert.deepEqual(settledOf({ waiting: [{ ...mail, items: [] }] }), []);
  assert.deepEqual(settledOf({ alerts: input.alerts.map((one) => ({ ...one, ...otherRows })) }), []);
  assert.deepEqual(settledOf({}, { storedIds: new Set(['<8@x>']) }), []);
  assert.deepEqual(settledOf({ waiting: [{ ...mail, recipient: 'kim@example.org' }] }), []);
});
