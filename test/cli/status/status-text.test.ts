import assert from 'node:assert/strict';
import { test } from 'node:test';

import { statusScreen } from '../../../src/cli/status/watch-status.ts';
import { statusText } from '../../../src/cli/status/status-text.ts';
import type { Config } from '../../../src/config/config.ts';
import { type FleetMember, sortMembers } from '../../../src/look/data/fleet-member.ts';
import type { FleetStatus } from '../../../src/look/data/fleet-status.ts';
import { hourMs } from '../../../src/platform/units.ts';
import type { ClientStatus } from '../../../src/storage/store/storage.ts';
import { columnsOf } from '../../../src/text/text-columns.ts';
import { recordedOutput } from '../support/recorded-output.ts';

const nowMs = Date.UTC(2026, 10, 20, 10);
const config = {
  alerts: { zone: 'UTC' },
  canary: null,
  clients: [],
  needs: [],
  stateDir: '/nonexistent',
  collector: { forward: null },
} as unknown as Config;
const known = {
  reader: 'node',
  cpuPercent: 12.4,
  memoryPercent: 41.7,
  diskPercent: 96.2,
  diskMount: '/var/lib/docker/overlay2',
} as ClientStatus;
const member = (client: string, options: Partial<FleetMember> = {}): FleetMember => ({
  ...{
    client,
    address: client,
    labels: {},
    groups: [],
    state: 'ok',
    known,
    reportAgeMs: 60_000,
    openAlerts: 0,
    worstAlert: null,
  },
  beyond: { cpu: null, memory: null, disk: null },
  fullIn: null,
  ...options,
});
const statusOf = (members: readonly FleetMember[]): FleetStatus => ({
  ...{
    members,
    unlisted: [],
    lastRun: null,
    collectedAtMs: null,
    forwarded: new Map(),
    lastPass: null,
    lastIngest: null,
    sealed: [],
    loss: null,
    canary: null,
    repliesUnread: null,
    shares: [],
    groups: [],
  },
  alerting: {
    ...{ firing: 0, critical: 0, ofFleet: 0, held: [] },
    undelivered: { mails: 0, refused: 0, queued: 0, oldestAtMs: null, lastError: null },
  },
});

const members = [
  member('db-1.production.frankfurt.example.org', {
    openAlerts: 2,
    worstAlert: 'critical',
    beyond: { cpu: null, memory: null, disk: 'critical' },
  }),
  member('東京-web-1', {
    state: 'failing',
    known: { ...known, errorCode: 'dns-failed', errorMessage: 'no\u001b[2J\u202ehost' },
  }),
  member('evil\u202e\u001b[31m', { state: 'new', known: null, reportAgeMs: null }),
];

const goldens: readonly (readonly [title: string, columns: number | null, lines: readonly string[]])[] = [
  [
    'at 40 columns',
    40,
    [
      'client             state    disk  alerts',
      'db-1….example.org  ok       96%!       2',
      '東京-web-1         failing   96%       0',
      '    dns-failed: no\\u{1b}[2J\\u{202e}host',
      'evil…e}\\u{1b}[31m  new         -       0',
      'Too narrow for: read by, report, cpu,',
      'memory, on.',
    ],
  ],
  [
    'at 80',
    80,
    [
      'client                                state    report  cpu  memory  disk  alerts',
      'db-1.produc…on.frankfurt.example.org  ok           1m  12%     42%  96%!       2',
      '東京-web-1                            failing      1m  12%     42%   96%       0',
      '    dns-failed: no\\u{1b}[2J\\u{202e}host',
      'evil\\u{202e}\\u{1b}[31m                new           -    -       -     -       0',
      'Too narrow for: read by, on.',
    ],
  ],
  [
    'at 120',
    120,
    [
      'client                                 state    read by  report  cpu  memory  disk  on                        ' +
        'alerts',
      'db-1.production.frankfurt.example.org  ok       node         1m  12%     42%  96%!  /var/lib/docker/overlay2  ' +
        '     2',
      '東京-web-1                             failing  node         1m  12%     42%   96%  /var/lib/docker/overlay2  ' +
        '     0',
      '    dns-failed: no\\u{1b}[2J\\u{202e}host',
      'evil\\u{202e}\\u{1b}[31m                 new      -             -    -       -     -  -                       ' +
        '       0',
    ],
  ],
  [
    'without a terminal',
    null,
    [
      'client                  state    read by  report  cpu  memory  disk  on                        alerts',
      'db-1.production.frankfurt.example.org  ok       node         1m  12%     42%  96%!  /var/lib/docker/overlay2  ' +
        '     2',
      '東京-web-1              failing  node         1m  12%     42%   96%  /var/lib/docker/overlay2       0',
      '    dns-failed: no\\u{1b}[2J\\u{202e}host',
      'evil\\u{202e}\\u{1b}[31m  new      -             -    -       -     -  -                              0',
    ],
  ],
];

function drawn(columns: number | null): readonly string[] {
  const { output } = recordedOutput({ terminal: columns !== null, columns: columns ?? 80 });
  return statusText(output, config, statusOf(members), nowMs).split('\n');
}

for (const [title, columns, lines] of goldens) {
  test(`${title} the columns that matter are whole, and hostile names are inert`, () => {
    assert.deepEqual(drawn(columns).slice(0, -2), lines);
    if (columns !== null) assert.ok(lines.every((line) => columnsOf(line) <= columns));
  });
}

test('10,000 clients take no time that anybody waits for', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => member(`web-${index}`));
  const { output } = recordedOutput({ terminal: true, columns: 80 });
  const lines = statusText(output, config, statusOf(sortMembers(many, 'urgency')), nowMs).split('\n');
  assert.equal(lines.filter((line) => line.startsWith('web-')).length, 10_000);
  assert.match(lines[3] ?? '', /^web-2 /);
  const screen = statusScreen({ ...output, columns: 80 }, config, { status: statusOf(many), atMs: nowMs }, 24);
  assert.ok(screen.length <= 24, String(screen.length));
  assert.ok(screen.every((line) => columnsOf(line) <= 80));
});

test('a screen is as high as the terminal, worst first, with counts of the rest by state', () => {
  const many = Array.from({ length: 100 }, (_, index) =>
    member(`web-${index}`, index < 10 ? { state: 'failing', known: { ...known, errorMessage: 'no answer' } } : {}),
  );
  const { output } = recordedOutput({ terminal: true, columns: 80 });
  const shown = { status: statusOf(many), atMs: nowMs };
  const screen = statusScreen(output, config, shown, 12);
  assert.match(screen[0] ?? '', /^2026-11-20 10:00 UTC; drawn anew after each run, Ctrl-C ends it\.$/);
  assert.deepEqual(
    screen.filter((line) => line.startsWith('web-')).map((line) => line.split(' ')[0]),
    ['web-0', 'web-1'],
  );
  assert.equal(
    screen.find((line) => line.startsWith('and ')),
    'and 98 more: 8 failing, 90 ok',
  );
  assert.ok(screen.length <= 12);
  assert.equal(statusScreen(output, config, shown, 500).filter((line) => line.startsWith('web-')).length, 100);
});

test('mounts that will be full have a column, the first that a narrow terminal loses', () => {
  const full = { daysLeft: 6.2, mount: '/data', kind: 'space' } as const;
  const fleet = statusOf([member('web-1', { fullIn: full }), member('web-2')]);
  const table = (columns: number): string =>
    statusText(recordedOutput({ terminal: true, columns }).output, config, fleet, nowMs);
  assert.match(
    table(120),
    /^client .* disk {2}full in {2}on[^]*^web-1 .* 96% +6d {2}\/var[^]*^web-2 .* 96% +- {2}\/var/m,
  );
  assert.match(table(60), /Too narrow for: .*full in/);
});

test('labels have a column where a client has some', () => {
  const { output } = recordedOutput({ terminal: true, columns: 100 });
  const labelled = [member('web-1', { labels: { role: 'web', site: 'ber' } }), member('db-1')];
  const lines = statusText(output, config, statusOf(labelled), nowMs).split('\n');
  assert.match(lines[0] ?? '', /^client +state +labels /);
  assert.match(lines[1] ?? '', /^web-1 +ok +role=web site=ber /);
  assert.match(lines[2] ?? '', /^db-1 +ok +- /);
});

type RunFact = NonNullable<FleetStatus['lastPass']>;
const runAt = (agoMs: number): RunFact =>
  ({ outcome: 'finished', startedAtMs: nowMs - agoMs, finishedAtMs: nowMs - agoMs }) as RunFact;
const lateAlerters: readonly (readonly [title: string, status: Partial<FleetStatus>, told: string | null])[] = [
  ['never ran', { lastPass: null }, 'The alerter has never run, so nobody is notified: '],
  ['ran three days ago', { lastPass: runAt(72 * hourMs) }, 'The alerter has not run for 3d, so nobody is notified: '],
  ['ran now', { lastPass: runAt(60_000) }, null],
  ['never ran, and no client fails', { lastPass: null, members: [member('good')] }, null],
  ['never ran, nor did the collector', { lastPass: null, lastRun: null }, null],
];
for (const [title, facts, told] of lateAlerters) {
  test(`an alerter that ${title}: ${told === null ? 'no word' : 'a line with the command'}`, () => {
    const { output } = recordedOutput();
    const lastRun = { ...runAt(60_000), host: 'hq', clients: 3, succeeded: 2 } as FleetStatus['lastRun'];
    const status = { ...statusOf(members), lastRun, ...facts };
    const lines = statusText(output, config, status, nowMs).split('\n');
    const said = lines.filter((line) => line.startsWith('The alerter '));
    const remedy = 'fleet-health alert makes a pass, and fleet-health crontab --install starts it regularly.';
    assert.deepEqual(said, told === null ? [] : [told + remedy]);
    const site = { ...config, collector: { forward: {} } } as Config;
    assert.doesNotMatch(statusText(output, site, status, nowMs), /^The alerter /m);
  });
}

test('the last error of a mail ends with one stop', () => {
  const { output } = recordedOutput();
  const { alerting, ...status } = statusOf(members);
  for (const lastError of ['Authentication failed', 'Authentication failed.', 'Authentication failed. ']) {
    const undelivered = { ...alerting.undelivered, mails: 1, lastError };
    const text = statusText(output, config, { ...status, alerting: { ...alerting, undelivered } }, nowMs);
    assert.match(text, /^1 mail not delivered; last error: Authentication failed\.$/m);
  }
});
