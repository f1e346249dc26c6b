/** The words of a value, of the end of an alert, and of the reason of a notification: one row for each decision. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  againWords,
  endInWords,
  fillsIn,
  unacknowledgedWords,
  valueBefore,
  valueFacts,
} from '../../../src/alerter/compose/value-words.ts';
import type { SectionKind } from '../../../src/alerter/dispatch/notification-plan.ts';
import type { ClosedReason } from '../../../src/storage/store/alert.ts';
import { itemFor, type Said } from '../support/due-mails.ts';
import { configOf } from '../support/config-of.ts';
import { progressAt } from '../support/dispatch-world.ts';
import { at } from '../support/rows.ts';

const config = configOf(`
  <smtp host="mail.example.org" from="f@example.org"/>
  <alerts zone="UTC"><mail to="ops@example.org"/>
    <alert name="disk" type="disk" warning="90%" critical="95%" clear="88%"/>
    <alert name="memory" type="memory" warning="80%" critical="90%" clear="80%"/>
    <alert name="alone" type="swap" limit="50%" severity="critical"/>
    <alert name="count" type="process" match="cron" min="1" max="3"/>
  </alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>
`);
const reader = { zone: 'UTC', nowMs: at('10:05') };
const worst = {
  atMs: at('08:30'),
  severity: 'critical',
  value: 97,
  valueText: '97 %',
  limitText: 'at least 95 %',
} as const;
const ofText = { ...worst, value: null, valueText: 'refused logins', limitText: '' } as const;
const withWorst = (over: Partial<Omit<typeof worst, 'value' | 'valueText'>> | typeof ofText = {}): Partial<Said> => ({
  progress: { ...progressAt(at('10:05')), worst: { ...worst, ...over } },
});
const disk = (value: number, over: Partial<Said> = {}): Said => ({
  client: 'web-1',
  rule: 'disk',
  subject: '/var',
  transition: 'firing',
  severity: 'critical',
  value,
  valueText: `${value} %`,
  limitText: 'at least 95 %',
  ...over,
});
const check = (valueText: string, over: Partial<Said> = {}): Said => ({
  client: 'web-1',
  rule: 'check',
  subject: 'app',
  transition: 'firing',
  valueText,
  ...over,
});

const facts: readonly (readonly [what: string, kind: SectionKind, said: Said, expected: readonly string[]])[] = [
  ['a new value with its limit', 'critical', disk(96), ['96 % (limit 95 %)']],
  [
    'over, of a rule that is gone',
    'resolved',
    disk(40, { rule: 'removed', transition: 'resolved' }),
    ['now 40 %', 'was critical'],
  ],
  [
    'over, of a rule about a yes or no',
    'resolved',
    disk(0, { rule: 'read-only', transition: 'resolved', valueText: 'read-write' }),
    ['read-write', 'was critical'],
  ],
  ['got worse', 'critical', disk(96, { transition: 'escalated' }), ['96 % (limit 95 %)', 'was a warning until now']],
  [
    'got better',
    'warning',
    disk(92, { transition: 'eased', severity: 'warning', limitText: 'at least 90 %' }),
    ['92 % (limit 90 %)', 'was critical until now'],
  ],
  ['stays', 'critical', disk(96, { transition: 'steady' }), ['96 % (limit 95 %)', 'came and went, and now stays']],
  [
    'a reminder with a worse value before',
    'open',
    disk(96, { transition: 'reminder', ...withWorst() }),
    ['96 % (limit 95 %)', 'reached 97 % at 08:30'],
  ],
  [
    'a reminder of its worst value',
    'open',
    disk(97, { transition: 'reminder', ...withWorst() }),
    ['97 % (limit 95 %)'],
  ],
  ['a worse value in what is no reminder', 'critical', disk(96, withWorst()), ['96 % (limit 95 %)']],
  ['normal again before it was told', 'critical', disk(40, withWorst()), ['97 % at 08:30 (limit 95 %), now 40 %']],
  [
    'within the limits, not yet over',
    'open',
    disk(89, { transition: 'reminder' }),
    ['89 %: below 90 %, over once below 88 %'],
  ],
  [
    'a warning, not yet eased',
    'open',
    disk(92, { transition: 'reminder' }),
    ['92 %: below 95 %, a warning once confirmed'],
  ],
  [
    'within limits without clear',
    'open',
    disk(70, { rule: 'memory', transition: 'reminder' }),
    ['70 %: below 80 %, over once confirmed'],
  ],
  [
    'within a limit alone',
    'open',
    disk(40, { rule: 'alone', transition: 'reminder' }),
    ['40 %: below 50 %, over once below 48 %'],
  ],
  [
    'within two sides',
    'open',
    disk(2, { rule: 'count', transition: 'reminder', valueText: '2' }),
    ['2: within its limits'],
  ],
  [
    'recovered',
    'resolved',
    disk(40, { transition: 'resolved', ...withWorst() }),
    ['now 40 %', 'was critical: 97 % at 08:30 (limit 95 %)'],
  ],
  ['recovered, the worst unknown', 'resolved', disk(40, { transition: 'resolved' }), ['now 40 %', 'was critical']],
  [
    'a recovered text',
    'resolved',
    check('all well', { transition: 'resolved', ...withWorst(ofText) }),
    ['all well', 'was critical: refused logins'],
  ],
  [
    'ended',
    'ended',
    disk(96, { transition: 'ended', closedReason: 'gone' }),
    ['the client does not list it any more; last: 96 %'],
  ],
  [
    'past',
    'past',
    disk(40, { transition: 'past', ...withWorst() }),
    ['reached 97 % at 08:30 (limit 95 %); 40 % when it ended'],
  ],
  ['past, the worst unknown', 'past', disk(40, { transition: 'past' }), ['40 % when it ended (limit 95 %)']],
  ['a past text', 'past', check('all well', { transition: 'past', ...withWorst(ofText) }), ['refused logins']],
  ['a past text, the worst unknown', 'past', check('all well', { transition: 'past' }), ['all well']],
  [
    'listed',
    'listed',
    disk(40, { transition: 'past', ...withWorst() }),
    ['reached 97 % at 08:30 (limit 95 %); 40 % when it ended'],
  ],
  ['an event', 'event', disk(40, { transition: 'past', ...withWorst() }), ['40 %']],
];
for (const [what, kind, said, expected] of facts) {
  test(`value: ${what}`, () => assert.deepEqual(valueFacts(itemFor(config, said), kind, reader), expected));
}

test('a changed host key stands below the known one', () => {
  const text = '10.0.0.1 shows ED25519 SHA256:new, but /known says ED25519 SHA256:old (line 2)';
  const keys = ['10.0.0.1 shows', 'ED25519 SHA256:new', '/known says', 'ED25519 SHA256:old (line 2)'];
  const item = (rule: string): Parameters<typeof valueFacts>[0] => itemFor(config, check(text, { rule }));
  assert.deepEqual(valueFacts(item('host-key-changed'), 'critical', reader), keys);
  assert.deepEqual(valueFacts(item('check'), 'critical', reader), [text]);
});

const reasons: Readonly<Record<ClosedReason, string>> = {
  recovered: 'config.xml does not watch it any more',
  gone: 'the client does not list it any more',
  unwatched: 'config.xml does not watch it any more',
  event: 'config.xml does not watch it any more',
  superseded: 'another collector has taken over',
  forgotten: 'the collector is no more',
  unconfirmed: 'config.xml does not watch it any more',
};
for (const [closedReason, words] of Object.entries(reasons) as [ClosedReason, string][]) {
  test(`ended: ${closedReason}`, () => {
    assert.equal(endInWords(itemFor(config, disk(96, { transition: 'ended', closedReason })).alert), words);
  });
}

test('again: each time of a day has its word, for what begins alone', () => {
  const ordinals = ['second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth'];
  const words = (times: number, transition: Said['transition'] = 'firing'): string => {
    const item = itemFor(config, disk(96, { transition }));
    return againWords(item, { timesToday: new Map([[item.alertId, times]]) });
  };
  assert.equal(words(1), '');
  ordinals.forEach((ordinal, at) => assert.equal(words(at + 2), ` (again, ${ordinal} time today)`));
  assert.equal(words(11), ' (again, 11 times today)');
  assert.equal(words(2, 'reminder'), '');
  assert.equal(againWords(itemFor(config, disk(96)), { timesToday: new Map() }), '');
});

test('before: the worst value of what is normal already, in a first notification alone', () => {
  const before = (value: number, over: Partial<Said>): string | null => valueBefore(itemFor(config, disk(value, over)));
  assert.equal(before(40, withWorst()), '97 %');
  assert.equal(before(92, withWorst()), null);
  assert.equal(before(40, {}), null);
  assert.equal(before(40, { transition: 'reminder', ...withWorst() }), null);
});

test('unacknowledged: why somebody else is told, if all are told for one reason', () => {
  const minutes = (count: number): Said => disk(96, { unacknowledgedMs: count * 60_000 });
  const lapsed: Partial<Said> = { acknowledgedBy: 'kim', acknowledgedUntilMs: at('09:00') };
  const words = (...said: Said[]): string => unacknowledgedWords(said.map((one) => itemFor(config, one)));
  assert.equal(words(disk(96)), '');
  assert.equal(words(minutes(15), minutes(15)), 'not acknowledged for 15 min');
  assert.equal(words(minutes(60)), 'not acknowledged for 1 hour');
  assert.equal(words(minutes(15), minutes(30)), '');
  assert.equal(words({ ...minutes(15), ...lapsed }), 'the acknowledgement by kim ran out');
  assert.equal(words({ ...minutes(15), acknowledgedBy: 'kim' }), 'not acknowledged for 15 min');
});

test('fills: a disk whose level rises in a line, while it fires', () => {
  const chart = Array.from({ length: 12 }, (_, index) => ({ atMs: at('09:10') + index * 300_000, value: 80 + index }));
  const words = (said: Said, points = chart): string | null => {
    const item = itemFor(config, said);
    return fillsIn(item, { charts: new Map([[item.alertId, points]]), reader });
  };
  assert.equal(words(disk(91)), 'full in about 50 min');
  assert.equal(words(disk(91, { transition: 'resolved' })), null);
  assert.equal(words(disk(91, { rule: 'memory' })), null);
  assert.equal(words(disk(91), []), null);
});
