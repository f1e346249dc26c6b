import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { SeriesPoint } from '../../../src/storage/store/notification-store.ts';
import { configOf } from './config-of.ts';
import { dueMail, type Said } from './due-mails.ts';
import { at } from './rows.ts';

const rack = Array.from({ length: 12 }, (_, index) => `rack-7-${String(index + 1).padStart(2, '0')}`);
const behind = Array.from({ length: 8 }, (_, index) => `edge-${index + 1}`);

/** A small fleet with the reader's time zone. */
export const config = configOf(`
  <smtp host="mail.example.org" from="Fleet Health &lt;fleet-health@example.org&gt;"/>
  <alerts zone="Europe/Berlin"><mail to="ops@example.org"/>
    <alert name="disk" type="disk" warning="90%" critical="95%" note="Clean old logs: https://wiki.example.org/runbooks/disk?why=full&amp;how=fast."/>
    <alert type="disk" mount="/srv/*" limit="80%"/>
    <alert type="load" limit="2" severity="warning"/>
    <alert metric="check_value" check="mailq" label="unsent" limit="200"/>
  </alerts>
  <bastion name="gate" ip="192.0.2.9" username="u"/>
  <client name="web-1" ip="192.0.2.1" username="u"/>
  <client name="web-2" ip="192.0.2.2" username="u"/>
  <client name="db-2" ip="192.0.2.3" username="u"/>
  <client name="файл-сервер" ip="192.0.2.4" username="u"/>
  <client name="数据库-一号" ip="192.0.2.5" username="u"/>
  <client name="خادم-3" ip="192.0.2.6" username="u"/>
  <group name="rack-7">${rack.map((name, index) => `<client name="${name}" ip="198.51.100.${index + 1}" username="u"/>`).join('')}</group>
  ${behind.map((name, index) => `<client name="${name}" ip="203.0.113.${index + 1}" username="u" proxyJump="gate"/>`).join('')}
`);

export const now = at('10:05');

export interface Sample {
  readonly mail: DueMail;
  readonly charts: ReadonlyMap<number, readonly SeriesPoint[]>;
}

const disk = (client: string, subject: string, percent: number, over: Partial<Said> = {}): Said => ({
  client,
  rule: 'disk',
  subject,
  transition: 'firing',
  severity: percent >= 95 ? 'critical' : 'warning',
  value: percent,
  valueText: `${percent} %`,
  limitText: percent >= 95 ? 'at least 95 %' : 'at least 90 %',
  ...over,
});

const lost = (client: string, over: Partial<Said> = {}): Said => ({
  client,
  rule: 'unreachable',
  transition: 'firing',
  valueText: 'network: connect ETIMEDOUT 192.0.2.3:22',
  ...over,
});

/** Returns the notification of a boot, three minutes before the client's first row. */
const rebooted = (id: number, afterMs = 0): Said => ({
  client: 'web-2',
  rule: 'rebooted',
  transition: 'past',
  severity: 'warning',
  value: 200,
  valueText: 'up for 3m 20s',
  closedReason: 'event',
  pendingSinceMs: at('08:00') + afterMs,
  firingSinceMs: at('08:03') + afterMs,
  resolvedAtMs: at('08:03') + afterMs,
  id,
});

const warning = (client: string, rule: string, over: Partial<Said>): Said => {
  return { client, rule, transition: 'firing', severity: 'warning', ...over };
};

/** Returns a value in percent, with its text in rows and mails. */
const percent = (value: number, more = '') => ({ value, valueText: `${value} %${more}` });

const before = { state: 'firing', severity: 'critical', sequence: 1, notifiedAtMs: at('08:05') } as const;
const back = { transition: 'resolved', before } as const;
const reachedAgain = { ...back, valueText: 'reached' } as const;
const past = { transition: 'past', pendingSinceMs: at('01:10'), resolvedAtMs: at('04:45') } as const;
const reminded = { ...back, transition: 'reminder' } as const;

/** Values that rise over the day, with two hours of unknown values. */
const rising: readonly SeriesPoint[] = Array.from({ length: 288 }, (_, index) => ({
  atMs: now - (288 - index) * 300_000,
  value: index > 100 && index < 125 ? null : 61 + (index / 287) ** 3 * 35.2,
}));

const begun = { holding: 1, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs: at('10:05') };

/** Returns the progress of an unreachable client whose newest visit failed with an error. */
const failedBy = (code: string): Alert['progress'] => ({ ...begun, code });

/** A client whose key runs an earlier agent. */
const outdated: Partial<Said> = {
  valueText: 'agent failed: the key of root runs another agent',
  progress: failedBy('restricted-key'),
};

/** Returns the progress of an alert whose worst row came half an hour after its first. */
const reached = (value: number): Alert['progress'] => ({
  ...begun,
  worst: {
    atMs: at('08:30'),
    severity: value >= 95 ? 'critical' : 'warning',
    ...percent(value, ' used, 4 of 100 GiB free'),
    limitText: value >= 95 ? 'at least 95 %' : 'at least 90 %',
  },
});

export function sample(said: readonly Said[], over: Partial<DueMail> = {}, alsoOpen: readonly Said[] = []): Sample {
  const mail = dueMail(config, said, over, alsoOpen);
  const charts = new Map(mail.items.filter(({ rule }) => rule === 'disk').map(({ alertId }) => [alertId, rising]));
  return { mail, charts };
}

/** Every kind of mail; each has its golden files in test/testdata/mails. */
export const samples: Readonly<Record<string, Sample>> = {
  'one-critical': sample([disk('web-1', '/var', 96.2, { id: 11 })]),
  'one-warning': sample([
    warning('web-2', 'load', { value: 2.4, valueText: '2.4', limitText: 'at least 2 per CPU', id: 12 }),
  ]),
  'critical-and-more': sample([
    disk('web-1', '/var', 96.2, { id: 21 }),
    disk('web-2', '/', 91, { id: 22 }),
    warning('db-2', 'service', { subject: 'postgresql@15-main.service', valueText: 'failed', id: 23 }),
    lost('db-2', { ...back, id: 24, valueText: 'reached' }),
  ]),
  'several-critical': sample([
    disk('web-1', '/var', 96.2, { id: 31 }),
    disk('web-2', '/', 99, { id: 32, transition: 'escalated', sequence: 2 }),
    lost('db-2', {
      id: 33,
      valueText:
        'login refused: the server takes publickey, and refused the key of /etc/fleet-health/id_ed25519 for root',
    }),
    disk('web-1', '/srv/archive', 84, {
      rule: 'disk mount=/srv/*',
      severity: 'critical',
      limitText: 'at least 80 %',
      id: 34,
    }),
    disk('db-2', '/', 92, { id: 35, transition: 'eased', sequence: 3 }),
  ]),
  resolved: sample([disk('web-1', '/var', 96, { ...back, id: 41, ...percent(71.3) })]),
  'several-resolved': sample([
    disk('web-1', '/var', 96, { ...back, id: 51, ...percent(71.3) }),
    lost('web-2', { ...back, id: 52, valueText: 'reached', resolvedAtMs: at('+1 00:20') }),
    warning('db-2', 'service', { subject: 'cron.service', ...back, valueText: 'not failed any more', id: 53 }),
  ]),
  ended: sample([
    disk('web-1', '/mnt/usb', 97, { ...back, transition: 'ended', closedReason: 'gone', id: 61 }),
    warning('db-2', 'swap', { ...back, transition: 'ended', closedReason: 'unwatched', ...percent(91), id: 62 }),
  ]),
  past: sample([disk('web-1', '/var', 96, { ...past, id: 71, ...percent(55) }), rebooted(72)]),
  rebooted: sample([rebooted(81)]),
  'boot-loop': sample([0, 20, 40].map((minutes) => ({ ...rebooted(82 + minutes, minutes * 60_000), value: null }))),
  'over-again': sample([
    disk('web-1', '/var', 96, {
      ...back,
      id: 42,
      ...percent(71.3, ' used, 29 of 100 GiB free'),
      progress: reached(97.2),
    }),
    disk('web-2', '/', 92, { ...past, id: 43, ...percent(40), limitText: 'at least 90 %', progress: reached(96) }),
  ]),
  'on-its-way-back': sample([
    disk('web-1', '/var', 92, { id: 44, ...percent(70), limitText: 'at least 90 %', progress: reached(92) }),
  ]),
  'eased-below': sample([disk('web-1', '/var', 92, { id: 45, transition: 'eased', sequence: 3, ...percent(89) })]),
  'not-there-any-more': sample([
    disk('web-1', '/var', 96, { ...reminded, id: 46, progress: { ...reached(96), lastAtMs: at('08:15') } }),
  ]),
  reminder: sample([
    disk('web-1', '/var', 97.4, { ...reminded, id: 91, pendingSinceMs: at('08:00') - 3 * 86_400_000 }),
    disk('web-2', '/', 91, { ...reminded, id: 92 }),
    lost('db-2', { ...reminded, id: 93, pendingSinceMs: Date.UTC(2026, 9, 20, 6, 0) }),
  ]),
  'one-reminder': sample([disk('web-1', '/var', 97.4, { ...reminded, id: 94 })]),
  flapping: sample([disk('web-1', '/', 91, { transition: 'flapping', id: 95 })]),
  steady: sample([disk('web-1', '/', 91, { transition: 'steady', id: 96, sequence: 5 })]),
  'group-lost': sample(
    rack.map((client, index) =>
      lost(client, {
        id: 100 + index,
        valueText: index < 10 ? 'network: connect ETIMEDOUT' : 'login refused: nobody knows why',
      }),
    ),
  ),
  'group-disks': sample(rack.map((client, index) => disk(client, '/var', 90 + index, { id: 120 + index }))),
  'group-back': sample(
    rack.map((client, index) =>
      lost(client, { ...reachedAgain, id: 140 + index, pendingSinceMs: at('08:00') + index * 60_000 }),
    ),
  ),
  'bastion-gone': sample([
    ...behind.map((client, index) => lost(client, { id: 160 + index, progress: failedBy('connect-failed') })),
    disk('web-1', '/', 91, { id: 170 }),
  ]),
  'bastion-back': sample(behind.map((client, index) => lost(client, { ...reachedAgain, id: 180 + index }))),
  'bastion-partly-back': sample(
    behind.slice(0, 6).map((client, index) => lost(client, { ...reachedAgain, id: 180 + index })),
    {},
    behind.slice(6).map((client, index) => lost(client, { ...reminded, id: 186 + index })),
  ),
  'hundreds-lost': sample(
    Array.from({ length: 300 }, (_, index) =>
      lost(`node-${String(index + 1).padStart(3, '0')}`, {
        id: 1000 + index,
        valueText: `network: no answer from 10.0.${index >> 8}.${index & 255} port 22 within 5000 ms`,
      }),
    ),
  ),
  'one-hides-nobody': sample([
    ...Array.from({ length: 25 }, (_, index) => disk('web-1', `/invented-${index + 10}`, 99, { id: 400 + index })),
    disk('db-2', '/', 99, { id: 430 }),
  ]),
  'last-of-a-rack': sample([lost('rack-7-08', { id: 440, ...outdated })], {}, [
    ...rack.slice(0, 7).map((client, index) => lost(client, { ...reminded, id: 441 + index })),
    disk('web-2', '/', 91, { ...reminded, id: 450, acknowledgedBy: 'kim', acknowledgedComment: 'on it' }),
  ]),
  'one-export': sample(
    ['web-1', 'web-2', 'db-2'].map((client, index) => ({
      client,
      rule: 'mount-unresponsive',
      subject: '/mnt/nas',
      transition: 'firing',
      valueText: 'does not answer',
      id: 190 + index,
    })),
  ),
  'not-trusted': sample(
    ['web-1', 'web-2', 'db-2'].map((client, index) =>
      warning(client, 'not-trusted', {
        valueText: `192.0.2.${index + 1} shows ED25519 SHA256:abc; /etc/fleet-health/known_hosts has no key for it`,
        id: 200 + index,
      }),
    ),
  ),
  'host-key-changed': sample([
    {
      client: 'db-2',
      rule: 'host-key-changed',
      transition: 'firing',
      valueText:
        '192.0.2.3 shows ED25519 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU, ' +
        'but /var/lib/fleet-health/known_hosts says ED25519 SHA256:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ ' +
        '(line 3)',
      id: 210,
    },
  ]),
  'collector-silent': sample([
    {
      client: '',
      rule: 'collector-silent',
      subject: 'c0ffee00-0000-4000-8000-000000000001',
      host: 'mon-1',
      transition: 'firing',
      valueText:
        'no full run of mon-1 has finished since Fri 20 Nov 09:00: nothing is known of 400 clients since then; ' +
        'look at cron on mon-1',
      limitText: 'none for 15m',
      id: 220,
    },
  ]),
  'many-lines': sample(
    Array.from({ length: 25 }, (_, index) =>
      disk('web-1', `/srv/volume-${String(index + 1).padStart(2, '0')}`, 96, { id: 230 + index }),
    ),
  ),
  'already-true': sample(
    [
      ...rack.map((client, index) => disk(client, '/', 91, { id: 260 + index })),
      disk('web-1', '/var', 96, { id: 280 }),
      lost('web-2', { id: 281 }),
    ],
    { alreadyTrue: true },
  ),
  'listed-too': sample([
    disk('web-1', '/var', 96.2, { id: 290 }),
    disk('web-2', '/', 91, { transition: 'past', listedOnly: true, id: 291, ...percent(40) }),
  ]),
  'any-script': sample([
    disk('файл-сервер', '/данные', 96.2, { id: 300, note: 'Звонить дежурному' }),
    disk('数据库-一号', '/数据/非常长的目录名称/非常长的目录名称/非常长的目录名称/非常长的目录名称', 96.2, {
      id: 301,
      note: '请清理日志 https://wiki.example.org/磁盘',
    }),
    disk('خادم-3', '/var', 96.2, { id: 302 }),
  ]),
  hostile: sample([
    disk('web-1', '/mnt/\u202egpj.exe\r\nBcc: everybody@example.org\r\n\r\n<script>alert(1)</script>', 96.2, {
      id: 310,
      note: '<img src=x onerror=alert(1)> https://example.org/"><script>',
    }),
    lost('db-2', { id: 311, valueText: `agent failed: \u001b[31m${'x'.repeat(400)}\u0000\u200b\ud800` }),
  ]),
};
