// Second tier: weeks of rows, played again.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { keyOfClient } from '../../../src/about/kinds.ts';
import { differenceToSent } from '../../../src/alerter/replay/replay-difference.ts';
import { openRuns, passTimes } from '../../../src/alerter/replay/replay-clock.ts';
import { replay, type ReplayResult } from '../../../src/alerter/replay/replay.ts';
import type { SentNotification } from '../../../src/storage/store/alert-history.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import {
  item,
  noonMs,
  notLooked,
  refusedVisit,
  runEnd,
  runStart,
  visit,
  worker,
} from '../../storage/support/samples.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { configOf } from '../support/config-of.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import { pluck } from '../../support/pluck.ts';

const minuteMs = 60_000;

function fleet(alerts: string, clients = '<client name="web-1" ip="192.0.2.1" username="u"/>'): string {
  return `<alerts zone="UTC"><mail to="ops@example.org"/>${alerts}</alerts>${clients}`;
}

/** The disk usage of each client in percent, by run, five minutes apart. `null` if the visit failed. */
type Story = Readonly<Record<string, readonly (number | null)[]>>;

async function storedStory(t: TestContext, story: Story): Promise<Storage> {
  const dir = tempFolder(t);
  const config = sqliteConfig(path.join(dir, 'fleet.db'));
  await makeMigrated(config);
  const storage = await openStorage({ storage: config, migrate: true });
  t.after(() => storage.close());
  const runs = Math.max(...Object.values(story).map((values) => values.length));
  for (let index = 0; index < runs; index++) {
    const startedAtMs = noonMs + index * 5 * minuteMs;
    const start = runStart({ startedAtMs });
    await storage.reports.startRun(start);
    for (const [client, values] of Object.entries(story)) {
      const used = values[index];
      if (used === undefined) continue;
      const failed = used === null ? refusedVisit : {};
      await storage.reports.saveVisits([visit({ runId: start.id, client, startedAtMs, ...failed })]);
      if (used === null) continue;
      const disk = { mount: '/', fstype: 'ext4', source: '/dev/vda', scope: 'local', mode: 'rw', used_percent: used };
      await storage.reports.ingest([
        item({ client, observedAtMs: startedAtMs + 1000, workers: [worker('disk', disk)] }),
      ]);
    }
    await storage.reports.endRun(start, runEnd(start));
  }
  return storage;
}

async function replayed(
  storage: Storage,
  elements: string,
  {
    notified = [],
    sinceMs = noonMs - 10 * minuteMs,
    minutes = 40,
  }: { notified?: SentNotification[]; sinceMs?: number; minutes?: number } = {},
): Promise<ReplayResult> {
  const untilMs = noonMs + minutes * minuteMs;
  return replay({
    config: configOf(elements),
    storage: {
      ...storage,
      alertHistory: { ...storage.alertHistory, notifiedSince: () => Promise.resolve(notified) },
    },
    sinceMs,
    untilMs,
    signal: new AbortController().signal,
    observe: () => undefined,
  });
}

const clock = (atMs: number): string => new Date(atMs).toISOString().slice(11, 16);
const linesOf = ({ mails }: ReplayResult): readonly string[] =>
  mails.map(
    ({ atMs, recipient, items }) =>
      `${clock(atMs)} ${recipient.split('@')[0] ?? ''}: ${items
        .map(({ client, rule, subject, transition }) => [transition, client, rule, subject].filter(Boolean).join(' '))
        .join(', ')}`,
  );

const full = [50, 50, 96, 97, 97, 50, 50, 50];

test('it tells what the rules would have notified, after the run that showed it', async (t) => {
  const storage = await storedStory(t, { 'web-1': full });
  const result = await replayed(storage, fleet('<alert type="disk" limit="95%"/>'));
  assert.deepEqual(linesOf(result), ['10:10 ops: firing web-1 disk /', '10:30 ops: resolved web-1 disk /']);
  const counts = result.counts.map(({ rule, client, fired, firstMs }) => ({ rule, client, fired, at: clock(firstMs) }));
  assert.deepEqual(counts, [{ rule: 'disk', client: 'web-1', fired: 1, at: '10:10' }]);
  assert.deepEqual([result.reports, result.visits], [8, 8]);
});

test('it tells webhooks too, each what its attributes ask for, and no URL', async (t) => {
  const storage = await storedStory(t, { 'web-1': full, 'web-2': [50, 50, 90, 90, 90, 50, 50, 50] });
  const result = await replayed(
    storage,
    fleet(
      `<webhook name="chat" url="https://hooks.example.org/T0KEN" severity="critical"/>
        <alert type="disk" warning="85%" critical="95%"/>`,
      '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>',
    ),
  );
  assert.deepEqual([...linesOf(result)].sort(), [
    '10:10 ops: firing web-1 disk /, firing web-2 disk /',
    '10:10 webhook:chat: firing web-1 disk /',
    '10:30 ops: resolved web-1 disk /, resolved web-2 disk /',
    '10:30 webhook:chat: resolved web-1 disk /',
  ]);
  assert.doesNotMatch(JSON.stringify(result), /T0KEN/);
});

test('it replays some clients alone, and returns the alerts that would have fired', async (t) => {
  const storage = await storedStory(t, { 'web-1': full, 'web-2': [96, null, ...full] });
  const clients = '<client name="web-2" ip="192.0.2.2" username="u"/>';
  const config = configOf(fleet('<alert type="disk" limit="95%"/>', clients));
  const span = { sinceMs: noonMs - 10 * minuteMs, untilMs: noonMs + 30 * minuteMs };
  const options = { config, storage, ...span, clients: ['web-2'], signal: new AbortController().signal };
  const shares: number[] = [];
  const { reports, visits, alerts } = await replay({ ...options, observe: (share) => shares.push(share) });
  assert.deepEqual([reports, visits], [5, 7]);
  assert.deepEqual([shares.at(-1), shares.every((share, index) => share > (shares[index - 1] ?? 0))], [1, true]);
  const shown = alerts.map(({ client, rule, subject, severity, beginMs, endMs }) =>
    [client, rule, subject, severity, clock(beginMs), endMs === null ? null : clock(endMs)].join(' '),
  );
  assert.deepEqual(shown, ['web-2 disk / critical 10:00 10:15', 'web-2 disk / critical 10:20 ']);
});

test('the most frequent alerts are counted first, and then the oldest', async (t) => {
  const storage = await storedStory(t, { 'web-1': full, 'web-2': [50, 50, 50, 96, 50, 50, 50, 96], 'web-3': [96, 96] });
  const clients = '<client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/>';
  const { counts } = await replayed(storage, fleet('<alert type="disk" limit="95%"/>', clients));
  const shown = counts.filter(({ rule }) => rule === 'disk').map(({ client, fired }) => `${client} ${fired}`);
  assert.deepEqual(shown, ['web-2 2', 'web-3 1', 'web-1 1']);
});

test('a group that needs some of its members lacks them as long as its members are away', async (t) => {
  const away = [50, null, null, null, 50, 50, 50, 50];
  const storage = await storedStory(t, { 'web-1': away, 'web-2': away, 'web-3': Array<number>(8).fill(50) });
  const clients = `<group name="web" need="2"><client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/></group>`;
  const lines = linesOf(await replayed(storage, fleet('', clients)));
  const ofGroup = lines.filter((line) => line.includes('group-short')).map((line) => line.split(', ', 1)[0]);
  assert.deepEqual(ofGroup, ['10:10 ops: firing group-short web', '10:30 ops: resolved group-short web']);
});

test('it can be ended between two passes', async (t) => {
  const storage = await storedStory(t, { 'web-1': full });
  const ending = new AbortController();
  let passes = 0;
  const options = { config: configOf(fleet('')), storage: storage, signal: ending.signal };
  const replaying = replay({
    ...{ ...options, sinceMs: noonMs, untilMs: noonMs + 40 * minuteMs },
    observe: () => {
      passes += 1;
      ending.abort(new Error('ended'));
    },
  });
  await assert.rejects(replaying, /ended/);
  assert.equal(passes, 1);
});

test('another limit tells something else, and the difference is named', async (t) => {
  const storage = await storedStory(t, { 'web-1': full });
  const noon = noonMs / minuteMs;
  const own = { client: 'web-1', recipient: 'ops@example.org' };
  const notified = [sent(noon + 11, own), sent(noon + 31, { ...own, transition: 'resolved' })];
  const same = await replayed(storage, fleet('<alert type="disk" limit="95%"/>'), { notified });
  assert.deepEqual(same.difference, { more: [], fewer: [] });
  const none = await replayed(storage, fleet('<alert type="disk" limit="99%"/>'), { notified });
  assert.deepEqual([linesOf(none), none.difference], [[], { more: [], fewer: notified }]);
  const never = await replayed(storage, fleet('<alert type="disk" limit="95%"/>'));
  const more = never.difference.more.map(({ transition, notifiedAtMs }) => [transition, clock(notifiedAtMs)]);
  assert.deepEqual(more, [
    ['firing', '10:10'],
    ['resolved', '10:30'],
  ]);
});

test('what was true before it begins is marked, and is no difference', async (t) => {
  const storage = await storedStory(t, { 'web-1': [96, 97, 97, 97] });
  const result = await replayed(storage, fleet('<alert type="disk" limit="95%"/>'), {
    sinceMs: noonMs + 4 * minuteMs,
    minutes: 20,
  });
  assert.deepEqual(pluck(result.mails, 'alreadyTrue'), [true]);
  assert.deepEqual(result.difference, { more: [], fewer: [] });
});

test('a machine that is away, and then all of it silent', async (t) => {
  const clients = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
  const storage = await storedStory(t, { 'web-1': [50, null, null, null, 50, 50], 'web-2': [50, 50, 50, 50, 50, 50] });
  const result = await replayed(storage, fleet('<alert type="disk" limit="95%"/>', clients), { minutes: 120 });
  const [fires, recovers, silent, ...more] = linesOf(result);
  assert.deepEqual(
    { fires, recovers, more },
    { fires: '10:10 ops: firing web-1 unreachable', recovers: '10:25 ops: resolved web-1 unreachable', more: [] },
  );
  assert.match(silent ?? '', /^10:\d\d ops: firing collector-silent collector-1$/);
});

test('a silence counts as it was, and a window as config.xml has it', async (t) => {
  const storage = await storedStory(t, { 'web-1': full });
  const window = fleet('<alert type="disk" limit="95%"/><window start="10:00" duration="25m" zone="UTC"/>');
  assert.deepEqual(linesOf(await replayed(storage, window)), []);
  await storage.operator.addSilence({
    client: 'web-*',
    rule: '*',
    subject: '*',
    startsAtMs: noonMs,
    endsAtMs: noonMs + 12 * minuteMs,
    author: 'ann',
    comment: '',
  });
  const silenced = await replayed(storage, fleet('<alert type="disk" limit="95%"/>'));
  assert.deepEqual(linesOf(silenced), ['10:15 ops: firing web-1 disk /', '10:30 ops: resolved web-1 disk /']);
});

test('nothing is changed, and an abort ends it', async (t) => {
  const storage = await storedStory(t, { 'web-1': full });
  await replayed(storage, fleet('<alert type="disk" limit="95%"/>'));
  const [counts] = await storage.history.query(
    'SELECT (SELECT COUNT(*) FROM alerts) AS alerts, (SELECT COUNT(processed_at) FROM stats) AS treated',
  );
  assert.deepEqual({ ...counts }, { alerts: 0, treated: 0 });
  const abort = new AbortController();
  abort.abort(new Error('enough'));
  const options = {
    config: configOf(fleet('')),
    storage: storage,
    sinceMs: noonMs,
    untilMs: noonMs + 60 * minuteMs,
    signal: abort.signal,
    observe: () => undefined,
  };
  await assert.rejects(replay(options), /enough/);
});

test('more rows than a page between two passes are all evaluated', async (t) => {
  const storage = await storedStory(t, { 'web-1': [50] });
  const day = Array.from({ length: 4500 }, (_, index) =>
    item({ observedAtMs: noonMs + 6 * minuteMs + index * 10, workers: [worker('memory', { used_percent: 40 })] }),
  );
  await storage.reports.ingest(day);
  const result = await replayed(storage, fleet('<alert type="disk" limit="95%"/>'), { minutes: 20 });
  assert.equal(result.reports, 4501);
});

function run(startMinute: number, endMinute: number | null): RunFact {
  return {
    id: `run-${startMinute}`,
    program: 'collect',
    collectorId: 'collector-1',
    configDigest: '',
    host: 'mon-1',
    scope: 'full',
    outcome: endMinute === null ? 'running' : 'finished',
    startedAtMs: startMinute * minuteMs,
    finishedAtMs: endMinute === null ? null : endMinute * minuteMs,
    clients: 1,
    succeeded: 1,
    failed: 0,
    ...notLooked,
  };
}

for (const { what, runs, passes } of [
  { what: 'after each run, and at the end', runs: [run(0, 1), run(5, 6)], passes: [1, 6, 10] },
  { what: 'every five minutes where none ended', runs: [run(0, 1), run(5, null)], passes: [1, 6, 10] },
  { what: 'without any run', runs: [], passes: [5, 10] },
  { what: 'a run before the beginning is none', runs: [run(-10, -9)], passes: [5, 10] },
] as const) {
  test(`passes are made ${what}`, () => {
    const times = [...passTimes({ runs, sinceMs: 0, untilMs: 10 * minuteMs, everyMs: 5 * minuteMs })];
    const minutes = times.map((atMs) => atMs / minuteMs);
    assert.deepEqual(minutes, passes);
  });
}

test('runs are as they were known then', () => {
  const runsAt = openRuns([run(5, 9), run(0, 4)]);
  const shown = (minute: number) =>
    runsAt(minute * minuteMs).map(({ outcome, finishedAtMs }) => [outcome, finishedAtMs]);
  assert.deepEqual(shown(3), [['running', null]]);
  assert.equal(shown(4)[0]?.[0], 'finished');
  assert.deepEqual(pluck(shown(5), 0), ['running', 'finished']);
  assert.equal(shown(24 * 60 + 1).length, 1);
});

const sent = (minute: number, over: Partial<SentNotification> = {}): SentNotification => ({
  ...keyOfClient('c', 'disk', '/'),
  recipient: 'ops',
  transition: 'firing',
  notifiedAtMs: minute * minuteMs,
  ...over,
});

for (const { what, would, was, more, fewer } of [
  { what: 'the same', would: [sent(0)], was: [sent(0)], more: 0, fewer: 0 },
  { what: 'a little later is the same', would: [sent(0)], was: [sent(20)], more: 0, fewer: 0 },
  { what: 'much later is another', would: [sent(0)], was: [sent(60)], more: 1, fewer: 1 },
  { what: 'once more', would: [sent(0), sent(60)], was: [sent(60)], more: 1, fewer: 0 },
  { what: 'somebody else', would: [sent(0)], was: [sent(0, { recipient: 'oncall' })], more: 1, fewer: 1 },
  { what: 'another word', would: [sent(0)], was: [sent(0, { transition: 'past' })], more: 1, fewer: 1 },
  { what: 'reminders do not count', would: [sent(0, { transition: 'reminder' })], was: [], more: 0, fewer: 0 },
] as const) {
  test(`difference: ${what}`, () => {
    const difference = differenceToSent(would, was, 25 * minuteMs);
    assert.deepEqual([difference.more.length, difference.fewer.length], [more, fewer]);
  });
}

test('rules of events are tried on the events that were stored, and silence counts', async (t) => {
  const storage = await storedStory(t, { 'web-1': Array.from({ length: 9 }, () => 10) });
  const event = (atMs: number, status: 'OK' | 'CRIT', service = 'backup') => ({
    ...{ eventId: `${service} ${atMs}`, receivedAtMs: atMs, host: 'nas', service, instance: '', status },
    ...{ description: 'x', tags: [], value: null, ttl: null, raw: null },
  });
  await storage.events.saveEvents([
    event(noonMs - 30 * minuteMs, 'OK'),
    event(noonMs + 11 * minuteMs, 'CRIT'),
    event(noonMs + 16 * minuteMs, 'OK'),
    event(noonMs + 17 * minuteMs, 'OK', 'other'),
  ]);
  const rule = (within: string): string => `<alert type="event" service="backup"${within}/>`;
  const fired = async (within: string) => linesOf(await replayed(storage, fleet(rule(within))));
  const lines = await fired('');
  assert.deepEqual(
    lines.map((line) => line.replace(/^[\d:]+ /, '')),
    ['ops: firing event service=backup nas:backup', 'ops: resolved event service=backup nas:backup'],
  );
  assert.match(lines[0] ?? '', /^\d\d:1[15]/);
  assert.match(lines[1] ?? '', /^\d\d:[12]\d/);
  // The last event is 16 minutes old at the first of the matching times.
  const silent = await fired(' within="10m"');
  assert.ok(
    silent.some((line) => /^\d\d:[23]\d ops: firing event service=backup nas:backup/.test(line)),
    silent.join('\n'),
  );
});
