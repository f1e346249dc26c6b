/** Notifications by themselves: their section, their order, their reason, and whether they may wait. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyOfFleet } from '../../../src/about/kinds.ts';
import {
  earlyMs,
  isUrgent,
  isUrgentNow,
  maxUrgentOfClient,
  postponement,
} from '../../../src/alerter/dispatch/group-interval.ts';
import {
  compareNotifications,
  groupAbove,
  isUnknownCritical,
  pendingNotification,
  type PendingNotification,
  reasonOf,
  sectionOf,
} from '../../../src/alerter/dispatch/notification-plan.ts';
import type { StoredNotification } from '../../../src/storage/store/alert.ts';
import { configOf } from '../support/config-of.ts';
import { itemFor, type Said } from '../support/due-mails.ts';
import { at } from '../support/rows.ts';

const fleet = (smtp: string): string =>
  `${smtp}<alerts groupInterval="30m" zone="UTC"><mail to="ops@example.org"/></alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>`;
const config = configOf(fleet('<smtp host="mail.example.org" from="f@example.org" maxMailsPerHour="3"/>'));
const item = (over: Partial<Said> = {}): PendingNotification =>
  itemFor(config, { client: 'web-1', rule: 'disk', subject: '/', transition: 'firing', ...over });
const known = (over: Partial<NonNullable<StoredNotification['before']>> = {}) =>
  ({ state: 'firing', severity: 'critical', sequence: 1, notifiedAtMs: at('08:00'), ...over }) as const;

const event = { transition: 'past', closedReason: 'event' } as const;
/** The section of each transition; some follow the severity. */
const sections: readonly (readonly [over: Partial<Said>, section: string])[] = [
  [{ transition: 'firing' }, 'critical'],
  [{ transition: 'firing', severity: 'warning' }, 'warning'],
  [{ transition: 'escalated' }, 'critical'],
  [{ transition: 'eased', severity: 'warning' }, 'warning'],
  [{ transition: 'steady', severity: 'warning' }, 'warning'],
  [{ transition: 'reminder' }, 'open'],
  [{ transition: 'acknowledged' }, 'open'],
  [{ transition: 'flapping' }, 'flapping'],
  [{ transition: 'resolved' }, 'resolved'],
  [{ transition: 'ended' }, 'ended'],
  [{ transition: 'past' }, 'past'],
  [event, 'event'],
  [{ ...event, listedOnly: true }, 'listed'],
  [{ transition: 'past', listedOnly: true }, 'listed'],
];
for (const [over, section] of sections) {
  test(`section of ${over.transition ?? ''} ${over.severity ?? 'critical'}${over.listedOnly === true ? ', listed' : ''}`, () =>
    assert.equal(sectionOf(item(over)), section));
}

test('who is left behind by a parent, and whose acknowledgement ran out, stands among what is new', () => {
  const reminder = item({ transition: 'reminder' });
  assert.equal(sectionOf({ ...reminder, leftBy: 'hv-1' }), 'critical');
  assert.equal(sectionOf({ ...reminder, lapsed: true, severity: 'warning' }), 'warning');
});

/** Pairs of notifications of which the first comes first, by one key each. */
const pairs: readonly (readonly [key: string, first: Partial<Said>, second: Partial<Said>])[] = [
  ['section', { severity: 'warning', client: 'z' }, { transition: 'resolved', client: 'a' }],
  ['severity', { transition: 'reminder', client: 'z' }, { transition: 'reminder', severity: 'warning', client: 'a' }],
  ['the fleet', { client: '', rule: 'state-disk' }, { client: 'a', rule: 'cpu' }],
  ['client', { client: 'a', rule: 'z' }, { client: 'b', rule: 'a' }],
  ['rule', { rule: 'cpu', subject: 'z' }, { rule: 'disk', subject: 'a' }],
  ['subject', { subject: '/a', pendingSinceMs: 9 }, { subject: '/b', pendingSinceMs: 1 }],
  ['beginning', { pendingSinceMs: 1, id: 9 }, { pendingSinceMs: 2, id: 1 }],
  ['number', { id: 1 }, { id: 2 }],
];
for (const [key, first, second] of pairs) {
  test(`notifications are in the order of their ${key}`, () => {
    const [one, other] = [item(first), item(second)];
    assert.ok(compareNotifications(one, other) < 0);
    assert.ok(compareNotifications(other, one) > 0);
  });
}

test('a reason that many may share is a text of a client, and no number', () => {
  assert.equal(reasonOf(item({ valueText: 'failed' })), 'failed');
  assert.equal(reasonOf(item({ valueText: '' })), null);
  assert.equal(reasonOf(item({ valueText: '97 %', value: 97 })), null);
  assert.equal(reasonOf(item({ client: '', rule: 'state-disk', valueText: 'failed' })), null);
  const lost = { rule: 'unreachable', valueText: 'network: connect EHOSTUNREACH 192.0.2.1:22' };
  assert.equal(reasonOf(item(lost)), 'connect EHOSTUNREACH');
});

test('a recipient does not know of a critical alert that was resolved, or a warning, when last told', () => {
  const is = (over: Partial<Said>, before: StoredNotification['before'] = null): boolean =>
    isUnknownCritical({ alert: { ...item(over).alert, id: 7 }, known: before });
  assert.equal(is({}), true);
  assert.equal(is({}, known({ state: 'resolved' })), true);
  assert.equal(is({}, known({ severity: 'warning' })), true);
  assert.equal(is({}, known()), false);
  assert.equal(is({ severity: 'warning' }), false);
  assert.equal(is({ transition: 'resolved' }), false);
});

test('an end has the severity that its recipient knows, and alerts of the fleet the host of their collector', () => {
  const { alert, watch } = itemFor(config, { client: 'web-1', rule: 'disk', transition: 'resolved' });
  const one = { alert: { ...alert, id: 7 }, watch, listener: null, known: known({ severity: 'warning' }) };
  assert.equal(pendingNotification(one, { transition: 'resolved' }).severity, 'warning');
  assert.equal(pendingNotification({ ...one, known: null }, { transition: 'resolved' }).severity, 'critical');
  const open = { ...one, alert: { ...one.alert, state: 'firing' as const } };
  assert.equal(pendingNotification(open, { transition: 'firing' }).severity, 'critical');
  const silent = { ...one, alert: { ...one.alert, ...keyOfFleet('collector-silent', 'c1') } };
  const hosts = new Map([['c1', 'mon-1']]);
  assert.equal(pendingNotification(silent, { transition: 'firing', hosts }).host, 'mon-1');
  assert.equal(pendingNotification(silent, { transition: 'firing' }).host, null);
  const sender = { ...silent, alert: { ...silent.alert, about: 'source' as const } };
  assert.equal(pendingNotification(sender, { transition: 'firing', hosts }).host, null, 'a service may have any name');
  const ofClient = { ...one, alert: { ...one.alert, subject: 'c1' } };
  assert.equal(pendingNotification(ofClient, { transition: 'firing', hosts }).host, null);
});

/** Notifications that are sent at once, and those that wait for the next mail. */
const urgency: readonly (readonly [what: string, over: Partial<Said>, isUrgent: boolean])[] = [
  ['a new critical alert', {}, true],
  ['one that gets critical', { transition: 'escalated', before: known({ severity: 'warning' }) }, true],
  ['one that comes again', { before: known({ state: 'resolved' }) }, true],
  ['one that is known', { before: known() }, false],
  ['a new warning', { severity: 'warning' }, false],
  ['a reminder', { transition: 'reminder' }, false],
  ['an acknowledgement', { transition: 'acknowledged' }, false],
  ['the end of a critical alert', { transition: 'resolved', before: known() }, false],
  ['a critical event', event, true],
  ['an event that is a warning', { ...event, severity: 'warning' }, false],
  ['a critical alert that came and went', { transition: 'past' }, false],
  ['a new warning of the fleet', { client: '', severity: 'warning' }, true],
  ['a known warning of the fleet', { client: '', severity: 'warning', before: known() }, false],
  [
    'a warning of the fleet that comes again',
    { client: '', severity: 'warning', before: known({ state: 'resolved' }) },
    true,
  ],
  ['the end of a warning of the fleet', { client: '', severity: 'warning', transition: 'resolved' }, false],
];
for (const [what, over, is] of urgency) {
  test(`${what} is ${is ? '' : 'not '}urgent`, () => assert.equal(isUrgent(item(over)), is));
}

const history = (over: object = {}) => ({
  ...{ recipient: 'ops@example.org', createdAtMs: [], lastOrdinaryAtMs: null, urgentOfClient: new Map() },
  ...over,
});

test('a client has six urgent mails an hour, and the fleet has as many as it needs', () => {
  const after = (count: number, over: Partial<Said> = {}): boolean =>
    isUrgentNow(
      item(over),
      history({
        urgentOfClient: new Map([
          ['web-1', count],
          ['', count],
        ]),
      }),
    );
  assert.equal(maxUrgentOfClient, 6);
  assert.deepEqual([after(5), after(6), after(6, { client: '' })], [true, false, true]);
  assert.equal(isUrgentNow(item(), null), true);
  assert.equal(isUrgentNow(item({ severity: 'warning' }), null), false);
});

test('a mail may be half of the time between two passes early, and half of a pause that is shorter', () => {
  assert.equal(earlyMs(300_000, 1_800_000), 150_000);
  assert.equal(earlyMs(300_000, 60_000), 30_000);
});

const nowMs = at('10:00');
const postponed = (news: readonly PendingNotification[], past: object | null, over: object = {}) => {
  const own = past === null ? null : history(past);
  const found = postponement({ news, history: own, replacedAtMs: [], nowMs, config, ...over });
  return found === null ? 'now' : `${found.kind} ${'untilMs' in found ? (found.untilMs ?? 0) - nowMs : ''}`;
};
const warning = [item({ severity: 'warning' })];

test('what is not urgent waits until the last ordinary mail is as old as groupInterval, a little early', () => {
  const minutesAgo = (minutes: number, news = warning): string =>
    postponed(news, { lastOrdinaryAtMs: nowMs - minutes * 60_000 });
  assert.equal(postponed(warning, null), 'now');
  assert.equal(postponed(warning, {}), 'now');
  assert.equal(minutesAgo(27.4), `group-interval ${2.6 * 60_000}`);
  assert.equal(minutesAgo(27.5), 'now');
  // A time in the future comes from a wrong clock.
  assert.match(minutesAgo(-27.4), /^group-interval/);
  assert.equal(minutesAgo(-27.5), 'now');
  assert.equal(minutesAgo(1, [...warning, item()]), 'now');
  assert.equal(minutesAgo(1, [...warning, item({ transition: 'acknowledged' })]), 'now');
});

test('an hour has as many mails as <smtp> allows, but for what is newly critical', () => {
  const times = [50, 40, 30].map((minutes) => nowMs - minutes * 60_000);
  const after = (createdAtMs: readonly number[], news = warning, over: object = {}): string =>
    postponed(news, { createdAtMs }, over);
  assert.equal(after(times.slice(1)), 'now');
  assert.equal(after(times), `cap ${10 * 60_000}`);
  assert.equal(after([...times, nowMs - 1000]), `cap ${20 * 60_000}`);
  assert.equal(after([...times].reverse()), `cap ${10 * 60_000}`);
  assert.equal(after([nowMs - 3_600_000, ...times.slice(1)]), 'now');
  assert.equal(after(times, [item()]), 'now');
  assert.match(after(times, [item({ client: '', severity: 'warning' })]), /^cap/);
  assert.equal(after(times, warning, { replacedAtMs: times.slice(0, 1) }), 'now');
  assert.match(after(times, warning, { replacedAtMs: [1] }), /^cap/);
  const hook = fleet('<notify command="/bin/true"/>').replace(/<mail.*?\/>/, '');
  assert.equal(after(times, warning, { config: configOf(hook) }), 'now');
});

test('the news of a member stands below the alert of its group in whose time it ended', () => {
  const spanned = (from: string, to: string | null): PendingNotification => {
    const one = item();
    const alert = { ...one.alert, firingSinceMs: at(from), resolvedAtMs: to === null ? null : at(to) };
    return { ...one, alert };
  };
  const [first, second] = [spanned('02:05', '02:45'), spanned('03:40', null)];
  for (const [from, to, above] of [
    ['02:00', '02:40', first],
    ['03:40', '04:40', second],
    ['02:00', null, second],
    ['01:00', '01:30', first],
  ] as const) {
    assert.equal(groupAbove([second, first], spanned(from, to)), above, `${from} to ${to ?? 'now'}`);
  }
  assert.equal(groupAbove([], first), undefined);
});
