/** Runs over a storage in memory, of a fleet without clients: what a run does before and after its visits. */
import assert from 'node:assert/strict';
import fs, { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { CollectorRun } from '../../../src/collector/collect-options.ts';
import { documentName } from '../../../src/collector/inbox/document-files.ts';
import { documentsOf } from '../../../src/collector/inbox/origins.ts';
import { storedBase } from '../../../src/collector/inbox/stored-files.ts';
import { makeRun } from '../../../src/collector/run/make-run.ts';
import type { KeyRing } from '../../../src/collector/keys/key-ring.ts';
import type { Client } from '../../../src/config/config.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { dayMs, hourMs, minuteMs, secondMs } from '../../../src/platform/units.ts';
import { generateKeyPair, privateKeysOf } from '../../../src/report/seal/key-pair.ts';
import { idFrom } from '../../../src/state-folder/collector-id.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import type { RunEnd } from '../../../src/storage/store/run.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { bundles, collectorConfig, makeClient, makeConfig } from '../../support/fleets/fleet.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const key = generateKeyPair();
/** An hour ahead of the disk, so that whatever was kept before is old. */
const nowMs = Date.now() + hourMs;
const start = runStart({ id: idFrom('now'), startedAtMs: nowMs });
const away = new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'away' });

interface Given extends Partial<Pick<CollectorRun, 'signal'>> {
  readonly clients?: readonly Client[];
  /** The size of `<collector spool>`. Default: large. */
  readonly spoolBytes?: number;
  readonly scope?: 'full' | 'filtered';
  /** False if another machine opens the reports. */
  readonly opens?: boolean;
  /** The step of the database that fails. */
  readonly broken?: string;
  /** Called with each batch of visits. */
  readonly onVisits?: (visits: number) => void;
  /** True for the rows that the database has forgotten, by their ids. */
  readonly isForgotten?: (id: string) => boolean;
}

/** Returns a run, and the steps of the database. */
function makeKit(t: TestContext, given: Given = {}) {
  const { scope = 'full', opens = true, onVisits = () => undefined, isForgotten = () => false } = given;
  const { clients = [], spoolBytes = collectorConfig.spoolBytes } = given;
  const paths = statePaths(tempFolder(t));
  const steps: string[] = [];
  const ends: RunEnd[] = [];
  const step = async <T>(name: string, value: T): Promise<T> => {
    if (name === given.broken) throw await Promise.resolve(away);
    steps.push(name);
    return value;
  };
  const storage = {
    reports: {
      clientFacts: () => step('facts', new Map()),
      saveLabels: () => step('labels', undefined),
      startRun: () => step('start', undefined),
      endRun: (_: unknown, end: RunEnd) => step('end', ends.push(end)),
      saveRuns: (runs: readonly unknown[]) => step(`runs ${runs.length}`, undefined),
      saveVisits: (visits: readonly unknown[]) => {
        onVisits(visits.length);
        return step(`visits ${visits.length}`, undefined);
      },
      saveStateDisks: () => step('disks', []),
    },
    events: { saveEvents: () => Promise.resolve() },
    stored: {
      present: ({ runs }: { readonly runs: ReadonlySet<string> }) =>
        Promise.resolve({ runs: new Map([...runs].filter((id) => !isForgotten(id)).map((id) => [id, true])) }),
      pruneNowMs: () => Promise.resolve(nowMs),
      server: () => Promise.resolve(null),
    },
    elsewhere: () => Promise.resolve(null),
    retention: { prune: () => step('prune', {}) },
    history: { lastRun: (program: string) => step(`last ${program}`, null) },
    fleet: { sealedWaiting: () => step('sealed', []) },
    close: () => step('close', undefined),
  };
  const keyRing: KeyRing = {
    ...{ sealing: key, opening: opens ? privateKeysOf([key]) : null, made: false },
    known: { has: () => true, describeMissing: () => assert.fail() },
  };
  const run = async () => {
    const notes: string[] = [];
    const { exitStatus, faults, restored } = await makeRun({
      ...{ paths, keyRing, bundles, start: { ...start, scope } },
      ...{ only: null, retries: 0, dryRun: false, host: 'here', signal: new AbortController().signal },
      config: makeConfig(paths.dir, clients, { spoolBytes }),
      ...{ now: () => nowMs, transportFor: () => assert.fail('there is no client'), ...given },
      openStorage: () => step('open', storage as unknown as Storage),
      observe: (event) => {
        if (event.kind === 'note') notes.push(event.message);
      },
    });
    return { exitStatus, faults: faults.map(({ code }) => code), restored, notes };
  };
  const documents = documentsOf(paths, { kind: 'collector' });
  mkdirSync(documents, { recursive: true });
  const put = (atMs: number, content: string): void =>
    writeFileSync(path.join(documents, documentName(atMs, idFrom(String(atMs)))), content);
  return { paths, steps, ends, run, documents, put };
}

/** Makes the disk as full as said, for the test. */
function fillDisk(t: TestContext, freePercent: number): void {
  t.mock.method(fs, 'statfsSync', () => ({
    blocks: 1000,
    bfree: 10 * freePercent,
    bavail: 10 * freePercent,
    bsize: 1,
  }));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

const watched = ['prune', 'disks', 'last alert'];
for (const [what, given, after, faults = [], freePercent = 50] of [
  ['of the whole fleet', {}, watched],
  ['of some clients', { scope: 'filtered' }, ['disks']],
  ['that a signal ended', { signal: AbortSignal.abort() }, ['disks']],
  ['that opens nothing', { opens: false }, ['last alert', 'sealed']],
  ['whose row the database does not take', { broken: 'start' }, ['disks'], ['storage-unavailable']],
  ['whose old rows cannot be removed', { broken: 'prune' }, ['disks', 'last alert'], ['storage-unavailable']],
  ['on a disk that is nearly full', {}, watched, ['disk-low'], 9],
  ['on such a disk whose rows are not taken', { broken: 'start' }, ['disks'], ['storage-unavailable'], 9],
] satisfies readonly [string, Given, readonly string[], (readonly string[])?, number?][]) {
  test(`a run ${what} does at its end: ${after.join(', ')}`, async (t) => {
    fillDisk(t, freePercent);
    const { run, steps } = makeKit(t, given);
    const result = await run();
    assert.deepEqual(
      steps.slice(steps.indexOf('end') + 1).filter((one) => !/^(?:open|facts|labels|start)$/.test(one)),
      [...after, 'close'],
    );
    assert.deepEqual(result.faults, faults);
  });
}

test('a run whose database was away until now asks for no other program, as they had no turn either', async (t) => {
  const { run, steps, put, paths } = makeKit(t);
  put(1, JSON.stringify({ run: { start: runStart({}), end: null }, visits: [visit({})] }));
  await run();
  assert.equal(readdirSync(paths.stored).join(), `${storedBase(start)}.8192`, 'the folder of what it stored is ended');
  assert.deepEqual(steps, ['open', 'visits 1', 'facts', 'labels', 'start', 'end', 'prune', 'disks', 'close']);
});

for (const [what, batchMs, count, left] of [
  ['are stored after the visits', 2 * secondMs, 2001, 1],
  ['wait for the next run if its deadline is over', 30 * secondMs, 2000, 2],
] as const) {
  test(`records for which there was no time ${what}`, async (t) => {
    let clockMs = 1000;
    t.mock.method(performance, 'now', () => clockMs);
    let stored = 0;
    const onVisits = (visits: number): void => {
      stored += visits;
      clockMs += batchMs;
    };
    const { run, put, documents } = makeKit(t, { onVisits });
    put(1, '{');
    put(2, JSON.stringify({ visits: Array.from({ length: 2000 }, () => visit({})) }));
    put(3, JSON.stringify({ visits: [visit({})] }));
    await run();
    assert.equal(stored, count);
    // A record of another form is tried again by the next run, and not by this one.
    const names = readdirSync(documents);
    assert.deepEqual([names.length, names[0]?.endsWith('.again.json')], [left, true]);
  });
}

/** Makes the folders in stored/ of four runs that have ended. A later run has looked at all but the last. */
function keepRuns({ stored }: CollectorRun['paths']): readonly string[] {
  return [1, 2, 3, 4].map((startedAtMs) => {
    const base = storedBase({ startedAtMs, id: idFrom(String(startedAtMs)) });
    const dir = path.join(stored, `${base}.4096${startedAtMs === 4 ? '' : '.seen'}`);
    mkdirSync(dir, { recursive: true });
    const begun = runStart({ id: idFrom(String(startedAtMs)), startedAtMs: nowMs - minuteMs });
    const run = { start: begun, end: runEnd(begun) };
    writeFileSync(path.join(dir, `inbox+collector+${base}.json`), JSON.stringify({ run }));
    return dir;
  });
}

test('a run whose database has lost nothing removes what is old from stored/, and its row says so', async (t) => {
  const { run, paths, ends } = makeKit(t);
  const [oldest = ''] = keepRuns(paths);
  const { restored } = await run();
  assert.equal(existsSync(oldest), false);
  const nothing = { reports: 0, records: 0, fromMs: null, toMs: null, note: null };
  assert.deepEqual([restored, ends[0]?.restored], [nothing, nothing]);
});

test('a run whose database has forgotten rows stores them again, counts them, and removes nothing', async (t) => {
  const { run, paths, steps, ends } = makeKit(t, { isForgotten: (id) => id === idFrom('4') });
  const [oldest = ''] = keepRuns(paths);
  const { restored, notes } = await run();
  assert.ok(steps.includes('runs 1'), steps.join());
  assert.deepEqual([restored?.records, ends[0]?.restored?.records, notes.length], [1, 1, 2], notes.join('\n'));
  assert.equal(existsSync(oldest), true);
  // The row has it: the next run does not count it again.
  assert.equal(existsSync(path.join(paths.stored, 'restored.json')), false);
});

test('what is kept in stored/ is within <collector spool>, and what went early is counted for people', async (t) => {
  const { run, paths } = makeKit(t, { spoolBytes: 3 * 4096 });
  keepRuns(paths);
  const { notes } = await run();
  const folders = readdirSync(paths.stored).map((name) => Number(name.slice(0, 15)));
  assert.deepEqual(folders, [3, 4, nowMs]);
  assert.match(
    notes.join(),
    /^\S+: of what the database has confirmed, 2 folders went early: <collector spool> is full$/,
  );
});

for (const [pushing, line] of [
  [[], '2 sealed reports wait from earlier runs'],
  [['web-2'], '1 sealed report waits from earlier runs'],
  [['web-1', 'web-2'], undefined],
] as const) {
  test(`sealed reports of visits that wait are counted for people: ${line ?? 'none'}`, async (t) => {
    const clients = pushing.map((name) => makeClient(name, { arrival: { kind: 'comes', everyMs: dayMs } }));
    const { run, paths } = makeKit(t, { opens: false, clients });
    for (const client of ['web-1', 'web-2']) {
      mkdirSync(path.join(paths.encryptedStats, client), { recursive: true });
      writeFileSync(path.join(paths.encryptedStats, client, `${idFrom('report')}.fhs`), '');
    }
    const { notes } = await run();
    assert.equal(
      notes.find((note) => note.includes('from earlier runs')),
      line,
    );
  });
}
