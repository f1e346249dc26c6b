import assert from 'node:assert/strict';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { folderOfClient } from '../../../src/state-folder/client-folder.ts';
import type { ArrivedReport } from '../../../src/collector/sealed-reports/sealed-names.ts';
import { openSealedSpool, readSealed } from '../../../src/collector/sealed-reports/sealed-spool.ts';
import { fill, withSmallDisk } from '../../support/programs/small-disk.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const freshDir = (): string => path.join(tempFolder(), 'encrypted_stats');

const id = '6f1c0e5a-1f0b-4f7e-9f43-0c3c7d1f2a10';
const arrived = (more: Partial<ArrivedReport> = {}): ArrivedReport => ({
  client: 'web-1',
  reportId: id,
  sealed: Buffer.from('sealed'),
  receivedAtMs: 1_795_000_000_123,
  clock: { offsetMs: -1500, monotonicZeroMs: 1_790_000_000_000, bootId: 'b2def7f1-3487' },
  ...more,
});

const clockOf = (offsetMs: number, monotonicZeroMs: number, bootId: string | null) => {
  return { offsetMs, monotonicZeroMs, bootId };
};
const clocks: readonly {
  readonly what: string;
  readonly clock: ArrivedReport['clock'];
  readonly expected: ArrivedReport['clock'];
}[] = [
  { what: 'whole', clock: arrived().clock, expected: arrived().clock },
  { what: 'none', clock: null, expected: null },
  { what: 'without boot id', clock: clockOf(0, 5, null), expected: clockOf(0, 5, null) },
  { what: 'a boot id that is no plain word', clock: clockOf(1, 5, '../x'), expected: clockOf(1, 5, null) },
  { what: 'a clock out of all bounds', clock: clockOf(1e300, -1e300, 'abc'), expected: clockOf(9e15, -9e15, 'abc') },
];

for (const { what, clock, expected } of clocks) {
  test(`what storing needs survives with the file: clock ${what}`, async () => {
    const dir = freshDir();
    const added = await openSealedSpool(dir).add(arrived({ clock }));
    assert.ok(path.basename(added.file).startsWith(`${id}.`));
    const { reports } = await openSealedSpool(dir).scan();
    const { file } = added;
    const receivedAtMs = 1_795_000_000_123;
    assert.deepEqual(reports, [{ client: 'web-1', file, origin: null, receivedAtMs, clock: expected, bytes: 4096 }]);
  });
}

test('files are 0600 in folders 0700, and nothing else is left', async () => {
  const dir = freshDir();
  const spool = openSealedSpool(dir);
  const { file } = await spool.add(arrived());
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
  assert.equal(readSealed(file).toString(), 'sealed');
  assert.deepEqual(readdirSync(path.dirname(file)), [path.basename(file)]);
  spool.remove({ client: null, file, origin: null, receivedAtMs: 0, clock: null, bytes: 4096 });
  assert.deepEqual(readdirSync(path.dirname(file)), []);
});

test('a client with a long name finds its folder by a hash, whose files name no client', async () => {
  const dir = freshDir();
  const client = 'ß'.repeat(64);
  const { file } = await openSealedSpool(dir).add(arrived({ client }));
  assert.equal(path.basename(path.dirname(file)), folderOfClient(client));
  assert.equal((await openSealedSpool(dir).scan()).reports[0]?.client, null);
});

test('the oldest comes first, half-written files go, others stay untouched', async () => {
  const dir = freshDir();
  const spool = openSealedSpool(dir);
  await spool.add(arrived({ receivedAtMs: 30 }));
  await spool.add(arrived({ client: 'web-2', receivedAtMs: 10 }));
  const folder = path.join(dir, 'web-1');
  const part = path.join(folder, `.${id}.20.-.-.-.fhs.part`);
  const youngPart = `.${id}.21.-.-.-.fhs.part`;
  writeFileSync(part, 'cut off');
  utimesSync(part, new Date(20), new Date(20));
  writeFileSync(path.join(folder, youngPart), 'a receiver writes it');
  writeFileSync(path.join(folder, `${id}.fhs`), 'by hand');
  utimesSync(path.join(folder, `${id}.fhs`), new Date(20), new Date(20));
  writeFileSync(path.join(folder, 'notes.txt'), 'mine');
  writeFileSync(path.join(dir, 'stray.fhs'), 'not in a folder');
  mkdirSync(path.join(folder, 'quarantine'));
  const { reports, quarantines } = await spool.scan();
  const found = reports.map(({ client, receivedAtMs, clock }) => `${client} ${receivedAtMs} ${clock === null}`);
  assert.deepEqual(found, ['web-2 10 false', 'web-1 20 true', 'web-1 30 false']);
  assert.deepEqual(quarantines, [path.join(folder, 'quarantine')]);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.part')),
    [youngPart],
  );
});

test('a scan where nothing was ever spooled finds nothing', async () => {
  assert.deepEqual(await openSealedSpool(freshDir()).scan(), { reports: [], quarantines: [], passedOver: [] });
});

test('a file larger than any report is refused unread', async () => {
  const dir = freshDir();
  const spool = openSealedSpool(dir);
  const { file } = await spool.add(arrived({ sealed: Buffer.alloc(2 * 1024 * 1024) }));
  assert.throws(() => readSealed(file), { code: 'report-too-large' });
});

test('a folder that cannot be used is a fault of its client, and works again once it can', async () => {
  const dir = freshDir();
  mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(dir, 'web-1'), 'a file where the folder should be');
  const spool = openSealedSpool(dir);
  await assert.rejects(spool.add(arrived()), { code: 'inbox-strange', stage: 'spool', client: 'web-1', exitStatus: 1 });
  await spool.add(arrived({ client: 'web-2' }));
  rmSync(path.join(dir, 'web-1'));
  await spool.add(arrived());
});

test('a spool that cannot be written to is a fault of the state folder', async () => {
  const dir = freshDir();
  writeFileSync(dir, 'a file where the folder should be');
  await assert.rejects(openSealedSpool(dir).add(arrived()), { code: 'state-unusable', stage: 'spool', exitStatus: 3 });
});

test('a full disk is said to be full', async () => {
  const dir = freshDir();
  mkdirSync(dir, { recursive: true });
  const folder = path.join(dir, 'web-1');
  await withSmallDisk(folder, 64, async () => {
    fill(folder);
    await assert.rejects(openSealedSpool(dir).add(arrived()), { code: 'spool-full', exitStatus: 3 });
    assert.deepEqual(readdirSync(folder), ['full']);
  });
});

test('a report is written beside a link that has the name of its part, and not through it', async () => {
  const dir = freshDir();
  const folder = path.join(dir, 'web-1');
  mkdirSync(folder, { recursive: true });
  const outside = path.join(path.dirname(dir), 'outside');
  writeFileSync(outside, 'as it was');
  const part = `.${id}.1795000000123.-1500.1790000000000.b2def7f1-3487.fhs.part`;
  for (const makeLink of [linkSync, symlinkSync]) {
    makeLink(outside, path.join(folder, part));
    const { file } = await openSealedSpool(dir).add(arrived());
    assert.equal(readSealed(file).toString(), 'sealed');
    assert.equal(readFileSync(outside, 'utf8'), 'as it was');
    rmSync(path.join(folder, part));
  }
});
