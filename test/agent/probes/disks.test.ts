// Runs alone: a probe of a dead mount goes on for a while.
import assert from 'node:assert/strict';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { disks } from '../../../agent/probes/disks.ts';
import type { ProbeContext, ProbeResult } from '../../../agent/probes/probe.ts';
import type { Usage } from '../../../agent/probes/source.ts';
import { contextOf, familyOf, onlyRow, reasonOf, valuesOf } from './fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { assertWithin } from '../../support/within.ts';

const half: Usage = { bsize: 4096, blocks: 1000, bfree: 500, bavail: 450, files: 100, ffree: 80 };

/** Reads the disks by another statfs. */
async function readDisks(context: ProbeContext, space: (mount: string) => Usage): Promise<ProbeResult> {
  return disks.run({ ...context, source: { ...context.source, space } });
}

/** Returns a statfs with given results for some mounts, and the same result for all others. */
function statfsOf(known: Readonly<Record<string, Usage | Error>> = {}) {
  return (asked: string): Usage => {
    const found = known[asked] ?? half;
    if (found instanceof Error) throw found;
    return found;
  };
}

function fault(code: string): Error {
  return Object.assign(new Error(`${code}: failed, statfs`), { code });
}

test('local file systems once each; no images, no memory, no pseudo file systems', async () => {
  const { functions, error } = await readDisks(contextOf('vm'), statfsOf());
  const { data } = familyOf(functions, 'disk');
  assert.deepEqual(valuesOf(data, 'mount', 'fstype', 'source', 'scope', 'mode'), [
    ['/', 'ext4', '/dev/mapper/vg0-root', 'local', 'rw'],
    ['/boot/efi', 'vfat', '/dev/sda1', 'local', 'rw'],
    ['/var', 'xfs', '/dev/mapper/vg0-var', 'local', 'rw'],
  ]);
  assert.deepEqual(
    { ...data[0] },
    {
      mount: '/',
      fstype: 'ext4',
      source: '/dev/mapper/vg0-root',
      scope: 'local',
      mode: 'rw',
      size_bytes: 4_096_000,
      used_bytes: 2_048_000,
      available_bytes: 1_843_200,
      // The percentage is 500 of 950, as df computes it, not 500 of 1000.
      used_percent: 52.63,
      inodes_percent: 20,
      unresponsive: 0,
    },
  );
  assert.equal(error, undefined);
});

test('mounts that rules expect are there too, whatever they are', async () => {
  const mounts = ['/srv/volume', '/dev/shm', '/snap/core20/1234'];
  const { functions } = await readDisks(contextOf('vm', { options: { mounts } }), statfsOf());
  const found = familyOf(functions, 'disk').data.map((row) => row['mount']);
  assert.deepEqual(found, ['/', '/boot/efi', '/dev/shm', '/snap/core20/1234', '/var', '/srv/volume']);
});

test('a container shows its root and its volumes, not the single files that are mounted into it', async () => {
  const { functions } = await readDisks(contextOf('container'), statfsOf());
  const found = valuesOf(familyOf(functions, 'disk').data, 'mount', 'fstype').map(String);
  assert.deepEqual(found, ['/,overlay', '/data,ext4']);
});

test('a system that runs in memory shows its root', async () => {
  const { functions } = await readDisks(contextOf('alpine'), statfsOf());
  const found = valuesOf(familyOf(functions, 'disk').data, 'mount', 'mode').map(String);
  assert.deepEqual(found, ['/,rw', '/media/sda1,ro']);
});

test('subvolumes, pools, hidden and escaped mounts; network ones are left to a child', async () => {
  const asked: string[] = [];
  const statfs = statfsOf({
    '/tank': { ...half, blocks: 1000, bfree: 900, bavail: 900 },
    '/tank/vm': { ...half, blocks: 9900, bfree: 900, bavail: 900 },
    '/broken': fault('EIO'),
    '/': { ...half, files: 0, ffree: 0 },
  });
  // Without a folder for state the network mounts are not asked, and a reason is reported.
  const { functions } = await readDisks(contextOf('storage'), (path) => {
    asked.push(path);
    return statfs(path);
  });
  const { data, unknown } = familyOf(functions, 'disk');
  assert.deepEqual(valuesOf(data, 'mount', 'scope', 'mode', 'used_percent'), [
    ['/', 'local', 'rw', 52.63],
    ['/backup', 'local', 'rw', 52.63],
    ['/broken', 'local', 'ro', null],
    ['/home/u/remote', 'network', 'rw', null],
    ['/mnt/my share\\#', 'network', 'rw', null],
    ['/mnt/nfs', 'network', 'rw', null],
    ['/mnt/nfs/local', 'local', 'rw', null],
    ['/mnt/ntfs', 'local', 'rw', null],
    ['/opt', 'local', 'rw', 52.63],
    ['/over', 'local', 'rw', 52.63],
    // 100 and 9000 blocks are in use, and 900 are free.
    ['/tank', 'local', 'rw', 91],
  ]);
  assert.deepEqual(asked.sort(), ['/', '/backup', '/broken', '/opt', '/over', '/tank', '/tank/vm']);
  assert.equal(data.find((row) => row['mount'] === '/over')?.['fstype'], 'xfs');
  const reason = (mount: string, field: string): string | undefined =>
    unknown?.find((entry) => entry.row === data.findIndex((row) => row['mount'] === mount) && entry.field === field)
      ?.reason;
  assert.equal(reason('/broken', 'used_percent'), 'statfs: EIO');
  assert.equal(reason('/', 'inodes_percent'), 'no inode count');
  assert.equal(reason('/mnt/nfs', 'used_percent'), 'not asked: nothing can be remembered on this client');
});

const dataset = (usedMiB: number, availableMiB: number, recordKiB = 128): Usage => {
  const perMiB = 1024 / recordKiB;
  const free = Math.floor(availableMiB * perMiB);
  return { ...half, bsize: recordKiB * 1024, blocks: usedMiB * perMiB + free, bfree: free, bavail: free };
};

const pools: readonly {
  readonly what: string;
  readonly datasets: Readonly<Record<string, Usage>>;
  readonly usedPercents: Readonly<Record<string, number>>;
}[] = [
  {
    what: 'a full one with a quota beside another with a quota',
    datasets: { '/': dataset(7.875, 0.125), '/two': dataset(20, 180) },
    usedPercents: { '/': 98.44, '/two': 10 },
  },
  {
    what: 'without quotas, with record sizes of their own',
    datasets: { '/t': dataset(100, 900.7, 1024), '/t/a': dataset(200, 900.7, 4), '/t/b': dataset(0.5, 900.7, 16) },
    usedPercents: { '/t': 25.02 },
  },
  {
    what: 'something is written while they are asked',
    datasets: { '/t': dataset(100, 90_000), '/t/a': dataset(200, 89_999) },
    usedPercents: { '/t': 0.33 },
  },
  {
    what: 'a full one with a quota in a pool without',
    datasets: { '/t': dataset(100, 800), '/t/a': dataset(100, 800), '/t/full': dataset(10, 0) },
    usedPercents: { '/t': 20, '/t/full': 100 },
  },
];

for (const { what, datasets, usedPercents } of pools) {
  test(`datasets of a pool are one file system as long as they share its space: ${what}`, async (t) => {
    const root = tempFolder(t);
    mkdirSync(`${root}/proc/self`, { recursive: true });
    const lines = Object.keys(datasets).map(
      (mount, n) => `${n + 10} ${n === 0 ? 5 : 10} 0:${n + 50} / ${mount} rw - zfs pool/${n} rw\n`,
    );
    writeFileSync(`${root}/proc/self/mountinfo`, lines.join(''));
    const statfs = (asked: string): Usage => datasets[asked] ?? half;
    for (const mounts of [[], Object.keys(datasets)]) {
      const { functions } = await readDisks(contextOf(root, { options: { mounts } }), statfs);
      const rows = familyOf(functions, 'disk').data.filter(
        ({ mount }) => mounts.length === 0 || String(mount) in usedPercents,
      );
      assert.deepEqual(Object.fromEntries(valuesOf(rows, 'mount', 'used_percent')), usedPercents);
    }
  });
}

test('a pool or an overcommitted file system without room is full, not negative', async () => {
  const full = { ...half, blocks: 100, bfree: 5, bavail: 2 ** 60 };
  const { functions } = await readDisks(contextOf('container'), statfsOf({ '/': full }));
  const [row] = familyOf(functions, 'disk').data;
  assert.equal(row?.['available_bytes'], 0);
  assert.equal(row['used_percent'], 100);
});

test('a file system that tells only what users have is as full as that says', async () => {
  const told = { ...half, blocks: 1000, bfree: 0, bavail: 960 };
  const { functions } = await readDisks(contextOf('container'), statfsOf({ '/': told }));
  const [row] = familyOf(functions, 'disk').data;
  assert.deepEqual([row?.['size_bytes'], row?.['available_bytes'], row?.['used_percent']], [4_096_000, 3_932_160, 4]);
});

test('of many file systems the 200 worst, and the count of the rest', async (t) => {
  const root = tempFolder(t);
  mkdirSync(`${root}/proc/self`, { recursive: true });
  const lines = Array.from({ length: 10_000 }, (_, n) => `${n + 10} 5 8:${n} / /m${n} rw - ext4 /dev/d${n} rw\n`);
  writeFileSync(`${root}/proc/self/mountinfo`, lines.join(''));
  const begun = performance.now();
  const { functions } = await readDisks(contextOf(root), (asked) => {
    const n = Number(asked.slice(asked.lastIndexOf('m') + 1));
    return { ...half, blocks: 10_000, bfree: 10_000 - n, bavail: 10_000 - n, files: 0 };
  });
  const { data, omitted } = familyOf(functions, 'disk');
  assert.equal(data.length, 200);
  assert.equal(omitted, 9800);
  assert.ok(data.every((row) => Number(row['used_percent']) >= 98));
  assertWithin(begun, 2000);
});

test('local mounts are not asked once the time is over', async () => {
  const { functions } = await readDisks(contextOf('vm', { leftMs: () => 0 }), () => assert.fail('asked'));
  assert.equal(reasonOf(functions, 'disk', 'used_percent'), 'no time left');
});

test('network mounts without an answer cost themselves, and no local file system', async (t) => {
  const context = contextOf('storage', { placeDir: tempFolder(t), leftMs: () => 1 });
  const { functions, error } = await readDisks(context, statfsOf());
  const { data } = familyOf(functions, 'disk');
  assert.equal(error, undefined);
  assert.deepEqual(
    valuesOf(data, 'mount', 'used_percent').filter(([mount]) => mount === '/' || mount === '/mnt/nfs'),
    [
      ['/', 52.63],
      ['/mnt/nfs', null],
    ],
  );
  assert.equal(reasonOf(functions, 'disk', 'unresponsive'), 'no time left');
});

test('this machine, as df sees it', async () => {
  const { functions } = await disks.run(contextOf(''));
  const row = familyOf(functions, 'disk').data.find(({ mount }) => mount === '/');
  const { blocks, bsize } = statfsSync('/');
  assert.equal(row?.['size_bytes'], blocks * bsize);
});

test('no mountinfo is an error that names it', () => {
  assert.throws(() => disks.run(contextOf('metal')), /not there: \/proc\/self\/mountinfo/);
});

test('labels are printable and short', async (t) => {
  const root = tempFolder(t);
  mkdirSync(`${root}/proc/self`, { recursive: true });
  writeFileSync(`${root}/proc/self/mountinfo`, `9 5 8:1 / /a\\012b\u202e${'x'.repeat(900)} rw - ext4 /dev/d rw\n`);
  const row = onlyRow((await readDisks(contextOf(root), () => half)).functions, 'disk');
  assert.match(String(row['mount']), /^\/a\ufffdb\ufffdx+…$/);
  assert.equal(String(row['mount']).length, 255);
});
