import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { memory } from '../../../agent/probes/memory.ts';
import { swap } from '../../../agent/probes/swap.ts';
import { rootWith, shellAgent, workerOf } from '../../support/clients/shell-report.ts';
import { contextOf, onlyRow, reasonOf } from './fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const kib = 1024;
const gib = 1024 ** 3;

for (const { what, box, total_bytes, available_bytes, used_percent } of [
  {
    what: 'used is what is not available',
    box: 'vm',
    total_bytes: 8_150_076 * kib,
    available_bytes: 4_751_492 * kib,
    used_percent: 41.7,
  },
  {
    what: 'a container of cgroup version 2 is as large as its limit, less what it gives back',
    box: 'container',
    total_bytes: gib,
    available_bytes: gib / 2,
    used_percent: 50,
  },
  {
    what: 'a container of cgroup version 1',
    box: 'container-v1',
    total_bytes: gib / 2,
    available_bytes: gib / 8,
    used_percent: 75,
  },
] as const) {
  test(what, async () => {
    const { functions } = await memory.run(contextOf(box));
    assert.deepEqual(onlyRow(functions, 'memory'), { total_bytes, available_bytes, used_percent });
  });
}

const meminfo = (total: number, available: number, free: number): string =>
  `MemTotal: ${total} kB\nMemFree: ${free} kB\nMemAvailable: ${available} kB\n`;
const arcstats = 'c_min                           4    2106982400\nsize                            4    53687091200\n';
for (const { what, files, usedPercent } of [
  {
    what: 'the cache of ZFS above its minimum is available',
    files: { 'proc/meminfo': meminfo(65_843_812, 1_600_000, 900_000), 'proc/spl/kstat/zfs/arcstats': arcstats },
    usedPercent: 21.07,
  },
  {
    what: 'the cache of ZFS is that of the host in a container',
    files: {
      'proc/meminfo': meminfo(65_843_812, 1_600_000, 900_000),
      'proc/spl/kstat/zfs/arcstats': arcstats,
      '.dockerenv': '',
    },
    usedPercent: 97.57,
  },
  {
    what: 'available memory is not less than nothing while memory is free',
    files: { 'proc/meminfo': meminfo(2_034_872, 0, 1_404_800) },
    usedPercent: 30.96,
  },
]) {
  test(what, async (t) => {
    const root = rootWith(tempFolder(t), files);
    const { functions } = await memory.run(contextOf(root));
    const shell = workerOf(await shellAgent(t).run({ root }), 'memory');
    for (const reported of [functions, shell.function_reports]) {
      assert.equal(onlyRow(reported, 'memory')['used_percent'], usedPercent);
    }
  });
}

test('without MemAvailable the estimate of procps', async () => {
  const { functions } = await memory.run(contextOf('ancient'));
  // 100000 - 10000 + 300000 - min(150000, 10000) + 40000 - min(20000, 10000) KiB
  assert.equal(onlyRow(functions, 'memory')['available_bytes'], 410_000 * kib);
  assert.equal(onlyRow(functions, 'memory')['used_percent'], 59);
});

test('without the means for an estimate: unknown, with the reason', async (t) => {
  const root = tempFolder(t);
  mkdirSync(`${root}/proc`);
  writeFileSync(`${root}/proc/meminfo`, 'MemTotal: 1000 kB\nMemFree: 10 kB\n');
  const { functions } = await memory.run(contextOf(root));
  const unknown = { available_bytes: null, used_percent: null };
  assert.deepEqual(onlyRow(functions, 'memory'), { total_bytes: 1000 * kib, ...unknown });
  assert.equal(reasonOf(functions, 'memory', 'used_percent'), 'no MemAvailable in /proc/meminfo');
});

test('no /proc/meminfo is an error that names it', () => {
  assert.throws(() => memory.run(contextOf('storage')), /^Error: not there: \/proc\/meminfo$/);
});

test('swap in use', async () => {
  const { functions } = await swap.run(contextOf('vm'));
  const bytes = { total_bytes: 2_097_148 * kib, used_bytes: 524_287 * kib };
  assert.deepEqual(onlyRow(functions, 'swap'), { ...bytes, used_percent: 25 });
});

test('without swap the percentage is unknown, not 0', async () => {
  const { functions } = await swap.run(contextOf('container'));
  assert.deepEqual(onlyRow(functions, 'swap'), { total_bytes: 0, used_bytes: 0, used_percent: null });
  assert.equal(reasonOf(functions, 'swap', 'used_percent'), 'no swap');
});
