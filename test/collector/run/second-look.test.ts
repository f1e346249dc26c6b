// Second tier: losses of each kind, found by a second look.
import assert from 'node:assert/strict';
import fs, { copyFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { CollectResult } from '../../../src/collector/collect-options.ts';
import { EventDocuments } from '../../../src/collector/inbox/event-documents.ts';
import { noteForgotten, storedFiles, storedFolders } from '../../../src/collector/inbox/stored-files.ts';
import { loadKeyRing } from '../../../src/collector/keys/key-ring.ts';
import { lookAgain } from '../../../src/collector/run/second-look.ts';
import type { Config } from '../../../src/config/config.ts';
import { openSqlite } from '../../../src/platform/sqlite.ts';
import { minuteMs } from '../../../src/platform/units.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import type { NewEvent } from '../../../src/storage/store/event-store.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { runStart } from '../../storage/support/samples.ts';
import {
  makeClient,
  makeConfig,
  makeFleet,
  storageAway,
  type Fleet,
  type FleetOptions,
} from '../../support/fleets/fleet.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';

const event = (eventId: string): NewEvent => ({
  ...{ eventId, receivedAtMs: Date.now(), host: 'nas', service: 'backup', instance: '', status: 'OK' },
  ...{ description: '', tags: [], value: null, ttl: null, raw: null },
});
const rare = { skip: skipUnlessWide };
const clients = ['web-1', 'db-1'].map((name) => makeClient(name));

/** Makes a fleet whose runs are five minutes apart, beginning now. */
function makeRuns(given = clients) {
  const fleet = makeFleet();
  const beganMs = Date.now();
  let runs = 0;
  return {
    fleet,
    paths: statePaths(fleet.stateDir),
    run: async (more: FleetOptions = {}, listed = given): Promise<CollectResult> => {
      const atMs = beganMs + runs * 5 * minuteMs;
      runs += 1;
      const begun = performance.now();
      return await fleet.collect(listed, { now: () => atMs + performance.now() - begun, ...more });
    },
  };
}

const restoredOf = ({ restored }: CollectResult) => restored && [restored.reports, restored.records];

/** Returns the ids of all stored reports, sorted. */
const storedIds = async (fleet: Fleet): Promise<readonly unknown[]> =>
  await fleet.column('SELECT report_id FROM stats UNION ALL SELECT report_id FROM inventory_reports ORDER BY 1');

/** Copies the database, and returns a function that puts the copy back. */
function saveDatabase({ stateDir }: Fleet): () => void {
  const file = path.join(stateDir, 'fleet.db');
  copyFileSync(file, `${file}.saved`);
  return () => {
    for (const ending of ['-wal', '-shm']) rmSync(`${file}${ending}`, { force: true });
    copyFileSync(`${file}.saved`, file);
  };
}

test('what a database forgets is stored again by the next run, once, also when it forgets twice', async () => {
  const { fleet, run } = makeRuns();
  assert.deepEqual(restoredOf(await run()), [0, 0]);
  const putBack = saveDatabase(fleet);
  await run();
  await run();
  const before = await storedIds(fleet);
  for (const reports of [4, 6]) {
    putBack();
    const { restored, exitStatus } = await run();
    assert.equal(exitStatus, 0);
    assert.equal(restored?.reports, reports);
    assert.match(restored.note ?? '', /^the file .*fleet\.db$/);
  }
  const after = await storedIds(fleet);
  assert.equal(new Set(after).size, after.length);
  assert.deepEqual(
    before.filter((id) => !after.includes(id)),
    [],
  );
  assert.equal(await fleet.count('visits'), 5 * clients.length);
  assert.deepEqual(await fleet.column("SELECT outcome FROM runs WHERE outcome <> 'finished'"), []);
  assert.deepEqual(await fleet.column('SELECT restored_reports FROM runs ORDER BY started_at'), [0, 0, 0, 4, 6]);
  assert.deepEqual(fleet.sealedFiles(), []);
});

test('a new database gets what is kept, and people are told that it may be new', async () => {
  const { fleet, run } = makeRuns(clients.slice(0, 1));
  await run();
  for (const ending of ['', '-wal', '-shm']) rmSync(path.join(fleet.stateDir, `fleet.db${ending}`), { force: true });
  const { restored } = await run();
  // The first visit of a client brings a report, an inventory and the state of the machine.
  assert.equal(restored?.reports, 3);
  assert.match(restored.note ?? '', /fleet\.db; it held no run, perhaps because it is new$/);
});

test('what is there goes once it is old and two later runs have ended', async () => {
  const { fleet, paths, run } = makeRuns(clients.slice(0, 1));
  const bases = (): readonly string[] => storedFolders(paths).map(({ base }) => base);
  for (const kept of [1, 2, 3, 3, 3]) {
    await run({ collector: { keepStoredMs: 14 * minuteMs } });
    assert.equal(bases().length, kept);
  }
  await run({ collector: { keepStoredMs: 60 * minuteMs } });
  await run({ collector: { keepStoredMs: 0 } });
  // Each run keeps its report, the document of the visits and that of the end.
  const files = storedFolders(paths).map((folder) => storedFiles(folder).length);
  assert.deepEqual(files, [3, 3, 3]);
  await run({ openStorage: () => storageAway() });
  assert.equal(bases().length, 3, 'nothing is removed unasked');
  assert.equal(await fleet.count('stats'), 7);
});

test('a run of some length keeps its files for as long as promised, and no run longer', rare, async () => {
  const { fleet, paths, run } = makeRuns(clients.slice(0, 1));
  // The look at the beginning finds what the third run before has stored 14 minutes and 35 seconds ago.
  const runMs = 25_000;
  const lasting = async (index: number): Promise<void> => {
    const beganMs = Date.now() + 5 * index * minuteMs;
    let asked = 0;
    await run({ now: () => beganMs + (asked++ === 0 ? 0 : runMs) });
    for (const { dir, base } of storedFolders(paths).slice(-1)) {
      assert.ok(base.startsWith(String(beganMs).padStart(15, '0')), base);
      utimesSync(dir, (beganMs + runMs - 100) / 1000, (beganMs + runMs - 100) / 1000);
    }
  };
  for (const [index, kept] of [1, 2, 3, 3, 3].entries()) {
    await lasting(index);
    assert.equal(storedFolders(paths).length, kept);
  }
  assert.equal(await fleet.count('stats'), 5);
});

test('what was forgotten on purpose stays removed, also if a new client has its name', async () => {
  const { fleet, paths, run } = makeRuns(clients.slice(0, 1));
  const renewed = [...clients.slice(0, 1), makeClient('gone')];
  await run();
  await run({}, renewed);
  const storage = await fleet.openStorage();
  await storage.retention.forgetClient('gone', new AbortController().signal);
  await storage.close();
  assert.deepEqual(restoredOf(await run()), [0, 0]);
  assert.equal(await fleet.count("visits WHERE client = 'gone'"), 0);
  noteForgotten(paths, 'gone', Date.now() + 6 * minuteMs);
  assert.deepEqual(restoredOf(await run({}, renewed)), [0, 0]);
  assert.equal(await fleet.count("visits WHERE client = 'gone'"), 1);
});

test('a renamed client is found under its new name', async () => {
  const { run } = makeRuns();
  await run();
  const renamed = [makeClient('www-1', { was: 'web-1' }), ...clients.slice(1)];
  assert.deepEqual(restoredOf(await run({}, renamed)), [0, 0]);
  assert.deepEqual(restoredOf(await run({}, renamed)), [0, 0]);
});

test('a loss after a run that stored nothing is seen by the next run', async () => {
  const runs = makeRuns(clients.slice(0, 1));
  const { fleet, run } = runs;
  await run();
  const putBack = saveDatabase(fleet);
  await run();
  await lookAlone(runs);
  putBack();
  assert.equal((await run()).restored?.reports, 1);
  assert.equal(await fleet.count('stats'), 3);
});

/** Looks as a run seven minutes from now does, and ends then. */
async function lookAlone({ fleet, paths }: ReturnType<typeof makeRuns>, retention: Partial<Config['retention']> = {}) {
  const storage = await fleet.openStorage();
  const usual = makeConfig(fleet.stateDir, clients);
  const config = { ...usual, retention: { ...usual.retention, ...retention } };
  const start = runStart({ startedAtMs: Date.now() + 7 * minuteMs });
  const keyRing = loadKeyRing(paths, Date.now());
  const run = { paths, config, start, keyRing, observe: () => undefined };
  try {
    return await lookAgain({ run, storage, nowMs: start.startedAtMs, timeMs: 10_000 });
  } finally {
    await storage.close();
  }
}

test('a look that is killed after it has moved files back hides nothing and doubles nothing', async () => {
  const runs = makeRuns();
  const { fleet, run } = runs;
  await run();
  const putBack = saveDatabase(fleet);
  await run();
  putBack();
  const found = await lookAlone(runs);
  assert.equal(found?.reports, 2);
  assert.equal(fleet.sealedFiles().length, 2);
  assert.deepEqual(restoredOf(await run()), [2, 3]);
  assert.deepEqual(restoredOf(await run()), [0, 0]);
  assert.equal(await fleet.count('stats'), 4 * clients.length);
  assert.equal(await fleet.count('visits'), 4 * clients.length);
});

for (const [at, title, when] of [
  [1, 'at the beginning of a run', {}],
  [2, 'at its end', rare],
] as const) {
  test(`a database that goes away during the look ${title} loses nothing, and nothing is removed`, when, async () => {
    const { fleet, paths, run } = makeRuns(clients.slice(0, 1));
    for (let index = 0; index < 4; index += 1) await run();
    const files = (): number => storedFolders(paths).reduce((sum, folder) => sum + storedFiles(folder).length, 0);
    const before = files();
    const broken = async (): Promise<Storage> => {
      const storage = await fleet.openStorage();
      let asked = 0;
      const present: Storage['stored']['present'] = async (ids) =>
        ++asked === at ? await storageAway() : await storage.stored.present(ids);
      return { ...storage, stored: { ...storage.stored, present } };
    };
    const { faults, restored } = await run({ openStorage: broken, collector: { keepStoredMs: 0 } });
    assert.deepEqual(
      faults.map(({ code }) => code),
      ['storage-unavailable'],
    );
    assert.equal(restored === null, at === 1);
    assert.ok(files() >= before);
  });
}

test('what another server of the database does not have yet stays', rare, async () => {
  const { fleet, paths, run } = makeRuns(clients.slice(0, 1));
  for (let index = 0; index < 4; index += 1) await run({ collector: { keepStoredMs: 60 * minuteMs } });
  const lagging = async (): Promise<Storage> => {
    const storage = await fleet.openStorage();
    const none = { reports: new Set<string>(), runs: new Map(), visits: new Map(), events: new Set<string>() };
    const stored = { ...storage.stored, present: () => Promise.resolve(none) };
    return { ...storage, elsewhere: () => Promise.resolve({ stored, close: () => Promise.resolve() }) };
  };
  const impatient = { collector: { keepStoredMs: 0 } };
  const count = (): number => storedFolders(paths).length;
  await run({ ...impatient, openStorage: lagging });
  assert.equal(count(), 5);
  const lines = (): number => fleet.events.filter((event) => /another server/.test(JSON.stringify(event))).length;
  assert.equal(lines(), 1);
  await run(impatient);
  assert.equal(lines(), 1);
  assert.equal(count(), 3);
});

test('events are stored again, and a sealed report of a collector without the key', async () => {
  const { fleet, paths, run } = makeRuns(clients.slice(0, 1));
  await run();
  const events = new EventDocuments(paths, assert.fail);
  const closed = { open: false };
  const putBack = saveDatabase(fleet);
  await run(closed);
  await events.write([event('e1'), event('e2')]);
  const storage = await fleet.openStorage();
  await events.takeUp((some) => storage.events.saveEvents(some));
  await storage.close();
  putBack();
  const { restored } = await run(closed);
  // A report; a run, its visit and the events.
  assert.deepEqual([restored?.reports, restored?.records], [1, 1 + 1 + 2]);
  assert.deepEqual(await fleet.column('SELECT event_id FROM events ORDER BY event_id'), ['e1', 'e2']);
  assert.equal(await fleet.count('sealed_reports'), 2);
  // `ingest` on another machine refuses one of them.
  const opener = await fleet.openStorage();
  const [first] = await opener.sealed.waiting('unseen', null, 1);
  await opener.sealed.remove([first?.id ?? 0]);
  await opener.close();
  assert.deepEqual(restoredOf(await run(closed)), [0, 0]);
});

test('what the retention has removed meanwhile is not restored', async () => {
  const runs = makeRuns(clients.slice(0, 1));
  await runs.run();
  const database = openSqlite(path.join(runs.fleet.stateDir, 'fleet.db'));
  for (const table of ['stats', 'inventory_reports', 'visits', 'runs']) database.exec(`DELETE FROM ${table}`);
  database.close();
  const { reports, records } = (await lookAlone(runs, { rawMs: 1, visitsMs: 1 })) ?? assert.fail('no look');
  assert.deepEqual([reports, records], [0, 0]);
});

test('a folder that cannot be used costs a line, and no report', async () => {
  const { fleet, paths, run } = makeRuns(clients.slice(0, 1));
  await run();
  rmSync(paths.stored, { recursive: true });
  const start = fleet.events.length;
  assert.deepEqual(restoredOf(await run()), [0, 0]);
  assert.equal(readdirSync(paths.stored).length, 1);
  assert.ok(!fleet.events.slice(start).some(({ kind }) => kind === 'fault'));
});

/** Lets moves into stored/ fail from one of them on; on a disk without writing, removals too. Returns its repair. */
function endDisk(t: TestContext, fromCall: number, code: string): () => void {
  let calls = 0;
  const watch = (name: 'renameSync' | 'unlinkSync', pattern: RegExp, isOver: () => boolean): void => {
    const real = fs[name] as (...args: readonly unknown[]) => unknown;
    t.mock.method(fs, name, (...args: readonly unknown[]) => {
      if (pattern.test(args.join(' ')) && isOver()) throw Object.assign(new Error(code), { code });
      return real(...args);
    });
  };
  watch('renameSync', / \S*\/stored\/.*(?:fhs|json|\+visit)$/, () => ++calls >= fromCall);
  watch('unlinkSync', /\/fd\/\d+\/.*(?:fhs|json)$/, () => code === 'EROFS' && calls >= fromCall);
  syncBuiltinESMExports();
  return () => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  };
}

for (const code of ['ENOSPC', 'EROFS']) {
  test(`a disk that ends between two moves (${code}) costs a line, and every row is there once`, rare, async (t) => {
    for (const fromCall of [1, 2, 3, 4]) {
      const { fleet, run } = makeRuns(clients.slice(0, 1));
      await run();
      const start = fleet.events.length;
      const repair = endDisk(t, fromCall, code);
      const { exitStatus } = await run().finally(repair);
      assert.equal(exitStatus, code === 'EROFS' ? 3 : 0);
      const notes = fleet.events.slice(start).flatMap((one) => (one.kind === 'note' ? one.message : []));
      assert.equal(notes.length, 1);
      assert.match(notes[0] ?? '', new RegExp(`is removed at once and not kept: ${code}$`));
      assert.deepEqual(restoredOf(await run()), [0, 0]);
      assert.deepEqual(fleet.sealedFiles(), []);
      assert.deepEqual(await fleet.column('SELECT outcome FROM runs'), ['finished', 'finished', 'finished']);
      for (const table of ['stats', 'visits']) assert.equal(await fleet.count(table), 3, table);
    }
  });
}
