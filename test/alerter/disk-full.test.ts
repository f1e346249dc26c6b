// Second tier: a full disk at each step of a pass.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { item, worker } from '../storage/support/samples.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { explainClient } from '../../src/alerter/explain/explain-client.ts';
import { replay } from '../../src/alerter/replay/replay.ts';
import { pluck, pluckAll } from '../support/pluck.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { fillLevels, type MadeLevels } from './support/fill-levels.ts';
import { stationFor, type Station } from './support/station.ts';

type Used = MadeLevels['used'];

const dir = tempFolder();
let stations = 0;

/** Returns the elements of a site with web-1 alone and these rules. */
function siteWith(rules = '', alerts = ''): string {
  return `<collector every="15m"/><alerts zone="UTC" ${alerts}><mail to="ops@example.org"/>${rules}</alerts>
    <client name="web-1" ip="192.0.2.1" username="u"/>`;
}

/** Opens a station for one pass a day. */
async function stationWith(t: Parameters<typeof stationFor>[0], elements = siteWith()): Promise<Station> {
  const made = await stationFor(t, { storage: sqliteConfig(path.join(dir, `${(stations += 1)}.db`)), elements });
  made.at('+40 00:01');
  return made;
}

/** Makes a pass. Returns the sentences of its mails. */
async function notified(made: Station): Promise<readonly string[]> {
  return (await made.pass()).arrived.map(({ sentence }) => sentence.replace(/^ops: /, ''));
}

/**
 * Plays days. Each day has a course of the used percent of `/data` up to that day, and a pass. Returns the mails of
 * each day.
 */
async function days(made: Station, from: number, courses: readonly Used[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const [index, used] of courses.entries()) {
    made.at(`+${from + index} 00:01`);
    await fillLevels(made, [{ used }]);
    lines.push((await notified(made)).join('; '));
  }
  return lines;
}

/** Returns a course that grows one percent a day and reaches 100 percent in `daysLeft` days. */
const growing =
  (daysLeft: number): Used =>
  (day) =>
    100 - daysLeft + day;
const flat: Used = () => 60;

test('a disk that will be full within the limit is notified once a day at most, and how', async (t) => {
  const made = await stationWith(t);
  assert.deepEqual(await days(made, 40, [growing(8), growing(7)]), ['', '']);
  made.at('+42 00:01');
  await fillLevels(made, [{ used: growing(6.1) }]);
  const { arrived, events } = await made.pass();
  assert.deepEqual(pluck(arrived, 'sentence'), ['ops: firing warning web-1 disk-full /data']);
  assert.deepEqual(await days(made, 43, [growing(6)]), ['reminder warning web-1 disk-full /data']);
  const text = events
    .map((event) => (event.kind === 'composed' ? event.text : ''))
    .join('')
    .replaceAll(/\s+/g, ' ');
  assert.match(text, /full in about 6 days \(\w{3} \d+ \w{3}\); grows 9\.31 GiB a day since \d+ \w{3} 2026 \(limit /);
  assert.match(text, / ▁[▁-█]{33}█ 35 d, 557\.9 GiB to 874\.5 GiB/);
  assert.match(text, /limit 7d/);
});

test('a warning becomes critical once a day, or at once when the last week leaves less than two days', async (t) => {
  const made = await stationWith(t, siteWith('<alert type="disk-full" warning="14d" critical="2d"/>'));
  assert.deepEqual(await days(made, 40, [growing(10)]), ['firing warning web-1 disk-full /data']);
  made.at('+40 09:00');
  await fillLevels(made, [{ used: growing(5) }]);
  assert.deepEqual(await notified(made), [], 'five days are not urgent');
  made.at('+40 10:00');
  await fillLevels(made, [{ used: growing(1.5) }]);
  assert.deepEqual(await notified(made), ['escalated critical web-1 disk-full /data']);
  made.at('+40 11:00');
  await fillLevels(made, [{ used: flat }]);
  assert.deepEqual(await notified(made), [], 'what eases is evaluated once a day');
});

test('what is urgent begins at once, and only where the limit says so', async (t) => {
  const made = await stationWith(t);
  const { restore } = await made.snapshot();
  for (const { rules, isUrgent } of [
    { rules: '', isUrgent: true },
    { rules: '<alert type="disk-full" warning="1d"/>', isUrgent: false },
    { rules: '<alert type="disk-full" mount="/srv" enabled="no"/>', isUrgent: true },
    { rules: '<alert type="disk-full" mount="/data" enabled="no"/>', isUrgent: false },
  ]) {
    await restore();
    made.configure(siteWith(rules));
    assert.deepEqual(await days(made, 40, [flat]), ['']);
    made.at('+40 15:00');
    await fillLevels(made, [{ used: growing(1.5) }]);
    assert.deepEqual(await notified(made), isUrgent ? ['firing warning web-1 disk-full /data'] : [], rules);
  }
});

test('a forecast near its limit ends only after two days in a row beyond 1.5 times the limit', async (t) => {
  const made = await stationWith(t, siteWith('', 'repeat="none"'));
  const course = [6, 8, 10, 11, 9, 11, 12].map(growing);
  const subject = 'warning web-1 disk-full /data';
  const expected = [`firing ${subject}`, '', '', '', '', '', 'resolved web-1 disk-full /data'];
  assert.deepEqual(await days(made, 40, course), expected);
});

test('a clean-up, a stop and a larger disk end it on the second day', async (t) => {
  const size = (day: number): number => (day >= -1 ? 2e12 : 1e12);
  for (const { name, used, larger } of [
    { name: 'clean-up', used: ((day) => (day >= -1 ? 30 + day : 95 + day)) as Used, larger: undefined },
    { name: 'larger', used: ((day) => (day >= -1 ? 48 : 95 + day)) as Used, larger: size },
  ] as const) {
    const made = await stationWith(t, siteWith('', 'repeat="none"'));
    assert.deepEqual(await days(made, 40, [growing(6)]), ['firing warning web-1 disk-full /data'], name);
    const lines: string[] = [];
    for (const day of [41, 42]) {
      made.at(`+${day} 00:01`);
      await fillLevels(made, [{ used, ...(larger === undefined ? {} : { size: larger }) }]);
      lines.push((await notified(made)).join('; '));
    }
    assert.deepEqual(lines, ['', 'resolved web-1 disk-full /data'], name);
  }
});

test('silence and missing days move nothing; a mount that others outlive is gone after two days', async (t) => {
  const made = await stationWith(t, siteWith('', 'repeat="none"'));
  const both = (used: Used): readonly MadeLevels[] => [{ used }, { mount: '/', used: flat }];
  await fillLevels(made, both(growing(6)));
  assert.deepEqual(await notified(made), ['firing warning web-1 disk-full /data']);
  for (const day of [41, 42, 45]) {
    made.at(`+${day} 00:01`);
    assert.deepEqual(await notified(made), [], 'nothing is known');
  }
  const later: (readonly string[])[] = [];
  for (const day of [46, 47, 48]) {
    made.at(`+${day} 00:01`);
    await fillLevels(made, [{ mount: '/', used: flat }], [0, 0]);
    later.push(await notified(made));
  }
  assert.deepEqual(later.flat(), ['ended web-1 disk-full /data']);
});

test('inodes have a rule of their own, and a gap of days, NULLs and days to come do not hide growth', async (t) => {
  const made = await stationWith(t);
  const holes = [2, 5, 6, 9, 12, 13, 16, 19, 20, 23].map((day) => -day);
  await fillLevels(made, [
    { used: (day) => (holes.includes(day) ? null : 40), inodes: (day) => growing(5)(day) },
    { mount: '/null', used: () => 40, inodes: () => null },
  ]);
  await fillLevels(made, [{ used: () => 1, inodes: () => 1 }], [3, 5]);
  assert.deepEqual(await notified(made), ['firing warning web-1 inodes-full /data']);
});

test('while the disk is nearly full nothing is foreseen of it, unless that is worse', async (t) => {
  const made = await stationWith(t);
  await made.collect({ 'web-1': 'disk /data 92' });
  made.at('+40 00:02');
  await fillLevels(made, [{ used: growing(1.5) }]);
  const { restore } = await made.snapshot();
  const withoutDisk = '<alert type="disk" mount="/data" enabled="no"/>';
  for (const { rules, foreseen } of [
    { rules: '<alert type="disk-full" warning="7d"/>', foreseen: [] },
    {
      rules: '<alert type="disk-full" warning="7d" critical="3d"/>',
      foreseen: ['firing critical web-1 disk-full /data'],
    },
    {
      rules: `<alert type="disk-full" warning="7d"/>${withoutDisk}`,
      foreseen: ['firing warning web-1 disk-full /data'],
    },
  ]) {
    await restore();
    made.configure(siteWith(rules));
    const lines = (await notified(made)).flatMap((line) => line.split(', '));
    const ofForecast = lines.filter((line) => line.includes('disk-full'));
    assert.deepEqual(ofForecast, foreseen, rules);
  }
});

test('an alert that was notified is muted while the disk is nearly full, and notified again of its end', async (t) => {
  const made = await stationWith(t);
  assert.deepEqual(await days(made, 40, [growing(6)]), ['firing warning web-1 disk-full /data']);
  made.at('+40 12:30');
  await made.collect({ 'web-1': 'disk /data 92' });
  made.at('+40 12:31');
  const lines = await notified(made);
  assert.deepEqual(lines, ['firing warning web-1 disk /data'], 'no reminder of the forecast');
  for (const [time, says] of [
    ['+41 00:15', 'disk /data 50'],
    ['+41 00:30', 'disk /data 50'],
  ] as const) {
    made.at(time);
    await made.collect({ 'web-1': says });
  }
  made.at('+41 00:31');
  assert.ok((await notified(made)).join().includes('resolved'), 'the disk');
});

test('a forecast of a disk that was nearly full is not notified before it was evaluated anew', async (t) => {
  const made = await stationWith(t);
  const at = async (time: string, percent: number): Promise<string> => {
    made.at(time);
    await made.collect({ 'web-1': `disk /data ${percent}` });
    return (await notified(made)).join('; ');
  };
  assert.deepEqual(await days(made, 40, [growing(6)]), ['firing warning web-1 disk-full /data']);
  assert.equal(await at('+40 20:00', 92), 'firing warning web-1 disk /data');
  assert.deepEqual(await days(made, 41, [growing(3)]), [''], 'evaluated beside the disk');
  await at('+41 03:00', 50);
  assert.equal(await at('+41 03:15', 50), 'resolved web-1 disk /data');
  const after = [await at('+41 03:30', 50), await at('+41 09:00', 50), await at('+41 23:45', 50)];
  assert.deepEqual(after, ['', '', ''], 'the forecast of the night is old');
  made.at('+42 00:01');
  await fillLevels(made, [{ used: growing(5) }]);
  const { arrived, events } = await made.pass();
  assert.deepEqual(pluck(arrived, 'sentence'), ['ops: reminder warning web-1 disk-full /data']);
  assert.match(events.map((event) => (event.kind === 'composed' ? event.text : '')).join(''), /full in about 5 days/);
});

test('a dry run tells, and stores nothing', async (t) => {
  const made = await stationWith(t);
  await fillLevels(made, [{ used: growing(6) }]);
  const before = await made.dump();
  const { events } = await made.pass({ dryRun: true });
  assert.equal(await made.dump(), before);
  assert.match(events.map((event) => (event.kind === 'composed' ? event.text : '')).join(''), /disk-full \/data/);
});

test('a replay evaluates stored levels, and explain has what is foreseen', async (t) => {
  const made = await stationWith(t);
  const [config, storage] = [made.config(), made.storage];
  await days(made, 42, [growing(5)]);
  const nowMs = made.nowMs();
  const { signal } = new AbortController();
  const { counts } = await replay({
    ...{ config, storage, signal, untilMs: nowMs },
    sinceMs: nowMs - 3 * 86_400_000,
    observe: () => undefined,
  });
  const own = counts.filter(({ rule }) => rule === 'disk-full');
  assert.deepEqual(pluckAll(own, 'client', 'fired', 'firstMs'), [['web-1', 1, nowMs]]);
  const [client] = config.clients;
  assert.ok(client !== undefined);
  const isWanted = (rule: string): boolean => rule === 'disk-full';
  const { rules } = await explainClient({ config, storage, nowMs, client, isWanted, firstPass: false });
  assert.match(rules[0]?.samples[0]?.valueText ?? '', /^full in about 5 days /);
  assert.equal(rules[0]?.unknown, null);
});

test('a replay evaluates at the times of the alerter, from the levels that were known then', async (t) => {
  const rules = '<alert type="disk-full" warning="14d" critical="2d"/><alert type="disk" enabled="no"/>';
  const made = await stationWith(t, siteWith(rules));
  const observe = (): void => undefined;
  await fillLevels(made, [{ used: (day) => 98.4 + day }], [-36, -1]);
  made.at('+39 00:05');
  assert.deepEqual(await notified(made), ['firing warning web-1 disk-full /data']);
  const sinceMs = made.nowMs() + 12 * 3_600_000;
  const report = async (percent: number): Promise<void> => {
    await made.collect({ 'web-1': 'mute' });
    const space = { size_bytes: 1e12, used_bytes: percent * 1e10, available_bytes: (100 - percent) * 1e10 };
    const disk = { mount: '/data', fstype: 'ext4', scope: 'local', mode: 'rw', used_percent: percent, ...space };
    await made.storage.reports.ingest([
      item({ client: 'web-1', observedAtMs: made.nowMs() + 2000, workers: [worker('disk', disk)] }),
    ]);
  };
  const lines: string[] = [];
  for (const [time, percent] of [
    ['+40 00:05', 97.5],
    ['+40 12:00', 97.6],
    ['+40 15:00', 98.2],
    ['+40 18:00', 99],
  ] as const) {
    made.at(time);
    await report(percent);
    made.at(made.nowMs() + 60_000);
    lines.push(...(await notified(made)).filter((line) => line.includes('disk-full') && !line.startsWith('reminder')));
  }
  assert.deepEqual(lines, ['escalated critical web-1 disk-full /data']);
  const { signal } = new AbortController();
  const [config, storage, untilMs] = [made.config(), made.storage, made.nowMs() + 60_000];
  const { mails, difference } = await replay({ config, storage, signal, observe, sinceMs, untilMs });
  const escalated = mails.filter(({ items }) => items.some(({ transition }) => transition === 'escalated'));
  const atHours = escalated.map(({ atMs }) => new Date(atMs).getUTCHours());
  const own = [...difference.fewer, ...difference.more].filter(({ rule }) => rule.startsWith('disk-full'));
  assert.deepEqual([atHours, own], [[15], []]);
});

test('a replay that begins in the middle of a day knows the clean-up of its morning', async (t) => {
  const rules = '<alert type="disk-full" limit="7d"/><alert type="disk" enabled="no"/>';
  const made = await stationWith(t, siteWith(rules));
  await fillLevels(made, [{ used: (day) => 96 + day }], [-36, -1]);
  const report = async (time: string, percent: number): Promise<void> => {
    made.at(time);
    await made.collect({ 'web-1': 'mute' });
    const space = { size_bytes: 1e12, used_bytes: percent * 1e10, available_bytes: (100 - percent) * 1e10 };
    const disk = { mount: '/data', fstype: 'ext4', scope: 'local', mode: 'rw', used_percent: percent, ...space };
    await made.storage.reports.ingest([
      item({ client: 'web-1', observedAtMs: made.nowMs() + 2000, workers: [worker('disk', disk)] }),
    ]);
  };
  await report('+40 09:00', 40);
  await report('+40 15:00', 41);
  const [config, storage, untilMs] = [made.config(), made.storage, made.nowMs() + 60_000];
  const observe = (): void => undefined;
  const { signal } = new AbortController();
  const sinceMs = untilMs - 4 * 3_600_000;
  const { counts, reports } = await replay({ config, storage, signal, observe, sinceMs, untilMs });
  assert.equal(reports, 1);
  assert.deepEqual(
    counts.filter(({ rule }) => rule === 'disk-full'),
    [],
  );
});
