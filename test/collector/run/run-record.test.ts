/** The record of a run: documents first, then the database, and what becomes of records that one of both refuses. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { RunDocuments } from '../../../src/collector/inbox/run-documents.ts';
import type { KeptFacts } from '../../../src/collector/inbox/stored-files.ts';
import { RunRecord, type RunRecordOptions } from '../../../src/collector/run/run-record.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import type { VisitRecord } from '../../../src/storage/store/storage.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const root = tempFolder();
const start = runStart({ id: 'run-1' });
const end = runEnd(start);
const named = (visits: readonly VisitRecord[]): string => visits.map(({ client }) => client).join(' ');
const visitOf = (client: string): VisitRecord => visit({ client });
const away = new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'away' });
const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
let places = 0;

interface Broken {
  /** The step that throws this, by its line: `write begin`, `store visits a b`. */
  readonly faultOf?: (step: string) => Error | null;
  readonly keep?: RunRecordOptions['keep'];
  readonly isAway?: boolean;
}

/** Makes a record. `steps` has what was written, stored and kept, in order. */
function makeRecord({ faultOf = () => null, keep, isAway = false }: Broken = {}) {
  const dir = path.join(root, String(places++));
  mkdirSync(dir);
  const steps: string[] = [];
  const faults: FleetError[] = [];
  const took = (step: string): void => {
    const fault = faultOf(step);
    if (fault !== null) throw fault;
    steps.push(step);
  };
  const written = (name: string, step: string): string => {
    took(`write ${step}`);
    writeFileSync(path.join(dir, name), name);
    return path.join(dir, name);
  };
  let parts = 0;
  const documents: RunDocuments = {
    begin: () => took('write begin'),
    visits: (visits) => Promise.resolve().then(() => written(`part-${(parts += 1)}`, `visits ${named(visits)}`)),
    end: ({ outcome }) => written('end', `end ${outcome}`),
    close: () => took('write close'),
  };
  const stored = (step: string): Promise<void> => Promise.resolve().then(() => took(`store ${step}`));
  const store: RunRecordOptions['store'] = {
    startRun: ({ id }) => stored(`start ${id}`),
    saveVisits: (visits) => stored(`visits ${named(visits)}`),
    endRun: ({ id }, { outcome }) => stored(`end ${id} ${outcome}`),
  };
  const kept = (file: string, facts?: KeptFacts): void => took(`keep ${path.basename(file)} ${facts?.bytes}`);
  const onFault = (fault: FleetError): void => void faults.push(fault);
  const record = new RunRecord({ ...{ store: isAway ? null : store, documents, keep: keep ?? kept }, start, onFault });
  const hasPart = (name: string): boolean => existsSync(path.join(dir, name));
  return { record, steps, codes: () => faults.map(({ code, stage }) => `${code} ${stage}`), hasPart };
}

test('a record is written before it is stored, and kept afterwards; the run’s end comes last', async () => {
  const { record, steps, codes } = makeRecord();
  assert.deepEqual(steps, ['write begin'], 'a kill now leaves a record');
  record.visit(visitOf('a'));
  record.visit(visitOf('b'));
  assert.deepEqual(await record.end(end), end);
  assert.deepEqual(steps, [
    ...['write begin', 'store start run-1', 'write visits a b', 'store visits a b', 'keep part-1 6'],
    ...['write end finished', 'store end run-1 finished', 'keep end 3', 'write close'],
  ]);
  assert.deepEqual(codes(), []);
});

test('a run without visits has a start and an end', async () => {
  const { record, steps } = makeRecord();
  await record.end(end);
  const done = ['write begin', 'store start run-1', 'write end finished', 'store end run-1 finished'];
  assert.deepEqual(steps, [...done, 'keep end 3', 'write close']);
});

test('visits are stored by the 200, in their order, before the run ends', async () => {
  const { record, steps } = makeRecord();
  const clients = Array.from({ length: 401 }, (_, at) => `c${at}`);
  for (const client of clients.slice(0, 199)) record.visit(visitOf(client));
  await new Promise(setImmediate);
  assert.equal(steps.filter((step) => step.startsWith('write visits')).length, 0);
  record.visit(visitOf('c199'));
  await new Promise(setImmediate);
  assert.equal(steps.filter((step) => step.startsWith('store visits')).length, 1);
  for (const client of clients.slice(200)) record.visit(visitOf(client));
  await record.end(end);
  const stored = steps.filter((step) => step.startsWith('store visits ')).map((step) => step.slice(13));
  assert.deepEqual(
    stored.map((batch) => batch.split(' ').length),
    [200, 200, 1],
  );
  assert.deepEqual(stored.join(' '), clients.join(' '));
});

test('while the database is away the records wait in documents, and no record is lost', async () => {
  const { record, steps, codes } = makeRecord({ isAway: true });
  record.visit(visitOf('a'));
  assert.equal((await record.end(end)).outcome, 'finished');
  assert.deepEqual([steps, codes()], [['write begin', 'write visits a', 'write end finished'], []]);
});

for (const [what, failing, others] of [
  ['the start', 'store start run-1', ['write visits a', 'write end finished']],
  ['the visits', 'store visits a', ['store start run-1', 'write visits a', 'write end finished']],
  [
    'the end',
    'store end run-1 finished',
    ['store start run-1', 'write visits a', 'store visits a', 'keep part-1 6', 'write end finished'],
  ],
] as const) {
  test(`a database that goes away before ${what}: it is asked no more, and the documents wait`, async () => {
    const { record, steps, codes } = makeRecord({ faultOf: (step) => (step === failing ? away : null) });
    record.visit(visitOf('a'));
    assert.equal((await record.end(end)).outcome, 'finished');
    assert.deepEqual(steps, ['write begin', ...others]);
    assert.deepEqual(codes(), ['storage-unavailable storage']);
  });
}

test('a visit that the database refuses waits alone in a document, and the others are kept', async () => {
  const refuses = (step: string): Error | null =>
    /^store visits .*\bbad\b/.test(step) ? new RangeError('Invalid time value') : null;
  const { record, steps, codes, hasPart } = makeRecord({ faultOf: refuses });
  for (const client of ['a', 'bad', 'b']) record.visit(visitOf(client));
  assert.equal((await record.end(end)).outcome, 'finished');
  assert.deepEqual(
    steps.filter((step) => /visits|keep part/.test(step)),
    [
      ...['write visits a bad b', 'store visits a', 'store visits b'],
      ...['write visits bad', 'write visits a b', 'keep part-3 6'],
    ],
  );
  assert.deepEqual([hasPart('part-1'), hasPart('part-2'), codes()], [false, true, []]);
});

test('of visits that are all refused no second document is written', async () => {
  const refuses = (step: string): Error | null => (step.startsWith('store visits') ? new RangeError('Invalid') : null);
  const { record, steps } = makeRecord({ faultOf: refuses });
  record.visit(visitOf('bad'));
  await record.end(end);
  const ofVisits = steps.filter((step) => step.includes('visits'));
  assert.deepEqual(ofVisits, ['write visits bad', 'write visits bad']);
});

for (const [what, isAway, failing, outcome] of [
  ['full, and the database has everything', false, /^write/, 'finished'],
  ['full, and the database away', true, /^write/, 'failed'],
  ['full for visits alone, and the database away', true, /^write visits/, 'failed'],
  ['full for the start alone, and the database away', true, /^write begin/, 'finished'],
  ['full for the end alone, and the database away', true, /^write end/, 'failed'],
] as const) {
  test(`a run is ${outcome} if the disk is ${what}; the fault is told once`, async () => {
    const { record, codes } = makeRecord({ isAway, faultOf: (step) => (failing.test(step) ? full : null) });
    record.visit(visitOf('a'));
    assert.deepEqual(await record.end(end), { ...end, outcome });
    assert.deepEqual(codes(), ['state-unusable spool']);
  });
}

test('a run that lost its visits is failed in the documents and in the database', async () => {
  const { record, steps } = makeRecord({
    faultOf: (step) => (step === 'write visits a' ? full : step === 'store visits a' ? away : null),
  });
  record.visit(visitOf('a'));
  await record.end(end);
  assert.deepEqual(steps, ['write begin', 'store start run-1', 'write end failed']);
});

test('a document that cannot be kept is a fault of the state folder, and fails no run', async () => {
  const keep = (): never => {
    throw full;
  };
  const { record, steps, codes } = makeRecord({ keep });
  assert.equal((await record.end(end)).outcome, 'finished');
  assert.deepEqual(codes(), ['state-unusable spool']);
  assert.equal(steps.at(-1), 'write close');
});
