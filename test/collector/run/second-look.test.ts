import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { CollectResult } from '../../../src/collector/collect-options.ts';
import { storedFiles, storedFolders } from '../../../src/collector/inbox/stored-files.ts';
import { minuteMs } from '../../../src/platform/units.ts';
import { statePaths } from '../../../src/state/paths.ts';
import { makeClient, makeFleet, storageAway, type Fleet, type FleetOptions } from '../../support/fleet.ts';

const clients = ['web-1', 'web-2', 'db-1'].map((name) => makeClient(name));

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
  for (const reports of [6, 9]) {
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
  assert.deepEqual(await fleet.column('SELECT restored_reports FROM runs ORDER BY started_at'), [0, 0, 0, 6, 9]);
  assert.deepEqual(fleet.sealedFiles(), []);
});

test('what is there goes once it is old and two later runs have ended', async () => {
  const { fleet, paths, run } = makeRuns();
  const bases = (): readonly string[] => storedFolders(paths).map(({ base }) => base);
  for (const kept of [1, 2, 3, 3, 3]) {
    await run({ collector: { keepStoredMs: 14 * minuteMs } });
    assert.equal(bases().length, kept);
  }
  await run({ collector: { keepStoredMs: 60 * minuteMs } });
  await run({ collector: { keepStoredMs: 0 } });
  // Each run keeps its reports, the document of the visits and that of the end.
  const files = storedFolders(paths).map((folder) => storedFiles(folder).length);
  assert.deepEqual(files, [5, 5, 5]);
  await run({ openStorage: () => storageAway() });
  assert.equal(bases().length, 3, 'nothing is removed unasked');
  assert.equal(await fleet.count('stats'), 7 * clients.length);
});

test('what was pruned or forgotten on purpose stays removed', async () => {
  const { fleet, run } = makeRuns();
  await run();
  await run({}, [...clients, makeClient('gone')]);
  const storage = await fleet.openStorage();
  await storage.retention.forgetClient('gone', new AbortController().signal);
  await storage.close();
  assert.deepEqual(restoredOf(await run()), [0, 0]);
  assert.equal(await fleet.count("visits WHERE client = 'gone'"), 0);
});

test('a renamed client is found under its new name', async () => {
  const { run } = makeRuns();
  await run();
  const renamed = [makeClient('www-1', { was: 'web-1' }), ...clients.slice(1)];
  assert.deepEqual(restoredOf(await run({}, renamed)), [0, 0]);
  assert.deepEqual(restoredOf(await run({}, renamed)), [0, 0]);
});

test('a folder that cannot be used costs a line, and no report', async () => {
  const { fleet, paths, run } = makeRuns();
  await run();
  rmSync(paths.stored, { recursive: true });
  const start = fleet.events.length;
  assert.deepEqual(restoredOf(await run()), [0, 0]);
  assert.equal(readdirSync(paths.stored).length, 1);
  assert.ok(!fleet.events.slice(start).some(({ kind }) => kind === 'fault'));
});
