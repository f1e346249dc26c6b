/** Collectors, the database, and machines that others need, in `explain --fleet`. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { explainFleet } from '../../../src/alerter/explain/explain-fleet.ts';
import { servingText } from '../../../src/alerter/explain/group-words.ts';
import { readFleetStatus } from '../../../src/look/data/fleet-status.ts';
import type { RunEnd, RunStart } from '../../../src/storage/store/run.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { runEnd, runStart } from '../../storage/support/samples.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { stationFor } from '../support/station.ts';
import { hourMs, minuteMs, nowMs, storedFleet, type StoredFleet } from './support/stored-fleet.ts';

const elements = `<collector every="10m"/><alerts zone="UTC"><mail to="ops@example.org"/></alerts>
  <bastion name="gate" ip="192.0.2.9" username="u"/>
  <client name="r-[1-2]" ip="198.51.100.[1-2]" username="u" proxyJump="gate"/>`;

/** Stores a run that began so many minutes ago. `end` is null for one that goes on. */
async function ran(
  { storage }: StoredFleet,
  minutesAgo: number,
  start: Partial<RunStart>,
  end: Partial<RunEnd> | null = {},
): Promise<void> {
  const run = runStart({ startedAtMs: nowMs - minutesAgo * minuteMs, ...start });
  await storage.reports.startRun(run);
  if (end !== null) await storage.reports.endRun(run, runEnd(run, end));
}

test('a collector is named by its full runs of a week, with the end of the newest that has finished', async (t) => {
  const fleet = await storedFleet(t, elements);
  const day = 24 * 60;
  await ran(fleet, 30, { collectorId: 'b', host: 'mon-2' });
  await ran(fleet, 20, { collectorId: 'b', host: 'mon-2' });
  await ran(fleet, 1, { collectorId: 'b', host: 'mon-2' }, null);
  await ran(fleet, 5, { collectorId: 'a', host: 'mon-1' }, null);
  await ran(fleet, 7 * day - 1, { collectorId: 'c', host: 'mon-3' });
  await ran(fleet, 7 * day + 1, { collectorId: 'old', host: 'mon-4' });
  await ran(fleet, 3, { collectorId: 'partial', scope: 'filtered' });
  await ran(fleet, 3, { collectorId: 'turned-away' }, { outcome: 'overlapped' });
  await ran(fleet, 3, { collectorId: '' });
  await ran(fleet, 3, { collectorId: 'alerter', program: 'alert' });
  assert.deepEqual((await fleet.fleet()).collectors, [
    { id: 'a', host: 'mon-1', lastFinishedMs: null },
    { id: 'b', host: 'mon-2', lastFinishedMs: nowMs - 20 * minuteMs + 5000 },
    { id: 'c', host: 'mon-3', lastFinishedMs: nowMs - (7 * day - 1) * minuteMs + 5000 },
  ]);
});

/** Passes by their starts in minutes ago, and the minutes from now until silence is evaluated. */
const passes: readonly (readonly [what: string, ago: readonly number[], minutes: number | null])[] = [
  ['no pass', [], null],
  ['a first pass', [5], 15],
  ['passes for 15 minutes', [15, 10, 5], 5],
  ['passes for 20 minutes', [20, 15, 10, 5], null],
  ['passes that go on after a break of an hour', [180, 120, 15, 5], 5],
];
for (const [what, ago, minutes] of passes) {
  test(`silence is evaluated two intervals after the database is back: ${what}`, async (t) => {
    const fleet = await storedFleet(t, elements);
    for (const one of ago) await ran(fleet, one, { program: 'alert' });
    await ran(fleet, 55, { collectorId: 'a' });
    const { silenceEvaluatedFromMs } = await fleet.fleet();
    assert.equal(silenceEvaluatedFromMs, minutes === null ? null : nowMs + minutes * minuteMs);
  });
}

test('a bastion that is away is named once, with all that lie behind it', async (t) => {
  const fleet = await storedFleet(t, elements);
  assert.deepEqual((await fleet.fleet()).parents, []);
  const lost = { rule: 'unreachable', subject: '', value: null };
  await fleet.store({ alerts: ['r-1', 'r-2'].map((client) => alert({ client, ...lost })) });
  const { parents } = await fleet.fleet();
  assert.deepEqual(
    parents.map(({ name }) => name),
    ['gate'],
  );
});

test('what waits sealed, and what the database forgot within a day, are told', async (t) => {
  const fleet = await storedFleet(t, elements);
  const before = await fleet.fleet();
  assert.deepEqual([before.sealed, before.loss, before.canary, before.repliesUnread], [[], null, null, null]);
  const receivedAtMs = nowMs - hourMs;
  await fleet.storage.reports.saveSealed([
    { client: 'r-1', reportId: 'one', keyId: 'k', runId: 'run-1', receivedAtMs, clock: null, sealed: Buffer.from('x') },
  ]);
  const restored = { reports: 37, records: 2, fromMs: receivedAtMs, toMs: receivedAtMs, note: 'it is an older one' };
  await ran(fleet, 30, { collectorId: 'a' }, { restored });
  const { sealed, loss } = await fleet.fleet();
  assert.deepEqual(
    sealed.map(({ reports }) => reports),
    [1],
  );
  assert.deepEqual([loss?.restored, loss?.reports, loss?.note], [39, 37, 'it is an older one']);
});

const needing = `<alerts zone="UTC"><mail to="ops@example.org"/></alerts>
  <group name="web" need="1" mail="web@example.org"><client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/></group>
  <group name="db" need="1" mail="db@example.org"><client name="db-[1-2]" ip="192.0.2.[3-4]" username="u"/></group>`;

test('each group that needs some of its members has its own alert, recipients and silences', async (t) => {
  const fleet = await storedFleet(t, needing);
  const short = { client: '', rule: 'group-short', value: null, changedByRun: null };
  const lost = { client: 'web-1', rule: 'unreachable', subject: '', value: null, changedByRun: null };
  await fleet.store({ alerts: [alert({ ...short, subject: 'web' }), alert({ ...short, subject: 'db' }), alert(lost)] });
  const ends = { startsAtMs: nowMs - hourMs, endsAtMs: nowMs + hourMs, author: 'kim', comment: '' };
  await fleet.storage.operator.addSilence({ client: '@web', rule: 'group-short', subject: '', ...ends });
  const { rules, groups } = await fleet.fleet();
  const ofGroups = rules.filter(({ group }) => group !== null);
  assert.deepEqual(
    ofGroups.map(({ group, alerts, listeners, mutes }) => [
      ...[group, alerts.map((one) => [one.alert.subject, one.changed])],
      ...[listeners.map(({ recipient }) => recipient), mutes.map(({ subjects }) => subjects)],
    ]),
    [
      ['web', [['web', null]], ['ops@example.org', 'web@example.org'], [[]]],
      ['db', [['db', null]], ['ops@example.org', 'db@example.org'], []],
    ],
  );
  assert.deepEqual(
    groups.map(({ group }) => group.need.name),
    ['web', 'db'],
  );
  const client = await fleet.client('web-1');
  const [own] = client.rules.find(({ rule }) => rule.name === 'unreachable')?.alerts ?? [];
  assert.match(own?.standing ?? '', /^Not eased: web lacks members, /);
});

test('members serve from their first report on, also before a pass has evaluated it', async (t) => {
  const station = await stationFor(t, {
    storage: sqliteConfig(path.join(tempFolder(t), 'fleet.db')),
    elements: `<collector every="10m"/><alerts><mail to="ops@example.org"/></alerts>
      <group name="web" need="2"><client name="w-[1-3]" ip="192.0.2.[1-3]" username="u"/></group>`,
  });
  const groups = async (): Promise<readonly string[]> => {
    const [config, { storage }, now] = [station.config(), station, station.nowMs()];
    const asked = { config, storage, nowMs: now, isWanted: () => true, firstPass: false };
    const explained = await explainFleet(asked);
    const shown = await readFleetStatus(config, storage, { nowMs: now, only: null });
    return [...explained.groups, ...shown.groups].map(servingText);
  };
  assert.deepEqual(await groups(), Array(2).fill('web 0-3/3, 2 needed, 3 unknown, unclear'));
  station.at('08:00');
  await station.collect({ 'w-3': 'mute' });
  assert.deepEqual(await groups(), Array(2).fill('web at least 2/3, 2 needed, 1 unknown'));
});
