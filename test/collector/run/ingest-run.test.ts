/** Runs of `ingest` over a storage in memory: their rows, their exit statuses, and what they do beside the reports. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import type { CollectEvent } from '../../../src/collector/collect-options.ts';
import { storedFolders } from '../../../src/collector/inbox/stored-files.ts';
import { loadKeyRing } from '../../../src/collector/keys/key-ring.ts';
import { ingestRun, type IngestRunResult } from '../../../src/collector/run/ingest-run.ts';
import { openSealedSpool } from '../../../src/collector/sealed-reports/sealed-spool.ts';
import type { Client } from '../../../src/config/config.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { minuteMs, secondMs } from '../../../src/platform/units.ts';
import { generateKeyPair } from '../../../src/report/seal/key-pair.ts';
import { takeLock } from '../../../src/state-folder/lock.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import type { RunEnd, RunStart } from '../../../src/storage/store/run.ts';
import type { SealedRow } from '../../../src/storage/store/sealed-store.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { sealedSample } from '../../support/clients/sealed-report.ts';
import { makeClient, makeConfig } from '../../support/fleets/fleet.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const root = tempFolder();
let places = 0;
const nowMs = Date.now();
/** The database's clock is a minute ahead. */
const databaseMs = nowMs + minuteMs;
const everyMs = 5 * minuteMs;
const awayAt = (step: string): FleetError =>
  new FleetError({ code: 'storage-unavailable', stage: 'storage', message: `away at ${step}` });
const stranger = generateKeyPair();
const arrived = { receivedAtMs: nowMs - secondMs, clock: null };

interface Given {
  /** The sealed reports of the database: for this machine's key, for another key, or damaged. */
  readonly sealed?: readonly ('own' | 'strange' | 'damaged')[];
  /** The answer to each stored report. */
  readonly kind?: 'stored' | 'duplicate';
  /** The age of the last run of `ingest`; null if none ever ran. */
  readonly lastMs?: number | null;
  readonly keyless?: number;
  readonly clients?: readonly Client[];
  /** The steps that throw that the database is away. */
  readonly broken?: RegExp;
  readonly hasKey?: boolean;
  /** A step at whose end the run is interrupted. */
  readonly endedAt?: string;
}

/** Makes a machine that opens reports. `steps` has what it asks of the storage, `rows` the runs it has stored. */
function makeOpener(given: Given = {}) {
  const { sealed = [], kind = 'stored', lastMs = null, keyless = 0, clients = [makeClient('web-1')] } = given;
  const paths = statePaths(path.join(root, String(places++)));
  const key = given.hasKey === false ? stranger : loadKeyRing(paths, nowMs).sealing;
  const rows = new Map<number, SealedRow>();
  for (const [at, what] of sealed.entries()) {
    const { id: keyId } = what === 'strange' ? stranger : key;
    const client = `c${at}`;
    const sample = sealedSample({ key: what === 'strange' ? stranger : key, header: { client }, inside: { client } });
    if (what === 'damaged') sample.sealed.fill(0, sample.sealed.length - 8);
    rows.set(at + 1, { id: at + 1, client, keyId, receivedAtMs: nowMs, clock: null, ...sample });
  }
  const steps: string[] = [];
  const runs: { readonly start: RunStart; readonly end: RunEnd }[] = [];
  const events: CollectEvent[] = [];
  const ending = new AbortController();
  const step = async <T>(name: string, value: T): Promise<T> => {
    if (given.broken?.test(name) === true) throw await Promise.resolve(awayAt(name));
    steps.push(name);
    if (name === given.endedAt) ending.abort();
    return value;
  };
  const storage = {
    nowMs: () => Promise.resolve(databaseMs),
    reports: {
      endRun: (start: RunStart, end: RunEnd) => step('endRun', runs.push({ start, end })),
      saveLabels: (named: readonly Client[]) => step(`labels ${named.map(({ name }) => name).join(' ')}`, undefined),
      clientFacts: () => step('facts', new Map()),
      ingest: (items: readonly { readonly sealedRow?: number }[]) => {
        for (const { sealedRow = 0 } of items) rows.delete(sealedRow);
        return step(
          `ingest ${items.length}`,
          items.map(() => ({ kind })),
        );
      },
    },
    retention: { prune: () => step('prune', {}) },
    history: {
      lastRun: (program: string) =>
        step(`last ${program}`, lastMs === null ? null : { startedAtMs: databaseMs - lastMs }),
    },
    sealed: {
      waiting: (choice: unknown, after: { readonly id: number } | null) =>
        Promise.resolve(
          [...rows.values()]
            .filter(({ id }) => choice === 'unseen' && id > (after?.id ?? 0))
            .map(({ id, receivedAtMs, sealed: { length: sizeBytes } }) => ({ id, receivedAtMs, sizeBytes })),
        ),
      read: (ids: readonly number[]) => Promise.resolve(ids.flatMap((id) => rows.get(id) ?? [])),
      mark: (ids: readonly number[], code: string) => step(`mark ${ids.length} ${code}`, undefined),
      remove: (ids: readonly number[]) => step(`remove ${ids.length}`, undefined),
      removeKeyless: (atMs: number, keptMs: number) => step(`keyless ${atMs - nowMs} ${keptMs}`, keyless),
    },
    close: () => step('close', undefined),
  };
  const run = (): Promise<IngestRunResult> =>
    ingestRun({
      config: makeConfig(paths.dir, clients, { everyMs }),
      openStorage: () => step('open', storage as unknown as Storage),
      signal: ending.signal,
      observe: (event) => void events.push(event),
      now: () => nowMs,
      host: 'opener',
    });
  return { ...{ paths, key, steps, runs, events, rows, run }, end: () => runs.at(-1)?.end };
}

/** Takes a lock as another program does. Returns its release. */
async function held(file: string, atMs = nowMs): Promise<() => void> {
  const lock = await takeLock({ file, nowMs: atMs });
  return lock.kind === 'held' ? lock.release : assert.fail('the lock is taken');
}

test('a run stores the labels, opens what waits, and has a row under the database’s clock', async () => {
  const { run, steps, runs, events } = makeOpener({ sealed: ['own', 'own'] });
  const { runId, startedAtMs, finishedAtMs, outcome, exitStatus, holder, faults } = await run();
  const done = ['open', 'labels web-1', 'ingest 2', 'endRun', 'prune', `keyless 0 ${30 * 24 * 60 * minuteMs}`, 'close'];
  assert.deepEqual(steps, done);
  assert.deepEqual([startedAtMs, finishedAtMs, outcome, exitStatus], [databaseMs, databaseMs, 'finished', 0]);
  assert.deepEqual([holder, faults, events], [null, [], []]);
  const [{ start, end } = assert.fail('no row')] = runs;
  assert.deepEqual(start, {
    ...{ id: runId, program: 'ingest', collectorId: '', host: 'opener', scope: 'full' },
    ...{ configDigest: '0'.repeat(64), startedAtMs: databaseMs },
  });
  const { cpuMs, maxRssBytes, ...counts } = end;
  assert.ok(cpuMs > 0 && maxRssBytes > 0);
  assert.deepEqual(counts, {
    ...{ id: runId, outcome: 'finished', finishedAtMs: databaseMs },
    ...{ clients: 2, succeeded: 2, failed: 0, skipped: 0 },
  });
});

for (const [what, given, exitStatus, counts] of [
  ['reports that came twice', { sealed: ['own'], kind: 'duplicate' }, 0, [1, 0, 0]],
  ['a report without a key here', { sealed: ['own', 'strange'] }, 1, [1, 0, 1]],
  ['a damaged report', { sealed: ['own', 'own', 'damaged'] }, 1, [2, 1, 0]],
] as const) {
  test(`a run with ${what} ends with status ${exitStatus}, and counts it in its row`, async () => {
    const { run, end } = makeOpener(given);
    assert.equal((await run()).exitStatus, exitStatus);
    const { succeeded, failed, skipped } = end() ?? assert.fail('no row');
    assert.deepEqual([succeeded, failed, skipped], counts);
  });
}

for (const [what, lastMs, given, hasRow] of [
  ['none ever ran', null, {}, true],
  ['the last row is half of `every` old', everyMs / 2, {}, true],
  ['the last row is younger', everyMs / 2 - 1, {}, false],
  ['the last row is younger, and a report was stored', 0, { sealed: ['own'] }, true],
  ['the last row is younger, and a report came twice', 0, { sealed: ['own'], kind: 'duplicate' }, true],
  ['the last row is younger, and a report has no key', 0, { sealed: ['strange'] }, true],
  ['the last row is younger, and a report is damaged', 0, { sealed: ['damaged'] }, true],
] as const) {
  test(`a run ${hasRow ? 'leaves a row and prunes' : 'leaves no row and prunes nothing'}: ${what}`, async () => {
    const { run, steps, runs } = makeOpener({ ...given, lastMs });
    const { outcome } = await run();
    assert.deepEqual([outcome, runs.length, steps.includes('prune')], ['finished', Number(hasRow), hasRow]);
    const isIdle = Object.keys(given).length === 0;
    assert.equal(steps.includes('last ingest'), isIdle, 'a run that did something need not ask');
  });
}

test('a run that is interrupted leaves its row with status 1, and prunes nothing', async () => {
  const { run, steps, end } = makeOpener({ lastMs: 0, endedAt: 'labels web-1' });
  const { outcome, exitStatus } = await run();
  assert.deepEqual([outcome, exitStatus, end()?.outcome], ['interrupted', 1, 'interrupted']);
  assert.deepEqual([steps.includes('prune'), steps.at(-1)], [false, 'close']);
});

test('sealed reports that no key has opened for too long are counted for people; none costs no line', async () => {
  const lines = async (keyless: number): Promise<readonly CollectEvent[]> => {
    const { run, events } = makeOpener({ keyless });
    await run();
    return events;
  };
  const message = '3 sealed reports went: they were older than what is kept, and no key here opened them';
  assert.deepEqual([await lines(0), await lines(3)], [[], [{ kind: 'note', message }]]);
});

for (const [what, clients, asked] of [
  ['with a former name', [makeClient('db-1'), makeClient('www-1', { was: 'web-1' })], true],
  ['without one', [makeClient('web-1')], false],
] as const) {
  test(`the names of clients ${what} are ${asked ? 'followed before labels' : 'not looked for'}`, async () => {
    const { run, steps } = makeOpener({ clients });
    await run();
    assert.deepEqual(steps.slice(1, 3), asked ? ['facts', 'labels db-1 www-1'] : ['labels web-1', 'last ingest']);
  });
}

test('a second run here ends as overlapped, names the first, and opens nothing', async () => {
  const { paths, run, steps, end, rows } = makeOpener({ sealed: ['own'] });
  const release = await held(paths.ingestLock, 5000);
  const { outcome, exitStatus, holder, startedAtMs, stored } = await run();
  release();
  assert.deepEqual([outcome, exitStatus, startedAtMs, stored], ['overlapped', 0, nowMs, 0]);
  assert.deepEqual(holder, { pid: process.pid, startedAtMs: 5000 });
  assert.deepEqual([steps, rows.size, end()?.outcome], [['open', 'endRun', 'close'], 1, 'overlapped']);
  assert.deepEqual([end()?.finishedAtMs, end()?.succeeded], [nowMs, 0]);
  assert.equal((await run()).stored, 1, 'the next run opens it');
});

test('a run that cannot be made is failed in its row if the database takes it, and says why', async () => {
  const failing = makeOpener({ broken: /^labels/ });
  const why = { code: 'storage-unavailable', message: 'away at labels web-1' };
  await assert.rejects(failing.run(), why);
  assert.deepEqual([failing.steps, failing.end()?.outcome], [['open', 'endRun', 'close'], 'failed']);
  assert.deepEqual([failing.end()?.finishedAtMs, failing.end()?.clients], [nowMs, 0]);
  const gone = makeOpener({ broken: /^(?:labels|endRun|close)/ });
  await assert.rejects(gone.run(), why);
  const keyless = makeOpener({ hasKey: false });
  await assert.rejects(keyless.run(), { code: 'keys-invalid' });
  assert.deepEqual([keyless.steps, keyless.end()?.outcome], [['open', 'endRun', 'close'], 'failed']);
  for (const { paths } of [failing, gone, keyless]) (await held(paths.ingestLock))();
});

for (const [what, isBusy, stored] of [
  ['are stored with those of the database', false, 2],
  ['wait while a collector is at work', true, 1],
] as const) {
  test(`sealed reports in files of this machine ${what}`, async () => {
    const { paths, key, run, end } = makeOpener({ sealed: ['own'] });
    const spool = openSealedSpool(paths.encryptedStats);
    await spool.add({ client: 'web-1', ...sealedSample({ key }), ...arrived });
    const release = isBusy ? await held(paths.lock) : null;
    const result = await run();
    release?.();
    assert.deepEqual([result.stored, result.exitStatus, end()?.succeeded], [stored, 0, stored]);
    assert.equal((await spool.scan(false)).reports.length, isBusy ? 1 : 0);
    // The folder of what the database has confirmed is complete.
    const kept = storedFolders(paths).map(({ bytes }) => bytes !== null);
    assert.deepEqual(kept, isBusy ? [] : [true]);
    (await held(paths.lock))();
  });
}
