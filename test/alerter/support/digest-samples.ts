import { keyed } from '../../about/support/keyed.ts';
import type { DigestFacts } from '../../../src/alerter/digest/read-digest.ts';
import { dayMs, hourMs } from '../../../src/platform/units.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { AlertSpan, InventoryFacts, RunTotals, StoredChange } from '../../../src/storage/store/digest-store.ts';
import type { StoredForecast } from '../../../src/storage/store/level-store.ts';
import type { FigureOutlier } from '../../../src/alerter/outliers/figure-outliers.ts';
import type { KindOutlier } from '../../../src/alerter/outliers/kind-outliers.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configOf } from './config-of.ts';
import { at } from './rows.ts';

const names = Array.from({ length: 400 }, (_, index) => `web-${String(index + 1).padStart(3, '0')}`);

export const digestConfig = configOf(`
  <smtp host="mail.example.org" from="Fleet Health &lt;fleet-health@example.org&gt;"/>
  <alerts zone="Europe/Berlin"><mail to="ops@example.org"/><digest to="ops@example.org" days="fri" at="11:00"/></alerts>
  <group name="web">${names.slice(0, 300).map(clientElement).join('')}</group>
  <group name="db">${names.slice(300).map(clientElement).join('')}</group>`);

function clientElement(name: string): string {
  return `<client name="${name}" ip="${name}.example.org" username="u"/>`;
}

const now = at('10:00');
const sinceMs = now - 7 * dayMs;

export const totals: RunTotals = {
  program: 'collect',
  runs: 2016,
  fullRuns: 2016,
  overlapped: 0,
  unfinished: 0,
  succeeded: 806_400,
  failed: 0,
  cpuMs: 7_400_000,
  maxRssBytes: 190 * 2 ** 20,
  configs: 1,
};

/** A week in which nothing happened. */
export const quietWeek: DigestFacts = {
  digest: digestConfig.digests[0] ?? { name: '', to: [], days: [], atMinute: 0, groups: [], attachesReport: false },
  sinceMs,
  untilMs: now,
  lateSinceMs: null,
  missedMs: [],
  clients: digestConfig.clients,
  open: [],
  eased: new Set(),
  groups: [],
  spans: [],
  moreSpans: false,
  runs: [totals, { ...totals, program: 'alert', runs: 9000, cpuMs: 1_300_000, maxRssBytes: 90 * 2 ** 20 }],
  joined: [],
  left: [],
  inventories: [],
  changes: [],
  moreChanges: false,
  pending: [],
  undelivered: [],
  databaseBytes: 3.2 * 2 ** 30,
  forecasts: [],
  outliers: { figures: [], kinds: [] },
  newOutliers: false,
};

/** Returns the times of an alert whose first bad row made it fire. */
function begun(atMs: number): Pick<Alert, 'pendingSinceMs' | 'firingSinceMs'> {
  return { pendingSinceMs: atMs, firingSinceMs: atMs };
}

export function openAlert(client: string, over: Partial<Alert> = {}): Alert {
  return alert({ client, subject: '/var', ...begun(now - 5 * hourMs), ...over });
}

/** Returns an alert that lasted some hours and ended `agoHours` ago. */
export function spanOf(client: string, hours: number, agoHours: number, over: Partial<AlertSpan> = {}): AlertSpan {
  const resolvedAtMs = now - agoHours * hourMs;
  const firingSinceMs = resolvedAtMs - hours * hourMs;
  const times = { pendingSinceMs: firingSinceMs, firingSinceMs, resolvedAtMs };
  const span = { client, rule: 'disk', subject: '/var', severity: 'critical', closedReason: 'recovered' } as const;
  return keyed({ ...span, ...times, ...over });
}

function forecastOf(client: string, daysLeft: number): StoredForecast {
  const days = { daysLeft, daysLow: daysLeft, daysHigh: null, shortDays: null };
  return { client, mount: '/data', kind: 'space', ...days, growthPerDay: 11 * 2 ** 30, sinceMs, asOfMs: now - hourMs };
}

const figure: FigureOutlier = {
  ...{ group: 'web', client: 'web-005', metric: 'cpu', subject: '' },
  ...{ value: 94, median: 12, score: 20, rows: 12, of: 12 },
};

const kind: KindOutlier = {
  ...{ group: 'db', fact: 'kernel', usual: '6.1.0-22-amd64', value: '6.1.0-18-amd64' },
  ...{ members: 100, clients: names.slice(301, 305) },
};

export const machine: InventoryFacts = {
  os: 'Debian GNU/Linux 12',
  kernel: '6.1.0-18-amd64',
  cpuModel: 'AMD EPYC 7402P',
  cpus: 48,
  memoryBytes: 32 * 2 ** 30,
  disks: ['SAMSUNG MZ7L3 894 GiB serial S1', 'SAMSUNG MZ7L3 894 GiB serial S2'],
  cards: ['eth0 52:54:00:12:34:56'],
};

/** Returns changes of a client that were found three hours ago. Each is kind, item, value before and after. */
export function changesOf(
  client: string,
  ...changes: readonly (readonly [string, string, string | null, string | null])[]
): readonly StoredChange[] {
  const times = { earliestAtMs: now - 4 * hourMs, latestAtMs: now - 3 * hourMs };
  return changes.map(([kind, item, oldValue, newValue]) => ({ client, kind, item, oldValue, newValue, ...times }));
}

/** A week with every kind of event: more than fits into 80 lines. */
export const badWeek: DigestFacts = {
  ...quietWeek,
  lateSinceMs: now - 3 * hourMs,
  missedMs: [now - 14 * dayMs],
  open: names.slice(0, 40).map((name, index) =>
    openAlert(name, {
      severity: index % 3 === 0 ? 'warning' : 'critical',
      ...begun(now - (index + 1) * hourMs),
    }),
  ),
  spans: [
    ...names.slice(0, 40).map((name, index) => spanOf(name, 1 + (index % 9), 2 + index)),
    ...names
      .slice(50, 62)
      .map((name, index) =>
        spanOf(name, 1 + index, 20 + index, { rule: 'unreachable', subject: '', severity: 'critical' }),
      ),
    ...[
      'load',
      'memory',
      'swap',
      'inodes',
      'service',
      'temperature',
      'clock-offset',
      'processes',
      'zombies',
      'check',
    ].map((rule, index) => spanOf(names[index] ?? '', 2, 30, { rule, subject: '', severity: 'warning' })),
    ...names.slice(70, 90).map((name) => spanOf(name, 0, 50, { rule: 'rebooted', subject: '', closedReason: 'event' })),
    spanOf(names[95] ?? '', 1, 60, { rule: 'host-key-changed', subject: '' }),
  ],
  runs: [{ ...totals, succeeded: 805_100, failed: 1_300, unfinished: 2, configs: 3 }, ...quietWeek.runs.slice(1)],
  joined: names.slice(380, 390),
  left: ['old-1', 'old-2'],
  forecasts: names.slice(100, 120).map((client, index) => forecastOf(client, 2 + 3 * index)),
  outliers: {
    figures: [
      { ...figure, client: 'web-005', value: 94, median: 12, score: 20 },
      { ...figure, client: 'web-006', metric: 'mount', subject: '/srv', value: 91, median: 30, score: 9 },
    ],
    kinds: [kind],
  },
  inventories: [
    ...names.slice(70, 150).map((client) => ({
      client,
      before: machine,
      after: { ...machine, kernel: '6.1.0-22-amd64' },
    })),
    { client: 'web-007', before: machine, after: { ...machine, memoryBytes: 64 * 2 ** 30 } },
    {
      client: 'web-008',
      before: machine,
      after: { ...machine, disks: [machine.disks?.[0] ?? '', 'WDC WD120 10.9 TiB serial W9'], cards: [] },
    },
  ],
  changes: [
    ...names
      .slice(70, 76)
      .flatMap((client) =>
        changesOf(
          client,
          ['package', 'libssl3 amd64', '3.0.11-1~deb12u2', '3.0.14-1~deb12u1'],
          ['package', 'openssl amd64', '3.0.11-1~deb12u2', '3.0.14-1~deb12u1'],
          ['system', 'boot', `boot of ${client}`, `another of ${client}`],
        ),
      ),
    ...changesOf('web-200', ['file', '/etc/nginx/nginx.conf', 'a'.repeat(32), 'b'.repeat(32)]),
  ],
  pending: names.slice(290, 320).map((client, index) => ({
    client,
    rebootRequired: index % 2 === 0,
    updates: index * 3,
    securityUpdates: index % 4,
  })),
  undelivered: [
    {
      id: 1,
      recipient: 'gone@example.org',
      messageId: '<x@example.org>',
      severity: 'critical',
      createdAtMs: now - 30 * hourMs,
      attempts: 3,
      nextAttemptAtMs: null,
      dataAtMs: null,
      sentAtMs: null,
      failedAtMs: now - 29 * hourMs,
      error: '550 5.1.1 no such user',
    },
  ],
};

const hostile = '\u202e<script>alert(1)</script>\r\nBcc: a@b.c \u001b[31m خادم';

/** A week in which every text from a client is hostile. */
export const hostileWeek: DigestFacts = {
  ...badWeek,
  open: [openAlert(hostile, { rule: hostile, subject: hostile, valueText: hostile, value: null })],
  spans: [
    spanOf(hostile, 3, 4, { subject: hostile, rule: hostile }),
    spanOf(hostile, 3, 4, { rule: 'unreachable', subject: '' }),
    spanOf(hostile, 3, 4, { rule: 'rebooted', subject: '' }),
  ],
  joined: [hostile],
  left: [hostile],
  forecasts: [{ ...forecastOf(hostile, 3), mount: hostile, kind: 'inodes' }],
  outliers: {
    figures: [{ ...figure, client: hostile, group: hostile, metric: 'mount', subject: hostile }],
    kinds: [{ ...kind, group: hostile, usual: hostile, value: hostile, clients: [hostile] }],
  },
  inventories: [{ client: hostile, before: machine, after: { ...machine, kernel: hostile, disks: [hostile] } }],
  changes: changesOf(hostile, ['package', hostile, hostile, hostile], ['file', hostile, null, hostile]),
  pending: [{ client: hostile, rebootRequired: true, updates: 3, securityUpdates: null }],
  undelivered: badWeek.undelivered.map((mail) => ({ ...mail, recipient: hostile, error: hostile })),
};
