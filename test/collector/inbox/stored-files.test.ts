import assert from 'node:assert/strict';
import fs, {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import fc from 'fast-check';

import { EventDocuments } from '../../../src/collector/inbox/event-documents.ts';
import {
  eventsFolder,
  hasEnd,
  isFilling,
  markSeen,
  moveBack,
  storedAtMs,
  storedBase,
  storedFiles,
  storedFolders,
  StoringFiles,
} from '../../../src/collector/inbox/stored-files.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { minuteMs } from '../../../src/platform/units.ts';
import { folderOfClient } from '../../../src/state-folder/client-folder.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { runStart } from '../../storage/support/samples.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const id = '01234567-89ab-4def-8123-456789abcdef';

function kit(t?: TestContext) {
  const paths = statePaths(tempFolder(t));
  const notes: string[] = [];
  const write = (from: string, content = from): string => {
    const file = path.join(paths.dir, from);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  const storing = (base: string, room?: number): StoringFiles =>
    new StoringFiles({
      paths,
      base,
      onNote: (line) => notes.push(line),
      ...(room === undefined ? {} : { room: () => room }),
    });
  return { paths, notes, write, storing };
}

test('a file goes back to where it came from, whatever the client is called', () => {
  const { paths, write, storing } = kit();
  const names = fc.oneof(fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' }), fc.constant('+'));
  fc.assert(
    fc.property(names, fc.constantFrom('encrypted_stats', 'inbox/site-fra'), (client, root) => {
      const from = `${root}/${folderOfClient(client)}/${id}.1795665153741.-12.${'9'.repeat(16)}.${'b'.repeat(64)}.fhs`;
      const { keep } = storing('000000000000001-a');
      keep(write(from));
      const [folder] = storedFolders(paths);
      const files = folder === undefined ? [] : storedFiles(folder);
      assert.deepEqual(
        files.map((one) => one.from),
        [from],
      );
      assert.ok(!existsSync(path.join(paths.dir, from)));
      for (const file of files) assert.ok(moveBack(paths, file));
      assert.equal(readFileSync(path.join(paths.dir, from), 'utf8'), from);
    }),
    { numRuns: 100 },
  );
});

test('a name that is not of this program leads nowhere', (t) => {
  const { paths } = kit(t);
  for (const name of ['encrypted_stats+..+..+x.fhs', 'keys+a.fhs', '+etc+passwd', 'inbox+.+x']) {
    const dir = path.join(paths.stored, '000000000000001-a');
    mkdirSync(dir, { recursive: true });
    writeFileSync(path.join(dir, name), '');
    for (const file of storedFiles({ dir })) assert.equal(moveBack(paths, file), false, name);
  }
});

test('a run marks its folder, its documents and its end', (t) => {
  const { paths, write, storing } = kit(t);
  const base = storedBase(runStart({ id, startedAtMs: 5 }));
  const files = storing(base);
  files.keep(write(`inbox/collector/000000000000009-${id}.json`), { bytes: 5000, isVisit: true });
  assert.deepEqual(storedFolders(paths).map(hasEnd), [false]);
  files.keep(write(`inbox/collector/${base}.json`));
  files.end();
  const [folder] = storedFolders(paths);
  assert.ok(folder !== undefined && hasEnd(folder));
  assert.deepEqual([folder.base, folder.bytes, folder.isSeen], [base, 3 * 4096, false]);
  assert.deepEqual(
    storedFiles(folder).map(({ isVisit }) => isVisit),
    [false, true],
  );
  markSeen(folder, []);
  assert.deepEqual(
    storedFolders(paths).map(({ bytes, isSeen }) => [bytes, isSeen]),
    [[3 * 4096, true]],
  );
});

test('beyond the room the oldest folder goes, with one line, and at last the new files', (t) => {
  const { paths, notes, write, storing } = kit(t);
  for (const number of [1, 2]) {
    const earlier = storing(`00000000000000${number}-a`);
    earlier.keep(write(`encrypted_stats/a/${number}.fhs`));
    earlier.end();
  }
  const files = storing('000000000000003-a', 2 * 4096);
  files.bound();
  for (const number of [3, 4, 5]) files.keep(write(`encrypted_stats/a/${number}.fhs`));
  files.end();
  assert.deepEqual(readdirSync(paths.stored), ['000000000000003-a.8192']);
  assert.deepEqual(readdirSync(path.join(paths.dir, 'encrypted_stats/a')), []);
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? '', /is removed at once and not kept: <collector spool> is full/);
});

test('folders of killed runs and of events count with the bytes of their files', (t) => {
  const { paths, write, storing } = kit(t);
  storing('000000000000001-a').keep(write('encrypted_stats/a/1.fhs'));
  storing('000000000000002-events').keep(write('inbox/events/2.json'));
  storing('000000000000003-a', 4096).bound();
  assert.deepEqual(readdirSync(paths.stored), ['000000000000002-events']);
});

const event = { host: 'nas', service: 'backup', instance: '', status: 'OK', description: '', tags: [] } as const;
const made = (eventId: string) => ({ ...event, eventId, receivedAtMs: 1, value: null, ttl: null, raw: null });

test('events are bounded by the program that receives them', async (t) => {
  const { paths } = kit(t);
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
  const events = new EventDocuments(paths, assert.fail, () => 3 * 4096);
  for (let number = 0; number < 10; number += 1) {
    await events.write([{ ...made(`e${number}`), receivedAtMs: Date.now() }]);
    await events.takeUp(() => Promise.resolve());
    t.mock.timers.tick(2 * minuteMs);
  }
  assert.equal(events.size, 0);
  const kept = storedFolders(paths).flatMap((folder) => storedFiles(folder));
  assert.ok(kept.length > 0 && kept.length <= 3, `${kept.length} files are kept`);
});

test('events of the same moment wait in files of their own, and are counted by their names', async (t) => {
  const { paths } = kit(t);
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
  const events = new EventDocuments(paths, assert.fail);
  for (const ids of [
    ['a', 'b'],
    ['c', 'd'],
  ])
    await events.write(ids.map(made));
  const folder = path.join(paths.inbox, 'events');
  writeFileSync(path.join(folder, '000000000000001-notes.json'), '{}');
  assert.deepEqual([events.size, new EventDocuments(paths, assert.fail).size, readdirSync(folder).length], [4, 4, 3]);
});

test('events are refused while so many files of them wait, and each size is read once', async (t) => {
  const { paths } = kit(t);
  const opened = (): EventDocuments => new EventDocuments(paths, assert.fail, () => Infinity, 2);
  const events = opened();
  for (const name of ['a', 'b']) await events.write([made(name)]);
  for (const full of [events, opened()]) await assert.rejects(full.write([made('c')]), /too many events wait/);
  const away = (): Promise<never> =>
    Promise.reject(new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'away' }));
  await assert.rejects(events.takeUp(away), /away/);
  const asked = t.mock.method(fs, 'lstatSync');
  syncBuiltinESMExports();
  t.after(() => {
    asked.mock.restore();
    syncBuiltinESMExports();
  });
  await assert.rejects(events.takeUp(away), /away/);
  assert.equal(asked.mock.callCount(), 0);
  await events.takeUp(() => Promise.resolve());
  await events.write([made('c')]);
  assert.equal(events.size, 1);
});

test('events are refused while 64 MiB of them wait, those of an earlier process too', async (t) => {
  const { paths } = kit(t);
  await new EventDocuments(paths, assert.fail).write([made('a')]);
  const [name = ''] = readdirSync(path.join(paths.inbox, 'events'));
  truncateSync(path.join(paths.inbox, 'events', name), 64 * 2 ** 20);
  const events = new EventDocuments(paths, assert.fail);
  await assert.rejects(events.write([made('b')]), /^Error: too many events wait in the inbox$/);
  truncateSync(path.join(paths.inbox, 'events', name), 63 * 2 ** 20);
  await new EventDocuments(paths, assert.fail).write([made('b')]);
});

for (const [what, afterMs, isIt] of [
  ['now', 0, true],
  ['a moment before its ten minutes are over', 10 * minuteMs - 1, true],
  ['after ten minutes', 10 * minuteMs, false],
  ['that lies as far ahead', -10 * minuteMs, false],
] as const) {
  test(`a folder of events ${isIt ? 'may still fill' : 'fills no more'}: ${what}`, () => {
    const began = 1_800_000_000_000;
    const folder = { dir: '/x', base: eventsFolder(began), bytes: null, isSeen: false };
    assert.equal(isFilling(folder, began + afterMs), isIt);
    assert.equal(isFilling({ ...folder, base: folder.base.replace('events', 'a') }, began), false);
  });
}

for (const [what, free, kept, note] of [
  ['until there is enough again', [9, 10], ['000000000000002-a.4096', '000000000000003-a.4096'], true],
  ['one after the other as long as there is not', [9.9], [], true],
  ['not while a tenth is free', [10], [1, 2, 3].map((at) => `00000000000000${at}-a.4096`), false],
] as const) {
  test(`on a disk that is nearly full the oldest folders go, ${what}`, (t) => {
    const { paths, notes, write, storing } = kit(t);
    for (const number of [1, 2, 3]) {
      const earlier = storing(`00000000000000${number}-a`);
      earlier.keep(write(`encrypted_stats/a/${number}.fhs`));
      earlier.end();
    }
    let asked = 0;
    t.mock.method(fs, 'statfsSync', () => {
      const bavail = (free[asked] ?? free.at(-1) ?? 0) * 10;
      asked += 1;
      return { blocks: 1000, bfree: bavail, bavail, bsize: 1 };
    });
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    const files = storing('000000000000004-a');
    files.bound();
    files.end();
    assert.deepEqual(readdirSync(paths.stored), kept);
    assert.equal(notes.length, Number(note), notes.join());
    if (note) assert.match(notes[0] ?? '', /folders? went early: less than 10 % of the disk is free$/);
  });
}

test('what cannot be kept is removed, as its rows are stored, with one line', (t) => {
  const { paths, notes, write, storing } = kit(t);
  mkdirSync(paths.stored);
  writeFileSync(path.join(paths.stored, '000000000000003-a'), 'a file where the folder should be');
  const files = storing('000000000000003-a');
  files.bound();
  for (const number of [1, 2]) files.keep(write(`encrypted_stats/a/${number}.fhs`));
  files.keep(path.join(paths.dir, 'encrypted_stats/a/another process has it.fhs'));
  files.end();
  assert.deepEqual(readdirSync(path.join(paths.dir, 'encrypted_stats/a')), []);
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? '', /ENOTDIR/);
});

test('a time in the future comes from a wrong clock', (t) => {
  const { paths, write, storing } = kit(t);
  storing(eventsFolder(9e12)).keep(write('inbox/events/1.json'));
  const [folder] = storedFolders(paths);
  assert.ok(folder !== undefined);
  utimesSync(folder.dir, 8e9, 8e9);
  const nowMs = 1.8e12;
  assert.equal(storedAtMs(folder, nowMs), nowMs);
  assert.equal(statSync(folder.dir).mtimeMs, nowMs);
  assert.equal(storedAtMs(folder, nowMs + 1000), nowMs);
});
