import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { boundJournals, journalOf, replayJournals, type JournalFile } from '../../../src/collector/pass/journal.ts';
import { startRunRecord } from '../../../src/collector/pass/run-record.ts';
import { FleetError, type ErrorCode } from '../../../src/errors.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
import type { ReportStore, VisitRecord } from '../../../src/storage/store/storage.ts';
import type { RunEnd, RunStart } from '../../../src/storage/store/run.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const root = tempFolder();
let places = 0;
const freshDir = (): string => path.join(root, String(places++));

const startOf = (number: number): RunStart => ({
  id: `run-${number}`,
  program: 'collect',
  collectorId: 'c',
  host: 'h',
  scope: 'full',
  configDigest: 'd',
  startedAtMs: 1000 * number,
});
const endOf = (start: RunStart): RunEnd => ({
  id: start.id,
  outcome: 'finished',
  finishedAtMs: start.startedAtMs + 500,
  clients: 1,
  succeeded: 1,
  failed: 0,
  skipped: 0,
  cpuMs: 1,
  maxRssBytes: 1,
});
const visitOf = (start: RunStart, client: string, ok = true): VisitRecord => ({
  runId: start.id,
  client,
  address: client,
  startedAtMs: start.startedAtMs + 10,
  durationMs: 100,
  ok,
  stage: null,
  code: null,
  message: null,
  connectMs: null,
  bytesIn: 0,
  bytesOut: 0,
  uploaded: false,
  reader: null,
  bootId: null,
  nextAttemptAtMs: null,
});

function startJournal(dir: string, start: RunStart): JournalFile {
  const journal = journalOf(dir, start);
  journal.begin();
  return journal;
}

/** Records its calls; `fails` selects the calls that throw. */
function tellTale(fails: () => ErrorCode | null = () => null): { store: ReportStore; told: string[] } {
  const told: string[] = [];
  const tell = (what: string): Promise<void> => {
    const code = fails();
    if (code !== null) {
      const refusal = new StorageFault('refused', code);
      return Promise.reject(
        code === refusal.code ? refusal : new FleetError({ code, stage: 'storage', message: code }),
      );
    }
    told.push(what);
    return Promise.resolve();
  };
  const store: ReportStore = {
    startRun: (run) => tell(`start ${run.id}`),
    endRun: (start, end) => tell(`end ${start.id} ${end.outcome} ${end.succeeded}/${end.clients}`),
    saveVisits: (visits) => tell(`visits ${visits.map(({ client }) => client).join(' ')}`),
    ingest: () => Promise.resolve([]),
    saveSealed: () => Promise.resolve([]),
    clientFacts: () => Promise.resolve(new Map()),
    saveStateDisks: () => Promise.resolve([]),
  };
  return { store, told };
}

test('what the database was not told is told in order and then forgotten', async () => {
  const dir = freshDir();
  for (const number of [2, 11, 1]) {
    const start = startOf(number);
    const journal = startJournal(dir, start);
    journal.visits([visitOf(start, `a${number}`), visitOf(start, `b${number}`)]);
    journal.end(endOf(start));
  }
  const { store, told } = tellTale();
  const replay = await replayJournals(dir, store, 99_000);
  assert.deepEqual(replay, { runs: 3, visits: 6, refused: 0, dropped: 0, left: 0 });
  assert.deepEqual(
    told,
    [1, 2, 11].flatMap((number) => [`end run-${number} finished 1/1`, `visits a${number} b${number}`]),
  );
  assert.deepEqual(readdirSync(dir), []);
});

test('a run that left no end was killed, and its last line may be cut off', async () => {
  const dir = freshDir();
  const start = startOf(1);
  startJournal(dir, start).visits([visitOf(start, 'a'), visitOf(start, 'b', false)]);
  const [name = ''] = readdirSync(dir);
  appendFileSync(path.join(dir, name), '{"kind":"end","end":{"id":"run-1","outc');
  const { store, told } = tellTale();
  await replayJournals(dir, store, 99_000);
  assert.deepEqual(told, ['end run-1 failed 1/2', 'visits a b']);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test('a journal whose beginning is lost is passed over', async () => {
  const dir = freshDir();
  startJournal(dir, startOf(1));
  writeFileSync(path.join(dir, '000000000000002-x.jsonl'), '\0\0\0\0');
  const { store, told } = tellTale();
  await replayJournals(dir, store, 99_000);
  assert.deepEqual(told, ['end run-1 failed 0/0']);
  assert.deepEqual(readdirSync(dir), []);
});

test('a database that is away again stops the replay without loss; one that refuses a run is not asked for ever', async () => {
  const dir = freshDir();
  for (const number of [1, 2]) startJournal(dir, startOf(number)).end(endOf(startOf(number)));
  const away = tellTale(() => 'storage-unavailable');
  await assert.rejects(replayJournals(dir, away.store, 99_000), { code: 'storage-unavailable' });
  assert.equal(readdirSync(dir).length, 2);
  const refusing = tellTale(() => 'storage-failed');
  assert.deepEqual(await replayJournals(dir, refusing.store, 99_000), {
    runs: 0,
    visits: 0,
    refused: 2,
    dropped: 0,
    left: 0,
  });
  assert.deepEqual(readdirSync(dir), []);
});

test('beyond its bound the oldest journals go', () => {
  const dir = freshDir();
  for (const number of [1, 2, 3]) startJournal(dir, startOf(number));
  const [first = ''] = readdirSync(dir);
  const { size } = statSync(path.join(dir, first));
  const { kept, dropped } = boundJournals(dir, 2 * size);
  assert.deepEqual(
    [kept.map((file) => path.basename(file).slice(0, 15)), dropped],
    [['000000000002000', '000000000003000'], 1],
  );
});

test('what the database takes is not kept', async () => {
  const dir = freshDir();
  const start = startOf(1);
  const { store, told } = tellTale();
  const faults: FleetError[] = [];
  const record = startRunRecord({
    store,
    journal: journalOf(dir, start),
    start,
    onFault: (fault) => faults.push(fault),
  });
  for (let number = 0; number < 450; number++) record.visit(visitOf(start, `c${number}`));
  await record.end(endOf(start));
  assert.deepEqual(
    told.map((line) => line.split(' ', 1)[0]),
    ['start', 'visits', 'visits', 'visits', 'end'],
  );
  assert.deepEqual([faults, readdirSync(dir)], [[], []]);
});

test('a journal that cannot be written is a fault of the run, told once the database is told', async () => {
  const dir = freshDir();
  writeFileSync(dir, 'a file where the folder should be');
  const start = startOf(1);
  const { store, told } = tellTale();
  const faults: FleetError[] = [];
  const record = startRunRecord({
    store,
    journal: journalOf(dir, start),
    start,
    onFault: (fault) => faults.push(fault),
  });
  record.visit(visitOf(start, 'a'));
  await record.end(endOf(start));
  assert.deepEqual(told, ['start run-1', 'visits a', 'end run-1 finished 1/1']);
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['spool-full'],
  );
});

test('once the database is gone, everything that follows is kept', async () => {
  const dir = freshDir();
  const start = startOf(1);
  let gone = false;
  const { store } = tellTale(() => (gone ? 'storage-unavailable' : null));
  const faults: FleetError[] = [];
  const record = startRunRecord({
    store,
    journal: journalOf(dir, start),
    start,
    onFault: (fault) => faults.push(fault),
  });
  for (let number = 0; number < 200; number++) record.visit(visitOf(start, `c${number}`));
  await new Promise((resolve) => setImmediate(resolve));
  gone = true;
  for (let number = 200; number < 250; number++) record.visit(visitOf(start, `c${number}`));
  await record.end(endOf(start));
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['storage-unavailable'],
  );
  const { store: later, told } = tellTale();
  const replay = await replayJournals(dir, later, 99_000);
  assert.equal(replay.visits, 50);
  assert.equal(told[0], 'end run-1 finished 1/1');
});
