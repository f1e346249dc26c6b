import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { composeSubject } from '../../../src/alerter/compose/compose-subject.ts';
import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import { configOf } from '../support/config-of.ts';
import { progressAt } from '../support/dispatch-world.ts';
import { type Said, dueMail } from '../support/due-mails.ts';
import { config, now } from '../support/mail-samples.ts';

const disk = (client: string, percent: number, over: Partial<Said> = {}): Said => ({
  client,
  rule: 'disk',
  subject: '/var',
  transition: 'firing',
  severity: percent >= 95 ? 'critical' : 'warning',
  value: percent,
  valueText: `${percent} %`,
  ...over,
});
const over = (transition: 'resolved' | 'ended' | 'past', more: Partial<Said> = {}): Said =>
  disk('web-1', 96, { transition, ...more });
const lost = (client: string, valueText: string): Said => ({
  client,
  rule: 'unreachable',
  transition: 'firing',
  valueText,
});
const booted = (severity: 'warning' | 'critical'): Said =>
  over('past', {
    client: 'web-2',
    rule: 'rebooted',
    subject: '',
    valueText: 'up for 5m',
    closedReason: 'event',
    severity,
  });
const ofCollector = (transition: 'firing' | 'resolved', more: Partial<Said> = {}): Said => ({
  client: '',
  rule: 'collector-silent',
  subject: 'c0ffee',
  transition,
  valueText: 'no full run of mon-1 has finished',
  ...more,
});
const ofEvent = (transition: 'firing' | 'reminder' | 'resolved', more: Partial<Said> = {}): Said => ({
  client: '',
  rule: 'event service=backup*',
  subject: 'nas:backup',
  transition,
  valueText: 'never heard of',
  ...more,
});
const ofGroup = (valueText: string, subject = 'web'): Said => ({
  client: '',
  rule: 'group-short',
  subject,
  transition: 'firing',
  valueText,
});
const state = (rule: string, more: Partial<Said>): Said => ({
  client: 'web-1',
  rule,
  transition: 'firing',
  severity: 'warning',
  ...more,
});
const ofCheck = (valueText: string): Said => state('check', { severity: 'critical', subject: 'app', valueText });
const firedTwice = 901;
const filling = 902;
/** Returns the progress of an alert that was at a critical level before its newest row. */
const worstOf = (value: number): NonNullable<Said['progress']> => ({
  ...progressAt(now),
  worst: { atMs: now - 600_000, severity: 'critical', value, valueText: `${value} %`, limitText: '' },
});
/** A level that rises by half a percent in five minutes. */
const rising = Array.from({ length: 13 }, (_, index) => ({
  atMs: now - (12 - index) * 300_000,
  value: 90 + index / 2,
}));
const long = 'x'.repeat(200);
/** Returns an alert that nobody has acknowledged, for a recipient with `after`. */
const ignored = (client: string, percent: number, more: Partial<Said> = {}): Said =>
  disk(client, percent, { unacknowledgedMs: 900_000, ...more });
/** A machine with a long name, and those on it. */
const standing = ['h'.repeat(60), 'vm-1', 'vm-2'];
const fleet = configOf(`<smtp host="mail.example.org" from="fleet@example.org"/><alerts mail="ops@example.org"/>
  <client name="${standing[0]}" ip="192.0.2.9" username="u"/>
  <client name="vm-[1-2]" ip="192.0.2.[1-2]" username="u" on="${standing[0]}"/>`);
const invented = (client: string, count: number): readonly Said[] =>
  Array.from({ length: count }, (_, index) => disk(client, 99, { subject: `/x${String(index).padStart(2, '0')}` }));

const cases: readonly { readonly said: readonly Said[]; readonly subject: string; readonly more?: Partial<DueMail> }[] =
  [
    { said: [disk('web-1', 96)], subject: 'CRITICAL web-1: disk /var 96 %' },
    { said: [disk('web-1', 91)], subject: 'Warning web-1: disk /var 91 %' },
    {
      said: [ofGroup('web: 5 of 8 serve, 6 are needed: web-1 unreachable; unknown: web-2')],
      subject: 'CRITICAL web: 5 of 8 serve, 6 are needed',
    },
    {
      said: [ofGroup('web: fra: 0 of 8 serve, 6 are needed; unknown: web-1', 'web: fra')],
      subject: 'CRITICAL web: fra: 0 of 8 serve, 6 are needed',
    },
    {
      said: [ofGroup('web: 6 of 8 serve again; still away: web-1, web-2')],
      subject: 'CRITICAL web: 6 of 8 serve again',
    },
    {
      said: [
        state('database-forgot', {
          ...{ client: '', subject: '' },
          valueText: 'the database has lost 118 reports and 27 records of 04:45 to 04:47; they are stored again. See x',
        }),
      ],
      subject: 'Warning: the database has lost 118 reports and 27 records of 04:45 to 04:47; they are stored again',
    },
    {
      said: [disk('a', 91), disk('web-1', 96), disk('b', 92)],
      subject: 'CRITICAL web-1: disk /var 96 % (+2 warnings)',
    },
    { said: [disk('web-1', 96), over('resolved')], subject: 'CRITICAL web-1: disk /var 96 % (+1 resolved)' },
    {
      said: [disk('a', 96), disk('b', 99), disk('c', 91)],
      subject: '2 critical, 1 warning: a disk /var, b disk /var, c disk /var',
    },
    { said: [disk('web-1', 92, { transition: 'eased' })], subject: 'Warning web-1: disk /var 92 % (was critical)' },
    { said: [disk('web-1', 96, { transition: 'escalated' })], subject: 'CRITICAL web-1: disk /var 96 %' },
    { said: [disk('web-1', 96, { transition: 'reminder' })], subject: 'Still CRITICAL web-1: disk /var 96 %' },
    { said: [disk('web-1', 91, { transition: 'reminder' })], subject: 'Still warning web-1: disk /var 91 %' },
    {
      said: [disk('a', 96, { transition: 'reminder' }), disk('b', 91, { transition: 'reminder' })],
      subject: 'Still open, 1 critical, 1 warning: a disk /var, b disk /var',
    },
    { said: [over('resolved')], subject: 'Resolved: web-1 disk /var' },
    {
      said: [over('resolved'), over('resolved', { client: 'web-2' })],
      subject: '2 resolved: web-1 disk /var, web-2 disk /var',
    },
    { said: [over('ended', { closedReason: 'gone' })], subject: 'Gone: web-1 disk /var' },
    { said: [over('ended', { closedReason: 'unwatched' })], subject: 'No longer watched: web-1 disk /var' },
    { said: [over('ended', { closedReason: 'superseded' })], subject: 'Ended: web-1 disk /var' },
    { said: [over('past')], subject: 'Over already: web-1 disk /var, was critical' },
    {
      said: [disk('web-1', 97, { transition: 'flapping' })],
      subject: 'Flapping (critical): web-1 disk /var, now 97 %',
    },
    { said: [lost('db-2', 'login refused: root was refused')], subject: 'CRITICAL db-2: unreachable, login refused' },
    { said: [lost('db-2', 'network: ETIMEDOUT')], subject: 'CRITICAL db-2: unreachable, network' },
    { said: [booted('warning')], subject: 'Event: web-2 was booted at 09:00' },
    { said: [booted('critical')], subject: 'CRITICAL: web-2 was booted at 09:00' },
    { said: [ofCollector('firing', { host: 'mon-1' })], subject: 'CRITICAL: collector mon-1 is silent' },
    { said: [ofCollector('resolved', { host: 'mon-1' })], subject: 'Resolved: collector mon-1 was silent' },
    { said: [ofCollector('firing')], subject: 'CRITICAL: collector c0ffee is silent' },
    {
      said: [
        ofCollector('firing', {
          rule: 'collector-isolated',
          host: 'col1',
          valueText: '0 of 20 clients reached; 10: their names cannot be resolved',
        }),
      ],
      subject: 'CRITICAL: col1 is cut off: 0 of 20 clients reached; 10: their names cannot be resolved',
    },
    {
      said: [state('outlier', { subject: 'cpu', valueText: '94 %, median of web 11.5 %, in 12 of 12 reports' })],
      subject: 'Warning web-1: outlier cpu, 94 %, median of web 11.5 %',
    },
    {
      said: [state('unreliable', { valueText: '6 of the last 12 visits failed, most often: auth-timeout' })],
      subject: 'Warning web-1: unreliable, 6 of the last 12 visits failed',
    },
    {
      said: [disk('web-1', 96, { id: firedTwice })],
      subject: 'CRITICAL web-1: disk /var 96 % (again, second time today)',
    },
    { said: [disk('web-1', 96, { id: filling })], subject: 'CRITICAL web-1: disk /var 96 %, full in about 40 min' },
    { said: [ofEvent('firing')], subject: 'CRITICAL: nas:backup: never heard of' },
    {
      said: [ofEvent('firing', { severity: 'warning', valueText: 'WARN: slow' })],
      subject: 'Warning: nas:backup: slow',
    },
    { said: [ofEvent('firing', { valueText: 'CRITICAL' })], subject: 'CRITICAL: nas:backup' },
    { said: [ofCheck('CRITICAL - app refuses logins')], subject: 'CRITICAL web-1: app refuses logins' },
    { said: [ofCheck('APP CRITICAL: 2 of 3 are down')], subject: 'CRITICAL web-1: check app, 2 of 3 are down' },
    { said: [ofCheck('[CRITICAL] web-1: app: 2 down')], subject: 'CRITICAL web-1: check app, 2 down' },
    { said: [ofCheck('HTTP CRITICAL - 500 of /login')], subject: 'CRITICAL web-1: check app, HTTP: 500 of /login' },
    { said: [ofCheck('critical paths are slow')], subject: 'CRITICAL web-1: check app, critical paths are slow' },
    { said: [ofCheck('WARNING: load 5')], subject: 'CRITICAL web-1: check app, WARNING: load 5' },
    { said: [ofCheck('application down')], subject: 'CRITICAL web-1: check app, application down' },
    { said: [ofCheck('CRITICAL')], subject: 'CRITICAL web-1: check app' },
    { said: [ofEvent('reminder')], subject: 'Still CRITICAL: nas:backup: never heard of' },
    { said: [ofEvent('resolved')], subject: 'Resolved: event nas:backup' },
    { said: [disk('web-1', 96)], subject: 'Already true: CRITICAL web-1: disk /var 96 %', more: { alreadyTrue: true } },
    { said: [disk('web-1', 96, { subject: `/${long}` })], subject: `CRITICAL web-1: disk /${'x'.repeat(66)}… 96 %` },
    { said: [disk(`a${long}`, 96), disk(`b${long}`, 96)], subject: `2 critical: a${'x'.repeat(28)}…, …` },
    {
      said: [
        disk('web-1', 96),
        disk('web-1', 97, { rule: 'memory', subject: '' }),
        disk('web-1', 91, { subject: '/' }),
      ],
      subject: 'web-1: 2 critical, 1 warning: disk /var, memory, disk /',
    },
    {
      said: [...invented('app-9', 20), disk('db-1', 99, { subject: '/' })],
      subject: '21 critical: app-9 disk /x00, db-1 disk /, app-9 disk /x01, …',
    },
    { said: [disk('web\r\nBcc: x', 96)], subject: 'CRITICAL web Bcc: x: disk /var 96 %' },
    {
      said: [ignored('web-1', 96), ignored('web-2', 97)],
      subject: '2 critical: web-1 disk /var, web-2 disk /var, not acknowledged for 15 min',
    },
    {
      said: [ignored('web-1', 96, { subject: `/${long}` }), disk('web-2', 91), over('resolved')],
      subject: `CRITICAL web-1: disk /${'x'.repeat(38)}… 96 %, not acknowledged for 15 min (+1 warning, 1 resolved)`,
    },
    {
      said: [ignored('web-1', 96, { subject: `/${long}` }), over('resolved')],
      subject: `CRITICAL web-1: disk /${'x'.repeat(49)}… 96 %, not acknowledged for 15 min (+1 resolved)`,
    },
    {
      said: standing.map((client) => lost(client, 'network: ETIMEDOUT')),
      subject: `CRITICAL ${'h'.repeat(48)}…: unreachable with 2 of 2 on it, network`,
    },
    {
      said: standing.map((client) => ({ ...lost(client, 'network: ETIMEDOUT'), unacknowledgedMs: 900_000 })),
      subject: `Already true: CRITICAL ${'h'.repeat(27)}…: unreachable with 2 of 2 on it, network, not acknowledged for 15 min`,
      more: { alreadyTrue: true },
    },
    {
      said: [disk('web-1', 91, { transition: 'flapping', value: null, valueText: '' })],
      subject: 'Flapping (warning): web-1 disk /var',
    },
    {
      said: [disk('a', 96, { transition: 'flapping' }), disk('b', 91, { transition: 'flapping' })],
      subject: '2 flapping: a disk /var, b disk /var',
    },
    {
      said: [over('ended', { closedReason: 'gone' }), over('ended', { client: 'web-2', closedReason: 'unwatched' })],
      subject: '2 gone or no longer watched: web-1 disk /var, web-2 disk /var',
    },
    {
      said: [over('past'), over('past', { client: 'web-2' })],
      subject: '2 began and ended: web-1 disk /var, web-2 disk /var',
    },
    {
      said: [booted('warning'), { ...booted('warning'), client: 'db-2' }],
      subject: '2 events: db-2 rebooted, web-2 rebooted',
    },
    { said: [over('past', { listedOnly: true })], subject: 'Held back: web-1 disk /var' },
    {
      said: [over('past', { listedOnly: true }), over('past', { client: 'web-2', listedOnly: true })],
      subject: '2 held back: web-1 disk /var, web-2 disk /var',
    },
    {
      said: [disk('web-1', 96), over('past', { client: 'web-2', listedOnly: true })],
      subject: 'CRITICAL web-1: disk /var 96 %',
    },
    {
      said: [
        disk('web-1', 96),
        disk('a', 97, { transition: 'flapping' }),
        over('resolved'),
        booted('warning'),
        over('ended', { closedReason: 'gone' }),
        over('past'),
        disk('b', 97, { transition: 'reminder' }),
      ],
      subject:
        'CRITICAL web-1: disk /var 96 % (+1 flapping, 1 resolved, 1 event, 1 ended, 1 began and ended, 1 still open)',
    },
    {
      said: [disk('a', 91), disk('b', 92), booted('warning'), { ...booted('warning'), client: 'db-2' }],
      subject: '2 warnings: a disk /var, b disk /var (+2 events)',
    },
    { said: [over('resolved')], subject: 'Resolved: web-1 disk /var', more: { alreadyTrue: true } },
    {
      said: [disk('web-1', 91), disk('web-1', 90, { subject: '/', transition: 'eased' })],
      subject: 'web-1: 2 warnings: disk /, disk /var',
    },
    {
      said: [disk('a', 96, { subject: `/${'x'.repeat(20)}` }), disk('b', 96, { subject: `/${'y'.repeat(16)}` })],
      subject: `2 critical: a disk /${'x'.repeat(20)}, b disk /${'y'.repeat(16)}`,
    },
    {
      said: [disk('a', 96, { subject: `/${'x'.repeat(20)}` }), disk('b', 96, { subject: `/${'y'.repeat(17)}` })],
      subject: `2 critical: a disk /${'x'.repeat(20)}, …`,
    },
    {
      said: [disk('web-1', 40, { transition: 'firing', severity: 'critical', progress: worstOf(97) })],
      subject: 'CRITICAL web-1: disk /var was 97 %',
    },
    {
      said: [...standing.map((client) => lost(client, 'network: ETIMEDOUT')), disk('a', 96)],
      subject: `4 critical: a disk /var, ${'h'.repeat(7)}… unreachable with 2 of 2 on it`,
    },
  ];

for (const { said, subject, more } of cases) {
  test(`subject: ${subject}`, () => {
    assert.equal(
      composeSubject(dueMail(said.some(({ client }) => client === 'vm-1') ? fleet : config, said, more), {
        config,
        reader: { zone: 'Europe/Berlin', nowMs: now },
        charts: new Map([[filling, rising]]),
        timesToday: new Map([[firedTwice, 2]]),
      }),
      subject,
    );
  });
}

test('a mail without news says so', () => {
  const reader = { zone: 'UTC', nowMs: now };
  const due = dueMail(config, []);
  assert.equal(composeSubject(due, { config, reader, charts: new Map(), timesToday: new Map() }), 'No news');
});

/** The words that plugins write first: names and states, each as a heading, in any order. */
const headings = fc
  .array(fc.constantFrom('CRITICAL', 'Critical', '[CRIT]', 'APP', 'app', 'web-1', 'check'), { maxLength: 4 })
  .chain((words) => fc.tuple(...words.map((word) => fc.constantFrom(`${word}: `, `${word} - `, `${word}, `))))
  .map((words) => words.join(''));
const sentences = fc.constantFrom('', 'refuses logins', 'app refuses logins', 'APP: refuses logins', '2 of 3 down');

test('the subject about a check names state, client and check once, whatever its plugin writes first', () => {
  fc.assert(
    fc.property(headings, fc.constantFrom('', 'CRITICAL ', 'APP CRITICAL - '), sentences, (heading, own, sentence) => {
      const due = dueMail(config, [ofCheck(`${heading}${own}${sentence}`.trim())]);
      const reader = { zone: 'Europe/Berlin', nowMs: now };
      const subject = composeSubject(due, { config, reader, charts: new Map(), timesToday: new Map() });
      for (const word of ['crit(?:ical)?', 'app', 'web-1', 'check']) {
        const times = subject.match(new RegExp(`(?<![\\w-])${word}(?![\\w-])`, 'gi')) ?? [];
        assert.ok(times.length === 1 || (word === 'check' && times.length === 0), subject);
      }
    }),
    { seed: 1 },
  );
});
