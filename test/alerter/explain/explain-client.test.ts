/** Samples of the newest rows of a client in `explain`, and rows that no pass has processed yet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ClientExplained } from '../../../src/alerter/explain/explain-client.ts';
import { visitConditions } from '../../../src/alerter/evaluate/rule-metric.ts';
import type { RuleState } from '../../../src/storage/store/alert.ts';
import { madeEvent } from '../../collector/events/support/event-samples.ts';
import { memory } from '../../storage/support/alert-samples.ts';
import { item, ordinaryWorkers, refusedVisit, runStart, visit, worker } from '../../storage/support/samples.ts';
import { hourMs, minuteMs, nowMs, storedFleet, type StoredFleet } from './support/stored-fleet.ts';

const rules = `<alerts zone="UTC"><mail to="ops@example.org"/>
  <alert type="disk" warning="85%" critical="95%"/><alert type="disk-full" limit="7d"/></alerts>`;
const one = `${rules}<client name="web-1" ip="192.0.2.1" username="u"/>`;

const samplesOf = ({ rules: explained }: ClientExplained, name: string): readonly string[] =>
  explained
    .filter(({ rule }) => rule.name === name)
    .flatMap(({ samples }) => samples.map(({ subject, level, valueText }) => `${subject} ${level} ${valueText}`));

/** Stores a report and a visit of web-1, each so many minutes ago. */
async function reported({ storage }: StoredFleet, reportAgo: number, visitAgo: number): Promise<void> {
  await storage.reports.ingest([item({ client: 'web-1', observedAtMs: nowMs - reportAgo * minuteMs })]);
  await storage.reports.saveVisits([visit({ client: 'web-1', startedAtMs: nowMs - visitAgo * minuteMs })]);
}

test('a client without rows has no times, no sample, and nothing that waits', async (t) => {
  const explained = await (await storedFleet(t, one)).client('web-1');
  assert.deepEqual(
    [explained.reportAtMs, explained.visitAtMs, explained.unprocessed, samplesOf(explained, 'disk')],
    [null, null, false, []],
  );
});

/** The newest rows that passes have processed, in minutes before now: of reports and of visits. */
const processed: readonly (readonly [report: number | null, visit: number | null, unprocessed: boolean])[] = [
  [10, 9, false],
  [5, 5, false],
  [11, 9, true],
  [10, 10, true],
  [null, 9, true],
  [10, null, true],
];
for (const [reportAgo, visitAgo, unprocessed] of processed) {
  test(`a report of 10 and a visit of 9 minutes ago, after passes up to ${reportAgo} and ${visitAgo}`, async (t) => {
    const fleet = await storedFleet(t, one);
    await reported(fleet, 10, 9);
    const atMs = (ago: number | null): number | null => (ago === null ? null : nowMs - ago * minuteMs);
    const state = memory({ newestReportMs: atMs(reportAgo), newestVisitMs: atMs(visitAgo) });
    await fleet.store({ ruleStates: { 'web-1': state } });
    const explained = await fleet.client('web-1');
    assert.deepEqual([explained.reportAtMs, explained.visitAtMs], [nowMs - 10 * minuteMs, nowMs - 9 * minuteMs]);
    assert.equal(explained.unprocessed, unprocessed);
  });
}

const pushing = `${rules}<client name="web-1" transport="push"/><client name="web-2" ip="192.0.2.2" username="u"/>`;

test('a client that pushes has no host key, but may be silent', async (t) => {
  const fleet = await storedFleet(t, pushing);
  const names = async (client: string): Promise<readonly string[]> =>
    (await fleet.client(client)).rules.map(({ rule }) => rule.name);
  const [pushes, visited] = [await names('web-1'), await names('web-2')];
  assert.deepEqual(
    visited.filter((name) => !pushes.includes(name)),
    visitConditions.filter((name) => name !== 'unreachable'),
  );
  assert.ok(pushes.includes('unreachable') && pushes.includes('disk'));
});

test('what the newest report does not say is named, in the words of the client if it gave some', async (t) => {
  const own = ['swap" limit="90%', 'load" limit="9', 'temperature" sensor="no-such*" limit="90']
    .map((attributes) => `<alert type="${attributes}"/>`)
    .join('');
  const fleet = await storedFleet(t, one.replace('</alerts>', `${own}</alerts>`));
  const failed = { name: 'swap', duration_ms: 1, error: 'permission denied', function_reports: [] };
  const workers = [...ordinaryWorkers().filter(({ name }) => !['swap', 'load'].includes(name)), failed];
  const observedAtMs = nowMs - minuteMs;
  await fleet.storage.reports.ingest([item({ client: 'web-1', observedAtMs, workers })]);
  const { rules: explained } = await fleet.client('web-1');
  const unknownOf = (name: string) => explained.find(({ rule }) => rule.name === name)?.unknown;
  assert.deepEqual(unknownOf('swap'), { reason: 'permission denied', sinceMs: observedAtMs });
  assert.equal(unknownOf('load')?.reason, 'its reports do not say it');
  assert.equal(unknownOf('temperature sensor=no-such*')?.reason, 'its reports list nothing that it selects');
  assert.deepEqual([unknownOf('disk'), unknownOf('unreachable')], [null, null]);
});

test('the newest visit is sampled too, with a report and without', async (t) => {
  const fleet = await storedFleet(t, one);
  const run = runStart({ startedAtMs: nowMs - minuteMs });
  await fleet.storage.reports.startRun(run);
  const failed = visit({ client: 'web-1', runId: run.id, startedAtMs: nowMs, ...refusedVisit });
  await fleet.storage.reports.saveVisits([failed]);
  const found = async (): Promise<readonly string[]> => samplesOf(await fleet.client('web-1'), 'unreachable');
  const refused = ' critical network: connect ECONNREFUSED 192.0.2.1:22';
  assert.deepEqual(await found(), [refused]);
  await reported(fleet, 10, 9);
  assert.deepEqual(await found(), [refused, ' none reached']);
});

/** Rule states of passes, by the rule whose sample they are. */
const remembered: Readonly<Record<string, { readonly state: Partial<RuleState>; readonly sample: string }>> = {
  unreliable: {
    state: { visits: ['', 'connect-refused', 'connect-refused', 'auth-failed'] },
    sample: ' none 3 of the last 12 visits failed, most often: connect-refused',
  },
  reboots: { state: { boots: [nowMs - 2 * minuteMs, nowMs - minuteMs] }, sample: ' none 2 boots within an hour' },
};
for (const [rule, { state, sample }] of Object.entries(remembered)) {
  test(`${rule} is what passes remember of the last rows`, async (t) => {
    const fleet = await storedFleet(t, one);
    assert.deepEqual(samplesOf(await fleet.client('web-1'), rule), []);
    await reported(fleet, 10, 9);
    await fleet.store({ ruleStates: { 'web-1': memory(state) } });
    assert.deepEqual(samplesOf(await fleet.client('web-1'), rule), [sample]);
  });
}

test('without a report no boot is counted, and without a visit none has failed', async (t) => {
  const fleet = await storedFleet(t, one);
  await fleet.store({ ruleStates: { 'web-1': memory({ visits: [], boots: [nowMs] }) } });
  const explained = await fleet.client('web-1');
  assert.deepEqual([samplesOf(explained, 'reboots'), samplesOf(explained, 'unreliable')], [[], []]);
});

test('the level of a mount that is read-only counts if it was writable', async (t) => {
  const disk = { fstype: 'ext4', source: '/dev/sda1', scope: 'local', mode: 'ro', size_bytes: 1000 };
  const figures = { used_bytes: 970, available_bytes: 30, used_percent: 97, inodes_percent: 1, unresponsive: 0 };
  const workers = [
    ...ordinaryWorkers().filter(({ name }) => name !== 'disks' && name !== 'disk'),
    worker('disk', { mount: '/srv', ...disk, ...figures }),
  ];
  const fleet = await storedFleet(t, one);
  await fleet.storage.reports.ingest([item({ client: 'web-1', observedAtMs: nowMs - minuteMs, workers })]);
  assert.deepEqual(samplesOf(await fleet.client('web-1'), 'disk'), []);
  await fleet.store({ ruleStates: { 'web-1': memory({ writable: ['/srv'] }) } });
  assert.match(samplesOf(await fleet.client('web-1'), 'disk').join(), /^\/srv critical 97 % used/);
});

test('a disk that will be full has the forecast that is stored', async (t) => {
  const fleet = await storedFleet(t, one);
  assert.deepEqual(samplesOf(await fleet.client('web-1'), 'disk-full'), []);
  const days = { daysLeft: 3, daysLow: 2, daysHigh: 4, growthPerDay: 1e9, shortDays: null };
  const forecasts = [
    { client: 'web-1', mount: '/var', kind: 'space', ...days, sinceMs: nowMs - 20 * 24 * hourMs },
    { client: 'web-2', mount: '/srv', kind: 'space', ...days, sinceMs: nowMs },
  ] as const;
  await fleet.store({ forecasts: { asOfMs: nowMs - hourMs, forecasts } });
  assert.match(
    samplesOf(await fleet.client('web-1'), 'disk-full').join('\n'),
    /^\/var (?:warning|critical) [^\n]*3 days[^\n]*$/,
  );
});

test('events of an active client are sampled, and those of a paused one are not', async (t) => {
  const own = '<alert type="event" service="backup"/>';
  const fleet = await storedFleet(
    t,
    `${rules}<client name="web-1" ip="192.0.2.1" username="u">${own}</client>
      <client name="web-2" ip="192.0.2.2" username="u" state="paused">${own}</client>`,
  );
  const received = {
    receivedAtMs: nowMs - minuteMs,
    service: 'backup',
    status: 'CRIT',
    description: 'disk full',
  } as const;
  await fleet.storage.events.saveEvents([
    madeEvent('1', { ...received, host: 'web-1' }),
    madeEvent('2', { ...received, host: 'web-2' }),
  ]);
  const rule = 'event service=backup';
  assert.deepEqual(samplesOf(await fleet.client('web-1'), rule), ['backup critical CRIT: disk full']);
  assert.deepEqual(samplesOf(await fleet.client('web-1', (name) => name !== rule), rule), []);
  assert.deepEqual(samplesOf(await fleet.client('web-2'), rule), []);
});
