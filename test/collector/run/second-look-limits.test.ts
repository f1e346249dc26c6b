/** The second look at its limits, over a storage in memory; second-look.test.ts has it over a real database. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { CollectEvent } from '../../../src/collector/collect-options.ts';
import { noteForgotten } from '../../../src/collector/inbox/stored-files.ts';
import {
  forgetRestored,
  lookAgain,
  removeOld,
  type SecondLookOptions,
} from '../../../src/collector/run/second-look.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { dayMs, minuteMs } from '../../../src/platform/units.ts';
import { idFrom } from '../../../src/state-folder/collector-id.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
import { eventDays } from '../../../src/storage/store/event-store.ts';
import type { PresentIds, StoredIds } from '../../../src/storage/store/storage.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const root = tempFolder();
let places = 0;
/** An hour from now, so that files that are made now are an hour old. */
const nowMs = Date.now() + 60 * minuteMs;
const keepStoredMs = 15 * minuteMs;
const own = runStart({ id: idFrom('own'), startedAtMs: nowMs });

interface Run {
  readonly id: string;
  /** The minutes before now at which it began; its files were moved then, unless `movedAgo` says otherwise. */
  readonly ago: number;
  readonly movedAgo?: number;
  readonly isSeen?: boolean;
  readonly hasEnd?: boolean;
  readonly clients?: readonly string[];
  readonly visits?: readonly string[];
}

interface Given {
  readonly runs?: readonly Run[];
  /** The ids of rows that the database has forgotten, and those that another server does not have yet. */
  readonly lost?: readonly string[];
  readonly lagging?: readonly string[] | 'away' | 'silent' | null;
  readonly known?: readonly string[];
  readonly named?: readonly { readonly name: string; readonly was: string | null }[];
  readonly timeMs?: number;
  readonly broken?: boolean;
}

const timeOf = (ago: number): number => nowMs - ago * minuteMs;
const reportOf = (run: string, client: string): string => idFrom(`${run} ${client}`);

function presentOf(ids: StoredIds, lost: ReadonlySet<string>): PresentIds {
  const there = (all: Iterable<string>): string[] => [...all].filter((id) => !lost.has(id));
  const clients = new Set(['web-1', 'gone', 'db-1'].filter((name) => !lost.has(name)));
  return {
    reports: new Set(there(ids.reports)),
    runs: new Map(there(ids.runs).map((id) => [id, true])),
    visits: new Map(there(ids.runsOfVisits).map((id) => [id, clients])),
    events: new Set(there(ids.events)),
  };
}

/** Makes the folder of what earlier runs have stored, and a look at it. `asked` has the reports of each question. */
function makeLook(given: Given) {
  const { runs = [], lost = [], lagging = null, known = ['web-1'], named = [], timeMs = 10_000 } = given;
  const paths = statePaths(path.join(root, String(places++)));
  mkdirSync(paths.stored, { recursive: true });
  const put = (folder: string, from: string, content: unknown = ''): void => {
    mkdirSync(path.join(paths.stored, folder), { recursive: true });
    const file = path.join(paths.stored, folder, from.replaceAll('/', '+'));
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  };
  const move = (folder: string, atMs: number): void =>
    utimesSync(path.join(paths.stored, folder), atMs / 1e3, atMs / 1e3);
  for (const { id, ago, movedAgo = ago, isSeen = true, hasEnd = true, clients = ['web-1'], visits = [] } of runs) {
    const base = `${String(timeOf(ago)).padStart(15, '0')}-${idFrom(id)}`;
    const folder = `${base}.4096${isSeen ? '.seen' : ''}`;
    const start = runStart({ id: idFrom(id), collectorId: idFrom('collector'), startedAtMs: timeOf(ago) });
    const records = visits.map((client) => visit({ client, runId: start.id, startedAtMs: timeOf(ago) }));
    const end = { ...runEnd(start), finishedAtMs: timeOf(ago) };
    if (hasEnd) put(folder, `inbox/collector/${base}.json`, { run: { start, end } });
    if (visits.length > 0)
      put(folder, `inbox/collector/${base}.000001.json`, { run: { start, end: null }, visits: records });
    for (const client of clients) {
      put(folder, `encrypted_stats/${client}/${reportOf(id, client)}.${timeOf(ago)}.-.-.-.fhs`);
    }
    move(folder, timeOf(movedAgo));
  }
  const asked: string[][] = [];
  const events: CollectEvent[] = [];
  const stored = {
    present: (ids: StoredIds): Promise<PresentIds> => {
      if (given.broken === true) {
        return Promise.reject(new FleetError({ code: 'storage-failed', stage: 'storage', message: 'broken' }));
      }
      asked.push([...ids.reports]);
      return Promise.resolve(presentOf(ids, new Set(lost)));
    },
    pruneNowMs: () => Promise.resolve(nowMs),
    server: () => Promise.resolve('a server'),
  };
  let others = 0;
  const other = {
    stored: {
      present: (ids: StoredIds) =>
        lagging === 'away' ? Promise.reject(new Error('away')) : Promise.resolve(presentOf(ids, new Set(lagging))),
    },
    close: () => Promise.resolve(void (others -= 1)),
  };
  const elsewhere = () => {
    if (lagging === 'silent') return Promise.reject(new StorageFault('lost', 'nobody there'));
    return Promise.resolve(lagging === null ? null : (void (others += 1), other));
  };
  const retention = { rawMs: dayMs, visitsMs: 2 * dayMs };
  const reports = { clientFacts: () => Promise.resolve(new Map(known.map((name) => [name, {}]))) };
  const options = {
    run: {
      ...{ paths, start: own, observe: (event: CollectEvent) => void events.push(event) },
      config: { clients: named, retention, collector: { keepStoredMs } },
      keyRing: { opening: null },
    },
    ...{ storage: { reports, stored, elsewhere }, nowMs, timeMs },
  } as unknown as SecondLookOptions;
  const foldersLeft = (): readonly string[] =>
    runs.filter(({ id }) => readdirSync(paths.stored).some((name) => name.includes(idFrom(id)))).map(({ id }) => id);
  const notes = (): readonly string[] => events.flatMap((event) => (event.kind === 'note' ? event.message : []));
  return { paths, options, put, move, asked, notes, foldersLeft, openServers: () => others };
}

/** Two finished runs after the ones of a case. */
const later: readonly Run[] = [
  { id: 'later-1', ago: 10 },
  { id: 'later-2', ago: 5 },
];
const old: Run = { id: 'old', ago: 30 };

for (const [what, runs, isRemoved] of [
  ['as old as `keepStored`', [{ ...old, ago: 15 }, ...later], true],
  ['a moment younger', [{ ...old, ago: 15 - 1 / minuteMs }, ...later], false],
  ['before one finished run alone', [old, ...later.slice(1)], false],
  ['before a finished run and a killed one', [old, { id: 'killed', ago: 10, hasEnd: false }, ...later.slice(1)], false],
  ['before a killed run and two finished ones', [old, { id: 'killed', ago: 20, hasEnd: false }, ...later], true],
  ['that no run has seen whole', [{ ...old, isSeen: false }, ...later], false],
  ['whose last file was moved in late, a long time ago', [{ ...old, movedAgo: 5 }, ...later], true],
] as const) {
  test(`what a run has stored ${isRemoved ? 'goes' : 'stays'}: a folder ${what}`, async () => {
    const { options, asked, foldersLeft, notes } = makeLook({ runs });
    await removeOld(options);
    assert.equal(!foldersLeft().includes('old'), isRemoved);
    const isAsked = asked.flat().includes(reportOf('old', 'web-1'));
    assert.equal(isAsked, isRemoved, 'the database is asked for what may go');
    for (const { id } of later.slice(1)) assert.ok(foldersLeft().includes(id), id);
    assert.deepEqual(notes(), []);
  });
}

test('of an old folder the files that were moved in just now stay', async () => {
  const soonMs = Date.now() + 5 * minuteMs;
  const { options, foldersLeft } = makeLook({ runs: [{ ...old, ago: 85, movedAgo: 56 }, ...later] });
  await removeOld({ ...options, nowMs: soonMs });
  assert.equal(foldersLeft().includes('old'), true);
});

test('what the database lacks at the end of a run goes back, and nothing is removed', async () => {
  const { paths, options, foldersLeft, notes } = makeLook({
    ...{ runs: [old, { ...old, id: 'older', ago: 40 }, ...later], lost: [idFrom('old'), reportOf('old', 'web-1')] },
  });
  await removeOld(options);
  assert.deepEqual(foldersLeft(), ['old', 'older', 'later-1', 'later-2']);
  assert.deepEqual(readdirSync(path.join(paths.encryptedStats, 'web-1')).length, 1);
  assert.match(notes()[0] ?? '', /^the database has lost 1 report and 1 record of .*\. The database is a server$/);
});

const notShown = 'another server does not show their rows yet';
const noneAnswers = 'no other server of <storage url> answers, so that it may lack their rows';
for (const [what, lagging, left, lines] of [
  ['has everything', [], false, []],
  ['lacks a report', [reportOf('old', 'web-1')], true, [`1 old file kept: ${notShown}`]],
  ['lacks all rows', [idFrom('old'), reportOf('old', 'web-1')], true, [`2 old files kept: ${notShown}`]],
  ['goes away meanwhile', 'away', true, [`2 old files kept: ${notShown}`]],
  ['does not answer', 'silent', true, [`2 old files kept: ${noneAnswers}`]],
] as const) {
  test(`another server of the database that ${what}: ${left ? 'its files stay, in one line' : 'they go'}`, async () => {
    const { paths, options, foldersLeft, notes, openServers } = makeLook({ runs: [old, ...later], lagging });
    await removeOld(options);
    assert.equal(foldersLeft().includes('old'), left);
    assert.deepEqual(
      notes(),
      lines.map((line) => `${paths.stored}: ${line}`),
    );
    assert.equal(openServers(), 0, 'the connection is closed');
  });
}

test('a look asks for the newest run and for what no run has seen; after a loss for everything else', async () => {
  const runs = [old, { ...old, id: 'unseen', ago: 20, isSeen: false }, ...later];
  const reportsOf = (...ids: readonly string[]) => ids.map((id) => [reportOf(id, 'web-1')]);
  const whole = makeLook({ runs });
  const none = { reports: 0, records: 0, fromMs: null, toMs: null, note: null };
  assert.deepEqual(await lookAgain(whole.options), none);
  assert.deepEqual([whole.asked, whole.notes()], [reportsOf('unseen', 'later-2'), []]);
  assert.equal(readdirSync(whole.paths.stored).filter((name) => name.endsWith('.seen')).length, 4);
  const broken = makeLook({ runs, lost: [idFrom('later-2'), reportOf('later-2', 'web-1')] });
  const found = { reports: 1, records: 1, fromMs: timeOf(5), toMs: timeOf(5), note: 'a server' };
  assert.deepEqual(await lookAgain(broken.options), found);
  assert.deepEqual(broken.asked, reportsOf('unseen', 'later-2', 'old', 'later-1'));
  assert.equal(broken.notes().length, 1);
});

test('what a look has no time for, or does not reach because it is killed, the next one restores', async () => {
  const runs = [old, { ...old, id: 'older', ago: 40 }, ...later];
  for (const isKilled of [false, true]) {
    const lost = runs.flatMap(({ id }) => [idFrom(id), reportOf(id, 'web-1')]);
    const slow = makeLook({ runs, lost, timeMs: 200 });
    const present = slow.options.storage.stored.present.bind(slow.options.storage.stored);
    let asked = 0;
    slow.options.storage.stored.present = async (ids) => {
      asked += 1;
      if (asked === 2 && isKilled)
        throw new FleetError({ code: 'storage-failed', stage: 'storage', message: 'killed' });
      if (asked === 1 && !isKilled) await sleep(200);
      return await present(ids);
    };
    const first = await lookAgain(slow.options).catch(() => null);
    assert.equal(first?.reports, isKilled ? undefined : 1);
    assert.equal(slow.asked.length, 1);
    const second = await lookAgain({ ...slow.options, timeMs: 60_000 });
    assert.equal(second?.reports, runs.length, 'those of the first look count with them');
    assert.equal(slow.asked.length, 1 + runs.length);
  }
});

test('its own folder is not looked at, nor any once time is over; a fault of the database ends a look', async () => {
  const runs = [
    { id: 'own', ago: 1, isSeen: false },
    { ...old, isSeen: false },
  ];
  const { options, asked } = makeLook({ runs });
  await lookAgain(options);
  assert.deepEqual(asked, [[reportOf('old', 'web-1')]]);
  const late = makeLook({ runs, timeMs: 0 });
  await lookAgain(late.options);
  assert.deepEqual(late.asked, []);
  await assert.rejects(lookAgain(makeLook({ runs, broken: true }).options), { code: 'storage-failed' });
});

test('what a killed look has found counts with what the next one finds, until the run has ended', async () => {
  const killed = { reports: 2, records: 3, fromMs: timeOf(90), toMs: timeOf(80), note: 'the server before' };
  const { paths, options } = makeLook({ runs: later, lost: [idFrom('later-2'), reportOf('later-2', 'web-1')] });
  const file = path.join(paths.stored, 'restored.json');
  writeFileSync(file, JSON.stringify(killed));
  const sum = { reports: 3, records: 4, fromMs: timeOf(90), toMs: timeOf(5), note: 'a server' };
  assert.deepEqual(await lookAgain(options), sum);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), sum);
  assert.deepEqual(await lookAgain(options), sum, 'nothing is counted twice');
  forgetRestored(paths);
  assert.equal(existsSync(file), false);
});

for (const [what, ago, visits, hasEnd, reports, records] of [
  ['a run that began when the retention begins', 24 * 60, [], true, 1, 1],
  ['a run of a moment before', 24 * 60 + 1 / minuteMs, [], true, 1, 0],
  ['a visit of the oldest moment', 48 * 60, ['web-1'], false, 0, 1],
  ['a visit of a moment before', 48 * 60 + 1 / minuteMs, ['web-1'], false, 0, 0],
  ['a client that left config.xml and the database', 10, ['stranger'], false, 0, 0],
] as const) {
  test(`of what is missing, ${what} comes back as ${reports} reports and ${records} records`, async () => {
    const clients = hasEnd ? ['web-1'] : [];
    const run: Run = { id: 'lost', ago, visits, hasEnd, clients };
    const { options } = makeLook({ runs: [run], lost: [idFrom('lost'), reportOf('lost', 'web-1')] });
    const found = await lookAgain(options);
    assert.deepEqual([found?.reports, found?.records], [reports, records]);
  });
}

for (const [client, known, named, isBack] of [
  ['web-1', ['web-1'], [], true],
  ['web-1', [], [{ name: 'web-1', was: null }], true],
  ['web-1', [], [{ name: 'www-1', was: 'web-1' }], true],
  ['web-1', [], [{ name: 'www-1', was: null }], false],
] as const) {
  const where = known.length > 0 ? 'the database' : JSON.stringify(named);
  test(`a report of ${client} ${isBack ? 'comes back' : 'stays removed'}: clients of ${where}`, async () => {
    const lost = [reportOf('lost', client), idFrom('lost')];
    const { options } = makeLook({ runs: [{ id: 'lost', ago: 5 }], lost, known, named });
    assert.equal((await lookAgain(options))?.reports, Number(isBack));
  });
}

test('a report that the machine with the key has refused stays removed: the end of its run is there', async () => {
  const { options } = makeLook({ runs: [{ id: 'lost', ago: 5 }], lost: [reportOf('lost', 'web-1')] });
  assert.equal((await lookAgain(options))?.reports, 0);
  const killed = makeLook({ runs: [{ id: 'lost', ago: 5, hasEnd: false }], lost: [reportOf('lost', 'web-1')] });
  assert.equal((await lookAgain(killed.options))?.reports, 1);
});

test('the visits of a forgotten client stay removed, and those of others in the document come back', async () => {
  const run: Run = { id: 'lost', ago: 5, hasEnd: false, clients: ['gone'], visits: ['web-1', 'gone'] };
  const { paths, options } = makeLook({ runs: [run], lost: [idFrom('lost')], known: ['web-1', 'gone'] });
  noteForgotten(paths, 'gone', timeOf(5));
  const found = await lookAgain(options);
  assert.deepEqual([found?.reports, found?.records], [0, 1]);
  const [name = ''] = readdirSync(path.join(paths.inbox, 'collector'));
  const left = readdirSync(paths.stored, { recursive: true, encoding: 'utf8' });
  assert.equal(left.filter((one) => one.endsWith('.000001.json')).length, 0, 'the document is at one place');
  const document = JSON.parse(readFileSync(path.join(paths.inbox, 'collector', name), 'utf8')) as {
    readonly run: { readonly start: { readonly id: string } };
    readonly visits: readonly { readonly client: string }[];
  };
  assert.deepEqual([document.run.start.id, document.visits.map(({ client }) => client)], [idFrom('lost'), ['web-1']]);
});

for (const [ago, isBack] of [
  [eventDays * 24 * 60, true],
  [eventDays * 24 * 60 + 1 / minuteMs, false],
] as const) {
  test(`an event of ${eventDays} days ${isBack ? 'comes back' : 'and a moment stays removed'}`, async () => {
    const { options, put } = makeLook({ lost: ['e1'] });
    const event = {
      ...{ eventId: 'e1', receivedAtMs: timeOf(ago), host: 'nas', service: 'backup', instance: '', status: 'OK' },
      ...{ description: '', tags: [], value: null, ttl: null, raw: null },
    };
    const base = `${String(timeOf(20)).padStart(15, '0')}-events`;
    put(base, `inbox/events/${String(timeOf(20)).padStart(15, '0')}-1-7.json`, { events: [event] });
    const found = await lookAgain(options);
    assert.equal(found?.records, Number(isBack));
  });
}

for (const [minutes, isRemoved] of [
  [9, false],
  [10, true],
] as const) {
  test(`the events of ${minutes} minutes ago ${isRemoved ? 'go' : 'stay, for others may come'}`, async () => {
    const { paths, options, put, move } = makeLook({ runs: later.map((one) => ({ ...one, ago: one.ago / 2 })) });
    const base = `${String(timeOf(minutes)).padStart(15, '0')}-events.0.seen`;
    put(base, `inbox/events/${String(timeOf(minutes)).padStart(15, '0')}-1-7.json`, { events: [] });
    move(base, timeOf(minutes));
    const soon = { ...options.run.config, collector: { ...options.run.config.collector, keepStoredMs: 0 } };
    await removeOld({ ...options, run: { ...options.run, config: soon } });
    assert.equal(existsSync(path.join(paths.stored, base)), !isRemoved);
  });
}
