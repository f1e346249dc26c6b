import assert from 'node:assert/strict';
import { test } from 'node:test';

import { composeSubject } from '../../../src/alerter/compose/compose-subject.ts';
import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
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
const long = 'x'.repeat(200);
const invented = (client: string, count: number): readonly Said[] =>
  Array.from({ length: count }, (_, index) => disk(client, 99, { subject: `/x${String(index).padStart(2, '0')}` }));

const cases: readonly (readonly [readonly Said[], string, Partial<DueMail>?])[] = [
  [[disk('web-1', 96)], 'CRITICAL web-1: disk /var 96 %'],
  [[disk('web-1', 91)], 'Warning web-1: disk /var 91 %'],
  [[disk('a', 91), disk('web-1', 96), disk('b', 92)], 'CRITICAL web-1: disk /var 96 % (+2 warnings)'],
  [[disk('web-1', 96), over('resolved')], 'CRITICAL web-1: disk /var 96 % (+1 resolved)'],
  [[disk('a', 96), disk('b', 99), disk('c', 91)], '2 critical, 1 warning: a disk /var, b disk /var, c disk /var'],
  [[disk('web-1', 92, { transition: 'eased' })], 'Warning web-1: disk /var 92 % (was critical)'],
  [[disk('web-1', 96, { transition: 'escalated' })], 'CRITICAL web-1: disk /var 96 %'],
  [[disk('web-1', 96, { transition: 'reminder' })], 'Still CRITICAL web-1: disk /var 96 %'],
  [[disk('web-1', 91, { transition: 'reminder' })], 'Still warning web-1: disk /var 91 %'],
  [
    [disk('a', 96, { transition: 'reminder' }), disk('b', 91, { transition: 'reminder' })],
    'Still open, 1 critical, 1 warning: a disk /var, b disk /var',
  ],
  [[over('resolved')], 'Resolved: web-1 disk /var'],
  [[over('resolved'), over('resolved', { client: 'web-2' })], '2 resolved: web-1 disk /var, web-2 disk /var'],
  [[over('ended', { closedReason: 'gone' })], 'Gone: web-1 disk /var'],
  [[over('ended', { closedReason: 'unwatched' })], 'No longer watched: web-1 disk /var'],
  [[over('ended', { closedReason: 'superseded' })], 'Ended: web-1 disk /var'],
  [[over('past')], 'Over already: web-1 disk /var, was critical'],
  [[disk('web-1', 97, { transition: 'flapping' })], 'Flapping (critical): web-1 disk /var, now 97 %'],
  [[lost('db-2', 'login refused: root was refused')], 'CRITICAL db-2: unreachable, login refused'],
  [[lost('db-2', 'network: ETIMEDOUT')], 'CRITICAL db-2: unreachable, network'],
  [[booted('warning')], 'Event: web-2 was booted at 09:00'],
  [[booted('critical')], 'CRITICAL: web-2 was booted at 09:00'],
  [[ofCollector('firing', { host: 'mon-1' })], 'CRITICAL: collector mon-1 is silent'],
  [[ofCollector('resolved', { host: 'mon-1' })], 'Resolved: collector mon-1 was silent'],
  [[ofCollector('firing')], 'CRITICAL: collector c0ffee is silent'],
  [[ofEvent('firing')], 'CRITICAL: nas:backup: never heard of'],
  [[ofEvent('firing', { severity: 'warning', valueText: 'WARN: slow' })], 'Warning: nas:backup: WARN: slow'],
  [[ofEvent('reminder')], 'Still CRITICAL: nas:backup: never heard of'],
  [[ofEvent('resolved')], 'Resolved: event nas:backup'],
  [[disk('web-1', 96)], 'Already true: CRITICAL web-1: disk /var 96 %', { alreadyTrue: true }],
  [[disk('web-1', 96, { subject: `/${long}` })], `CRITICAL web-1: disk /${'x'.repeat(66)}… 96 %`],
  [[disk(`a${long}`, 96), disk(`b${long}`, 96)], `2 critical: a${'x'.repeat(28)}…, …`],
  [
    [disk('web-1', 96), disk('web-1', 97, { rule: 'memory', subject: '' }), disk('web-1', 91, { subject: '/' })],
    'web-1: 2 critical, 1 warning: disk /var, memory, disk /',
  ],
  [
    [...invented('app-9', 20), disk('db-1', 99, { subject: '/' })],
    '21 critical: app-9 disk /x00, db-1 disk /, app-9 disk /x01, …',
  ],
  [[disk('web\r\nBcc: x', 96)], 'CRITICAL web Bcc: x: disk /var 96 %'],
];

for (const [said, subject, more] of cases) {
  test(`subject: ${subject}`, () => {
    assert.equal(
      composeSubject(dueMail(config, said, more), { config, reader: { zone: 'Europe/Berlin', nowMs: now } }),
      subject,
    );
  });
}
