import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { boundDocuments, documentName, removeStored } from '../../../src/collector/inbox/document-files.ts';
import { documentsOf } from '../../../src/collector/inbox/origins.ts';
import { endKilledRuns, keepPushedVisit, runDocuments } from '../../../src/collector/inbox/run-documents.ts';
import { storeDocuments, type StoreDocumentsOptions } from '../../../src/collector/inbox/store-documents.ts';
import { RunRecord } from '../../../src/collector/run/run-record.ts';
import { FleetError, type ErrorCode } from '../../../src/platform/errors/errors.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
import type { ReportStore, VisitRecord } from '../../../src/storage/store/storage.ts';
import type { RunEnd, RunStart } from '../../../src/storage/store/run.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { makeClient, makeConfig } from '../../support/fleets/fleet.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** Returns the folder of the collector's documents in a new inbox. */
const freshDir = (): string => documentsOf({ inbox: path.join(tempFolder(), 'inbox') }, { kind: 'collector' });

const startOf = (number: number): RunStart => runStart({ id: `run-${number}`, startedAtMs: 1000 * number });
const endOf = (start: RunStart): RunEnd => runEnd(start, { clients: 1, succeeded: 1, failed: 0 });
const visitOf = (start: RunStart, client: string, ok = true): VisitRecord =>
  visit({ runId: start.id, client, startedAtMs: start.startedAtMs + 10, ok });

function startRun(dir: string, start: RunStart): ReturnType<typeof runDocuments> {
  const documents = runDocuments(dir, start);
  documents.begin();
  return documents;
}

const uuid = '6f1c0e5a-1f0b-4f7e-9f43-0c3c7d1f2a10';
const placesOf = (inbox: string) => ({ inbox, setAside: path.join(path.dirname(inbox), 'set-aside') });

/** Stores the documents of an inbox, after those of killed runs were ended, as a run does. */
async function store(dir: string, reports: ReportStore, more: Partial<StoreDocumentsOptions> = {}) {
  endKilledRuns(dir, 99_000);
  const { foreign, ...stored } = await storeDocuments({
    ...{ paths: placesOf(path.dirname(dir)), config: makeConfig('/state', []), nowMs: 99_000 },
    stores: { reports, events: { saveEvents: () => Promise.resolve() } },
    ...more,
  });
  assert.equal(foreign.size, 0);
  return stored;
}

/** Returns a store that records its calls. `fails` selects the calls that throw. */
function tellTale(fails: () => ErrorCode | null = () => null): { store: ReportStore; notified: string[] } {
  const notified: string[] = [];
  const tell = (what: string): Promise<void> => {
    const code = fails();
    if (code !== null) {
      const refusal = new StorageFault('refused', code);
      const fault = new FleetError({ code, stage: 'storage', message: code });
      return Promise.reject(code === refusal.code ? refusal : fault);
    }
    notified.push(what);
    return Promise.resolve();
  };
  const store: ReportStore = {
    startRun: (run) => tell(`start ${run.id}`),
    endRun: (start, end) => tell(`end ${start.id} ${end.outcome} ${end.succeeded}/${end.clients}`),
    saveRuns: (runs) =>
      tell(
        runs.map(({ start, end }) => `end ${start.id} ${end?.outcome} ${end?.succeeded}/${end?.clients}`).join('; '),
      ),
    runsOf: () => Promise.resolve(new Map()),
    saveVisits: (visits) => tell(`visits ${visits.map(({ client }) => client).join(' ')}`),
    ingest: () => Promise.resolve([]),
    saveSealed: () => Promise.resolve([]),
    clientFacts: () => Promise.resolve(new Map()),
    saveLabels: () => Promise.resolve(),
    stateDigests: () => Promise.resolve({}),
    saveStateDisks: () => Promise.resolve([]),
  };
  return { store, notified };
}

test('what the database did not receive is stored in order and then forgotten', async () => {
  const dir = freshDir();
  for (const number of [2, 11, 1]) {
    const start = startOf(number);
    const documents = startRun(dir, start);
    await documents.visits([visitOf(start, `a${number}`), visitOf(start, `b${number}`)]);
    documents.end(endOf(start));
  }
  const { store: reports, notified } = tellTale();
  const stored = await store(dir, reports);
  assert.deepEqual(stored, { runs: 3, visits: 6, refused: 0, dropped: 0, left: 0 });
  const runs = [1, 2, 11].map((number) => `end run-${number} finished 1/1`).join('; ');
  assert.deepEqual(notified, [runs, 'visits a1 b1 a2 b2 a11 b11']);
  assert.deepEqual(readdirSync(dir), []);
});

test('a run that left no end was killed', async () => {
  const dir = freshDir();
  const start = startOf(1);
  await startRun(dir, start).visits([visitOf(start, 'a'), visitOf(start, 'b', false)]);
  const { store: reports, notified } = tellTale();
  await store(dir, reports);
  assert.deepEqual(notified, ['end run-1 failed 1/2', 'visits a b']);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test('the run that is under way is left alone, and a beginning that was not written is passed over', async () => {
  const dir = freshDir();
  startRun(dir, startOf(1));
  writeFileSync(path.join(dir, '.000000000000002-x.json.open'), '\0\0\0\0');
  const { store: reports, notified } = tellTale();
  await storeDocuments({
    ...{ paths: placesOf(path.dirname(dir)), config: makeConfig('/state', []), nowMs: 99_000 },
    stores: { reports, events: { saveEvents: () => Promise.resolve() } },
  });
  assert.deepEqual(notified, []);
  await store(dir, reports);
  assert.deepEqual(notified, ['end run-1 failed 0/0']);
  assert.deepEqual(readdirSync(dir), []);
});

test('a database that is away again stops the storing without loss', async () => {
  const dir = freshDir();
  for (const number of [1, 2]) startRun(dir, startOf(number)).end(endOf(startOf(number)));
  const away = tellTale(() => 'storage-unavailable');
  await assert.rejects(store(dir, away.store), { code: 'storage-unavailable' });
  assert.equal(readdirSync(dir).length, 2);
});

test('a document that failed in two runs is set aside, people are told, and its other records are stored', async () => {
  const dir = freshDir();
  const start = startOf(1);
  await startRun(dir, start).visits([visitOf(start, 'good'), visitOf(start, 'bad')]);
  const { store: reports, notified } = tellTale();
  const refusing: ReportStore = {
    ...reports,
    saveVisits: (visits) =>
      visits.some(({ client }) => client === 'bad')
        ? Promise.reject(new RangeError('Invalid time value'))
        : reports.saveVisits(visits),
  };
  const lines: string[] = [];
  const storeAll = () => store(dir, refusing, { onSetAside: (line) => void lines.push(line) });
  const first = await storeAll();
  assert.deepEqual([first.runs, first.visits, first.refused, lines], [1, 1, 1, []]);
  await storeAll();
  assert.deepEqual(notified.slice(0, 2), ['end run-1 failed 2/2', 'visits good']);
  const target = path.join(
    placesOf(path.dirname(dir)).setAside,
    path.basename(dir),
    '000000000001000-run-1.000001.json',
  );
  const what = `${target}: two runs could not store 1 record of it (Invalid time value). All others are stored.`;
  assert.deepEqual(lines, [`${what} To try again, move it to ${dir}; otherwise delete it.`]);
  renameSync(target, path.join(dir, path.basename(target)));
  assert.equal((await store(dir, reports)).visits, 2);
  assert.deepEqual(readdirSync(dir), []);
});

test('one line tells of all documents of a folder that are set aside, and the newest 100 stay', async () => {
  const dir = freshDir();
  const { store: reports } = tellTale();
  mkdirSync(dir, { recursive: true });
  const lines: string[] = [];
  for (let number = 0; number < 120; number += 1) writeFileSync(path.join(dir, `${number}.json`), '{');
  for (const times of [0, 1]) {
    assert.equal(lines.length, 0, `run ${times}`);
    await store(dir, reports, { onSetAside: (line) => void lines.push(line) });
  }
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? '',
    /another form than this version writes\).* 119 other documents of this folder went there/,
  );
  assert.equal(readdirSync(path.join(placesOf(path.dirname(dir)).setAside, path.basename(dir))).length, 100);
});

test('beyond its bound the oldest documents go', () => {
  const dir = freshDir();
  for (const number of [1, 2, 3]) startRun(dir, startOf(number)).end(endOf(startOf(number)));
  const [first = ''] = readdirSync(dir);
  const { size } = statSync(path.join(dir, first));
  const { kept, dropped } = boundDocuments(dir, 2 * size);
  const names = kept.map((file) => path.basename(file).slice(0, 15));
  assert.deepEqual([names, dropped], [['000000000002000', '000000000003000'], 1]);
});

/** Returns a record of a run, and the codes of its faults. */
function recordOf(dir: string, start: RunStart, reports: ReportStore) {
  const faults: ErrorCode[] = [];
  const onFault = ({ code }: FleetError): void => void faults.push(code);
  return {
    record: new RunRecord({ store: reports, documents: runDocuments(dir, start), keep: removeStored, start, onFault }),
    faults,
  };
}

test('what the database takes is not kept', async () => {
  const dir = freshDir();
  const start = startOf(1);
  const { store: reports, notified } = tellTale();
  const { record, faults } = recordOf(dir, start, reports);
  for (let number = 0; number < 450; number++) record.visit(visitOf(start, `c${number}`));
  await record.end(endOf(start));
  assert.equal(notified.map((line) => line.split(' ', 1)[0]).join(' '), 'start visits visits visits end');
  assert.deepEqual([faults, readdirSync(dir)], [[], []]);
});

test('a visit that the database does not take costs no other visit, no fault, and is tried in later runs', async () => {
  const dir = freshDir();
  const start = startOf(1);
  const { store: reports, notified } = tellTale();
  const saveVisits: ReportStore['saveVisits'] = (visits) => {
    if (visits.some(({ client }) => client === 'c7')) throw new RangeError('Invalid time value');
    return reports.saveVisits(visits);
  };
  const refusing = { ...reports, saveVisits };
  const { record, faults } = recordOf(dir, start, refusing);
  for (let number = 0; number < 10; number++) record.visit(visitOf(start, `c${number}`));
  await record.end(endOf(start));
  const stored = notified.flatMap((line) => line.split(' ').filter((word) => /^c\d$/.test(word)));
  assert.deepEqual(stored, ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c8', 'c9']);
  assert.deepEqual([faults, notified.at(-1)], [[], 'end run-1 finished 1/1']);
  const lines: string[] = [];
  for (const times of [1, 2]) {
    const { runs, refused } = await store(dir, refusing, { onSetAside: (line) => void lines.push(line) });
    assert.deepEqual([runs, refused, lines.length], [0, 1, times - 1]);
  }
  assert.match(lines[0] ?? '', /1 record of it \(Invalid time value\)/);
});

test('a document that cannot be written is a fault of the run, reported once the database is back', async () => {
  const dir = freshDir();
  mkdirSync(path.dirname(dir));
  writeFileSync(dir, 'a file where the folder should be');
  const start = startOf(1);
  const { store: reports, notified } = tellTale();
  const { record, faults } = recordOf(dir, start, reports);
  record.visit(visitOf(start, 'a'));
  await record.end(endOf(start));
  assert.deepEqual(notified, ['start run-1', 'visits a', 'end run-1 finished 1/1']);
  assert.deepEqual(faults, ['spool-full']);
});

test('a document of a site is kept unless some of its records do not count', async () => {
  const inbox = path.join(tempFolder(), 'inbox');
  const folder = documentsOf({ inbox }, { kind: 'site', site: 'fra' });
  mkdirSync(folder, { recursive: true });
  const config = makeConfig('/state', [makeClient('own', { arrival: { kind: 'site', site: 'fra' } })]);
  for (const [number, clients] of [['own'], ['own', 'other']].entries()) {
    const start = startOf(number + 90);
    const visits = clients.map((client) => visitOf(start, client));
    const content = JSON.stringify({ run: { start, end: endOf(start) }, visits });
    writeFileSync(path.join(folder, documentName(number, uuid)), content);
  }
  const kept: string[] = [];
  const stores = { reports: tellTale().store, events: { saveEvents: () => Promise.resolve() } };
  const keep = (file: string): void => void kept.push(path.basename(file));
  const { foreign } = await storeDocuments({ paths: placesOf(inbox), stores, config, nowMs: 99_000, keep });
  const first = documentName(0, uuid);
  assert.deepEqual([...foreign.values(), kept, readdirSync(folder)], [1, [first], [first]]);
});

/** Stores runs of the site fra with one client. Returns what the database took, and what does not count. */
async function storeOfSite(runs: readonly Pick<RunStart, 'id' | 'startedAtMs'>[], withEnd: boolean) {
  const inbox = path.join(tempFolder(), 'inbox');
  const folder = documentsOf({ inbox }, { kind: 'site', site: 'fra' });
  mkdirSync(folder, { recursive: true });
  for (const [number, given] of runs.entries()) {
    const start = runStart(given);
    const end = withEnd ? endOf(start) : null;
    const content = JSON.stringify({ run: { start, end }, visits: [visitOf(start, 'own')] });
    writeFileSync(path.join(folder, documentName(number, uuid)), content);
  }
  const { store: reports, notified } = tellTale();
  const config = makeConfig('/state', [makeClient('own', { arrival: { kind: 'site', site: 'fra' } })]);
  const stores = { reports, events: { saveEvents: () => Promise.resolve() } };
  const { foreign } = await storeDocuments({ paths: placesOf(inbox), stores, config, nowMs: 99_000 });
  const [saved = '', visits = ''] = notified;
  return { runs: saved.split('; ').length, visits: visits.split(' ').length - 1, foreign: [...foreign] };
}

test('a run of a site counts with its first visits, before it has an end', async () => {
  assert.deepEqual(await storeOfSite([startOf(90)], false), { runs: 1, visits: 1, foreign: [] });
});

test('four runs of a site count in an interval, and all records of others are dropped', async () => {
  const runs = [90, 91, 92, 93, 94, 95].map(startOf);
  assert.deepEqual(await storeOfSite(runs, true), { runs: 4, visits: 4, foreign: [['site-fra', 4]] });
});

test('all runs of this collector count, however many, and visits of pushes are known by name', async () => {
  const dir = freshDir();
  for (const number of [1, 2, 3, 4, 5, 6]) startRun(dir, startOf(number)).end(endOf(startOf(number)));
  await runDocuments(dir, startOf(7)).visits([visitOf(startOf(7), 'a')]);
  const pushed = { ...visitOf(startOf(8), 'laptop'), runId: uuid };
  await keepPushedVisit(dir, pushed);
  const isVisit: (boolean | undefined)[] = [];
  const { runs } = await store(dir, tellTale().store, { keep: (_file, facts) => void isVisit.push(facts?.isVisit) });
  assert.deepEqual([runs, isVisit], [6, [...Array<boolean>(7).fill(false), true]]);
});

test('once the database is gone, everything that follows is kept', async () => {
  const dir = freshDir();
  const start = startOf(1);
  let gone = false;
  const { store: reports, notified: before } = tellTale(() => (gone ? 'storage-unavailable' : null));
  const { record, faults } = recordOf(dir, start, reports);
  for (let number = 0; number < 200; number++) record.visit(visitOf(start, `c${number}`));
  while (before.length < 2) await new Promise((resolve) => setImmediate(resolve));
  gone = true;
  for (let number = 200; number < 250; number++) record.visit(visitOf(start, `c${number}`));
  await record.end(endOf(start));
  assert.deepEqual(faults, ['storage-unavailable']);
  const { store: later, notified } = tellTale();
  assert.equal((await store(dir, later)).visits, 50);
  assert.equal(notified[0], 'end run-1 finished 1/1');
});

test('visits that clients began are no run, and stay while the database is away', async () => {
  const dir = freshDir();
  for (const number of [1, 3]) await keepPushedVisit(dir, visitOf(startOf(number), `pushed${number}`));
  const start = startOf(2);
  startRun(dir, start).end(endOf(start));
  const away = tellTale(() => 'storage-unavailable');
  await assert.rejects(store(dir, away.store));
  assert.equal(readdirSync(dir).length, 3);
  const { store: reports, notified } = tellTale();
  assert.deepEqual(await store(dir, reports), { runs: 1, visits: 0, refused: 0, dropped: 0, left: 0 });
  assert.deepEqual(notified, ['end run-2 finished 1/1', 'visits pushed1 pushed3']);
  assert.deepEqual(readdirSync(dir), []);
});

test('documents are stored some thousand visits at a time, as long as there is time', async (t) => {
  const dir = freshDir();
  for (let number = 1; number <= 6; number += 1) {
    const start = startOf(number);
    await startRun(dir, start).visits(Array.from({ length: 1000 }, () => visitOf(start, `web-${number}`)));
  }
  const { store: reports, notified } = tellTale();
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const slow: ReportStore = {
    ...reports,
    saveVisits: (visits) => {
      nowMs += 100;
      return reports.saveVisits(visits);
    },
  };
  const { left } = await store(dir, slow, { timeMs: 500 });
  assert.equal(notified.filter((line) => line.startsWith('visits')).length, 10);
  assert.equal(left, readdirSync(dir).length);
  assert.ok(left >= 8, String(left));
});

test('a run of which neither the database nor the inbox takes a visit has failed', async () => {
  const start = startOf(1);
  const { store: reports } = tellTale(() => 'storage-unavailable');
  const lost = recordOf('/dev/null/inbox', start, reports);
  lost.record.visit(visitOf(start, 'c1'));
  assert.equal((await lost.record.end(endOf(start))).outcome, 'failed');
  assert.deepEqual([...new Set(lost.faults)].toSorted(), ['spool-full', 'storage-unavailable']);
  for (const [dir, into] of [
    [freshDir(), reports],
    ['/dev/null/inbox', tellTale().store],
  ] as const) {
    const kept = recordOf(dir, start, into);
    kept.record.visit(visitOf(start, 'c1'));
    assert.equal((await kept.record.end(endOf(start))).outcome, 'finished');
  }
});
