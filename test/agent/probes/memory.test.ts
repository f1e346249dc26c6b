import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { memory } from '../../../agent/probes/memory.ts';
import { swap } from '../../../agent/probes/swap.ts';
import { contextOf, onlyRow, reasonOf } from './fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const kib = 1024;

test('used is what is not available', async () => {
  const { functions } = await memory.run(contextOf('vm'));
  assert.deepEqual(onlyRow(functions, 'memory'), {
    total_bytes: 8_150_076 * kib,
    available_bytes: 4_751_492 * kib,
    used_percent: 41.7,
  });
});

test('a container of cgroup version 2 is as large as its limit, less what it gives back', async () => {
  const { functions } = await memory.run(contextOf('container'));
  assert.deepEqual(onlyRow(functions, 'memory'), {
    total_bytes: 1024 ** 3,
    available_bytes: 512 * 1024 ** 2,
    used_percent: 50,
  });
});

test('a container of cgroup version 1', async () => {
  const { functions } = await memory.run(contextOf('container-v1'));
  assert.deepEqual(onlyRow(functions, 'memory'), {
    total_bytes: 512 * 1024 ** 2,
    available_bytes: 128 * 1024 ** 2,
    used_percent: 75,
  });
});

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
  assert.deepEqual(onlyRow(functions, 'memory'), {
    total_bytes: 1000 * kib,
    available_bytes: null,
    used_percent: null,
  });
  assert.equal(reasonOf(functions, 'memory', 'used_percent'), 'no MemAvailable in /proc/meminfo');
});

test('no /proc/meminfo is an error that names it', () => {
  assert.throws(() => memory.run(contextOf('storage')), /^Error: not there: \/proc\/meminfo$/);
});

test('swap in use', async () => {
  const { functions } = await swap.run(contextOf('vm'));
  assert.deepEqual(onlyRow(functions, 'swap'), {
    total_bytes: 2_097_148 * kib,
    used_bytes: 524_287 * kib,
    used_percent: 25,
  });
});

test('without swap the percentage is unknown, not 0', async () => {
  const { functions } = await swap.run(contextOf('container'));
  assert.deepEqual(onlyRow(functions, 'swap'), { total_bytes: 0, used_bytes: 0, used_percent: null });
  assert.equal(reasonOf(functions, 'swap', 'used_percent'), 'no swap');
});
