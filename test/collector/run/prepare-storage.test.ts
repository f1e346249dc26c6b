import assert from 'node:assert/strict';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { CollectorRun } from '../../../src/collector/collect-options.ts';
import { documentName, documentsIn, removeStored } from '../../../src/collector/inbox/document-files.ts';
import { allowances, documentsOf } from '../../../src/collector/inbox/origins.ts';
import { keepPushedVisit, runDocuments } from '../../../src/collector/inbox/run-documents.ts';
import { prepareStorage, storeWaiting } from '../../../src/collector/run/prepare-storage.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import type { EventStore } from '../../../src/storage/store/event-store.ts';
import type { ReportStore } from '../../../src/storage/store/storage.ts';
import { idFrom } from '../../../src/state-folder/collector-id.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { makeClient, makeConfig } from '../../support/fleets/fleet.ts';
import { tempFolder } from '../../support/temp-folder.ts';

test('opening and reading have the time limit, migrations have none, and the run goes on without it', async (t) => {
  let limitMs: number | null = 0;
  const limits: Record<string, number | null> = {};
  const note = (step: string): void => void (limits[step] = limitMs);
  const clientFacts = (): Promise<ReadonlyMap<string, never>> => {
    note('reading');
    return Promise.resolve(new Map<string, never>());
  };
  const openStorage: CollectorRun['openStorage'] = ({ onMigrating }) => {
    note('opening');
    onMigrating();
    note('migrating');
    return Promise.resolve({ reports: { clientFacts } } as never);
  };
  const { signal } = new AbortController();
  const time = { signal, endIn: (ms: number | null) => void (limitMs = ms), explain: () => assert.fail() };
  const run = {
    ...{ openStorage, start: runStart({}), paths: statePaths(tempFolder(t)) },
    ...{ keyRing: { opening: null }, observe: () => undefined, config: makeConfig('/state', []) },
  } as unknown as CollectorRun;
  const given = { prepareMs: 9000, inboxMs: 4000 };
  const { facts } = await prepareStorage({ run, keep: removeStored, time, limits: given, onFault: assert.fail });
  note('visiting');
  assert.deepEqual(limits, { opening: 9000, migrating: null, reading: 9000, visiting: null });
  assert.equal(facts?.size, 0);
});

test('a run says how many records of earlier runs it has stored, and how many it could not', async (t) => {
  const dir = tempFolder(t);
  const paths = { inbox: path.join(dir, 'inbox'), setAside: path.join(dir, 'set-aside') };
  const folder = documentsOf(paths, { kind: 'collector' });
  const stored = async (changes: Partial<ReportStore> = {}): Promise<readonly string[]> => {
    const lines: string[] = [];
    const observe = (event: { readonly message?: string }): void => void lines.push(event.message ?? '');
    const done = (): Promise<void> => Promise.resolve();
    const reports = { saveRuns: done, saveVisits: done, ...changes } as unknown as ReportStore;
    const config = makeConfig('/state', []);
    const options = { paths, config, start: runStart({ id: 'now' }), observe } as unknown as CollectorRun;
    await storeWaiting(options, { reports, events: { saveEvents: done } as unknown as EventStore }, 4000, removeStored);
    return lines;
  };
  const start = runStart({});
  const documents = runDocuments(folder, start);
  documents.begin();
  await documents.visits([visit({}), visit({})]);
  documents.end(runEnd(start, {}));
  assert.deepEqual(await stored(), ['stored the records of 1 earlier run and 2 visits']);
  assert.deepEqual(await stored(), []);
  await keepPushedVisit(folder, visit({}));
  const refused = ['1 record of earlier runs cannot be stored'];
  assert.deepEqual(await stored({ saveVisits: () => Promise.reject(new RangeError('Invalid time value')) }), refused);
  assert.deepEqual(await stored(), [], 'visits without a run are not counted');
  assert.deepEqual(documentsIn(folder), [], 'what was refused is tried again');
  const foreign = documentsOf(paths, { kind: 'site', site: 'fra' });
  await keepPushedVisit(foreign, visit({ runId: idFrom('run') }));
  const strange = '1 record of site-fra do not count: they are not about its clients, or are too many or old';
  assert.deepEqual(await stored(), [strange]);
});

test('a run whose database is away goes on without it, and its documents keep to their bound', async (t) => {
  const paths = statePaths(tempFolder(t));
  const folder = documentsOf(paths, { kind: 'collector' });
  mkdirSync(folder, { recursive: true });
  const names = [1, 2].map((atMs) => documentName(atMs, idFrom(`${atMs}`)));
  for (const name of names) {
    writeFileSync(path.join(folder, name), '');
    truncateSync(path.join(folder, name), 130 * 2 ** 20);
  }
  const limits: (number | null)[] = [];
  const time = { signal: new AbortController().signal, endIn: (ms: number | null) => void limits.push(ms) };
  const run = { paths, openStorage: () => Promise.reject(new Error('away')) } as unknown as CollectorRun;
  const faults: string[] = [];
  const prepared = await prepareStorage({
    ...{ run, keep: removeStored, time: { ...time, explain: () => assert.fail() } },
    ...{ limits: { prepareMs: 9, inboxMs: 4 }, onFault: ({ code, message }) => faults.push(`${code}: ${message}`) },
  });
  const nothing = { opened: null, storage: null, facts: null, restored: null };
  assert.deepEqual(prepared, { ...nothing, wasAway: true, documentsLeft: 0 });
  assert.deepEqual([faults, limits], [['storage-failed: away'], [9, null]]);
  assert.deepEqual(
    documentsIn(folder).map((file) => path.basename(file)),
    names.slice(1),
  );
});

test('a collector that opens nothing neither renames nor labels, and one that does labels all clients', async (t) => {
  for (const opening of [null, {}]) {
    const labelled: number[] = [];
    const reports = {
      clientFacts: () => Promise.resolve(new Map()),
      saveLabels: (clients: readonly unknown[]) => Promise.resolve(void labelled.push(clients.length)),
    };
    const openStorage = () => Promise.resolve({ reports, events: {}, retention: {} });
    const run = {
      ...{ openStorage, start: runStart({}), paths: statePaths(tempFolder(t)), observe: () => undefined },
      ...{ keyRing: { opening }, config: makeConfig('/state', [makeClient('web-1')]) },
    } as unknown as CollectorRun;
    const time = { signal: new AbortController().signal, endIn: () => undefined, explain: () => assert.fail() };
    const limits = { prepareMs: 9000, inboxMs: 4000 };
    const { wasAway } = await prepareStorage({ run, keep: removeStored, time, limits, onFault: assert.fail });
    assert.deepEqual([labelled, wasAway], [opening === null ? [] : [1], false]);
  }
});

interface Waits {
  readonly inboxMs?: number;
  /** False if the database takes no visit. */
  readonly takesVisits?: boolean;
  /** Called when the database is asked for the rows of a folder in stored/. */
  readonly onAsked?: () => void;
}

/** Makes a folder of documents that wait, and prepares the storage of the run `now`. */
function waiting(t: TestContext) {
  const paths = statePaths(tempFolder(t));
  const folder = documentsOf(paths, { kind: 'collector' });
  const prepare = async ({ inboxMs = 4000, takesVisits = true, onAsked }: Waits = {}) => {
    const lines: string[] = [];
    const done = () => Promise.resolve();
    const saveVisits = () => (takesVisits ? done() : Promise.reject(new RangeError('Invalid time value')));
    const reports = { saveRuns: done, saveVisits, clientFacts: () => Promise.resolve(new Map()) };
    const present = () => {
      onAsked?.();
      return Promise.resolve({ reports: new Set(), runs: new Map(), visits: new Map(), events: new Set() });
    };
    const openStorage = () => Promise.resolve({ reports, events: { saveEvents: done }, stored: { present } });
    const run = {
      ...{ openStorage, start: now, paths, keyRing: { opening: null }, config: makeConfig('/state', []) },
      observe: (event: { readonly message?: string }) => void lines.push(event.message ?? ''),
    } as unknown as CollectorRun;
    const time = { signal: new AbortController().signal, endIn: () => undefined, explain: () => assert.fail() };
    const limits = { prepareMs: 9000, inboxMs };
    const prepared = await prepareStorage({ run, keep: removeStored, time, limits, onFault: assert.fail });
    const { wasAway, documentsLeft, restored } = prepared;
    return { wasAway, documentsLeft, restored, lines };
  };
  return { paths, folder, prepare };
}
const now = runStart({ id: idFrom('now') });
const earlier = runStart({ id: idFrom('earlier') });
const tooLarge = allowances.collector.maxBytes + 1;
const found = { reports: 0, records: 0, fromMs: null, toMs: null, note: null };

/** The documents that wait, and the words of the run: without any document the database was not away. */
const waitingOf: readonly (readonly [
  what: string,
  make: (folder: string) => unknown,
  options: Waits,
  expected: { readonly wasAway: boolean; readonly documentsLeft?: number; readonly lines?: readonly string[] },
])[] = [
  ['nothing', () => null, {}, { wasAway: false }],
  ['records of this run', (folder) => runDocuments(folder, now).visits([visit({})]), {}, { wasAway: false }],
  [
    'a run without visits',
    (folder) => runDocuments(folder, earlier).end(runEnd(earlier, {})),
    {},
    { wasAway: true, lines: ['stored the records of 1 earlier run and 0 visits'] },
  ],
  [
    'visits of a run without an end',
    (folder) => runDocuments(folder, earlier).visits([visit({})]),
    {},
    { wasAway: true },
  ],
  [
    'a visit that the database refuses',
    (folder) => runDocuments(folder, earlier).visits([visit({})]),
    { takesVisits: false },
    { wasAway: true, lines: ['1 record of earlier runs cannot be stored'] },
  ],
  [
    'more than the inbox takes',
    (folder) => {
      mkdirSync(folder, { recursive: true });
      const file = path.join(folder, documentName(1, idFrom('large')));
      writeFileSync(file, '');
      truncateSync(file, tooLarge);
    },
    {},
    { wasAway: true, lines: ['1 document of earlier runs went: the inbox was full'] },
  ],
  [
    'records for which there is no time',
    (folder) => runDocuments(folder, earlier).end(runEnd(earlier, {})),
    { inboxMs: 0 },
    { wasAway: true, documentsLeft: 1 },
  ],
];
for (const [what, make, options, { lines = [], documentsLeft = 0, wasAway }] of waitingOf) {
  test(`the database ${wasAway ? 'was away until now' : 'was there'}: what waits is ${what}`, async (t) => {
    const { folder, prepare } = waiting(t);
    await make(folder);
    assert.deepEqual(await prepare(options), { wasAway, documentsLeft, restored: found, lines });
    // A document for which there was no time is left, and one that failed once.
    if (documentsLeft > 0) assert.equal((await prepare()).lines.length, 1);
    if (options.takesVisits === false) assert.match((await prepare(options)).lines.join('\n'), /^.*set-aside.*$/m);
  });
}

test('the look at what was stored takes at most half of the time for the inbox', async (t) => {
  const { paths, folder, prepare } = waiting(t);
  for (const at of [1, 2]) {
    const base = `${String(at).padStart(15, '0')}-${idFrom(`${at}`)}`;
    mkdirSync(path.join(paths.stored, `${base}.4096`), { recursive: true });
  }
  runDocuments(folder, earlier).end(runEnd(earlier, {}));
  let nowMs = 1000;
  t.mock.method(performance, 'now', () => nowMs);
  let asked = 0;
  const onAsked = (): void => {
    asked += 1;
    nowMs += 500;
  };
  assert.equal((await prepare({ inboxMs: 1000, onAsked })).documentsLeft, 0);
  assert.equal(asked, 1);
});
