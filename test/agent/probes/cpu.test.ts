import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { JsonValue } from '../../../agent/probes/collected.ts';
import { cpu } from '../../../agent/probes/cpu.ts';
import type { FunctionReport } from '../../../src/report/report.ts';
import { boxRoot, contextOf, familyOf, onlyRow, reasonOf } from './fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

// Now: cpu 10000 200 3000 80000 500 10 90 50 300 0; cpu0 6000 100 2000 39000 300 10 50 25; cpu1 4000 100 1000 41000 ...
const before = {
  cpu: [9400, 100, 2900, 79_200, 400, 10, 90, 0],
  cpu0: [5900, 100, 1950, 38_850, 200, 10, 50, 0],
  cpu1: [3500, 100, 950, 40_550, 200, 0, 40, 0],
};

async function run(box: string, counters?: JsonValue) {
  return await cpu.run(contextOf(box, counters === undefined ? {} : { counters }));
}

test('shares of the time since the previous visit', async () => {
  const { functions } = await run('vm', before);
  // 600 user, 100 nice, 100 system, 800 idle, 100 iowait, 50 steal: 1750 ticks.
  assert.deepEqual(onlyRow(functions, 'cpu'), {
    used_percent: 48.57,
    user_percent: 40,
    system_percent: 5.71,
    iowait_percent: 5.71,
    steal_percent: 2.86,
    // cpu1: 500 user, 50 system, 450 idle, 25 steal: 575 of 1025 ticks.
    busiest_percent: 56.1,
    cpus: 2,
    interval_s: 10,
  });
});

test('a counter of stolen time that fell costs its own figure alone', async () => {
  const fallen = Object.fromEntries(
    Object.entries(before).map(([name, ticks]) => [name, [...ticks.slice(0, 7), 9e14]]),
  );
  const { functions } = await run('vm', fallen);
  const { used_percent, steal_percent, busiest_percent } = onlyRow(functions, 'cpu');
  // 800 of 1700 ticks, and of cpu1 550 of 1000.
  assert.deepEqual(
    { used_percent, steal_percent, busiest_percent },
    { used_percent: 47.06, steal_percent: null, busiest_percent: 55 },
  );
  assert.equal(reasonOf(functions, 'cpu', 'steal_percent'), 'the counters went backwards');
});

test('the first visit says that it is the first, and keeps counters', async () => {
  const { functions, counters } = await run('vm');
  const row = onlyRow(functions, 'cpu');
  assert.equal(row['used_percent'], null);
  assert.equal(row['cpus'], 2);
  for (const field of ['used_percent', 'interval_s']) assert.equal(reasonOf(functions, 'cpu', field), 'first visit');
  assert.deepEqual((counters as { cpu: unknown }).cpu, [10_000, 200, 3000, 80_000, 500, 10, 90, 50]);
});

interface Cgroup {
  readonly max: string;
  readonly usedUs: number;
  readonly before?: number;
}

/** Returns the row of a container on the machine of proc-vm, ten seconds after its previous visit. */
async function inContainer(
  t: TestContext,
  version: 1 | 2,
  { max, usedUs, before: then }: Cgroup,
): Promise<FunctionReport> {
  const root = tempFolder(t);
  const files: Readonly<Record<string, string>> =
    version === 2
      ? { 'cpu.max': `${max} 100000\n`, 'cpu.stat': `usage_usec ${usedUs}\nuser_usec 1\n` }
      : {
          'cpu/cpu.cfs_quota_us': `${max}\n`,
          'cpu/cpu.cfs_period_us': '100000\n',
          'cpuacct/cpuacct.usage': `${usedUs}000\n`,
        };
  for (const dir of ['proc', 'sys/fs/cgroup/cpu', 'sys/fs/cgroup/cpuacct'])
    mkdirSync(path.join(root, dir), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(root, 'sys/fs/cgroup', name), content);
  cpSync(path.join(boxRoot('vm'), 'proc/stat'), path.join(root, 'proc/stat'));
  const counters = { ...before, ...(then === undefined ? {} : { quota: [then] }) };
  return familyOf((await cpu.run(contextOf(root, { counters }))).functions, 'cpu');
}

for (const version of [1, 2] as const) {
  for (const [what, given, percent, reason] of [
    ['half a CPU of which half is used', { max: '50000', usedUs: 12_500_000, before: 10_000_000 }, 50],
    ['more than its quota allows, as when that became smaller', { max: '50000', usedUs: 90_000_000, before: 1 }, 100],
    ['a quota as large as the machine', { max: '200000', usedUs: 12_500_000, before: 10_000_000 }, 48.57],
    ['no quota', { max: version === 2 ? 'max' : '-1', usedUs: 12_500_000, before: 10_000_000 }, 48.57],
    ['a quota that is new', { max: '50000', usedUs: 12_500_000 }, null, 'no quota at the previous visit'],
    ['a container that was started anew', { max: '50000', usedUs: 5, before: 9 }, null, 'the counters went backwards'],
  ] as const satisfies readonly (readonly [string, Cgroup, number | null, string?])[]) {
    test(`cgroup version ${version}: ${what}`, async (t) => {
      const { data, unknown } = await inContainer(t, version, given);
      const [row] = data;
      assert.deepEqual([row?.['used_percent'], row?.['user_percent']], [percent, 40]);
      assert.equal(unknown?.find(({ field }) => field === 'used_percent')?.reason, reason);
    });
  }
}

test('counters that went backwards say nothing', async () => {
  const later = { ...before, cpu: [99_999, 100, 2900, 79_200, 400, 10, 90, 0] };
  const { functions } = await run('vm', later);
  assert.equal(onlyRow(functions, 'cpu')['used_percent'], null);
  assert.equal(reasonOf(functions, 'cpu', 'used_percent'), 'the counters went backwards');
});

test('idle or iowait alone going back counts as nothing', async () => {
  const { functions } = await run('vm', { ...before, cpu: [9400, 100, 2900, 79_200, 600, 10, 90, 0] });
  const row = onlyRow(functions, 'cpu');
  assert.equal(row['iowait_percent'], 0);
  assert.equal(row['used_percent'], 51.52);
});

test('no time passed: unknown, not 0 and not NaN', async () => {
  const { counters } = await run('vm');
  const { functions } = await run('vm', counters);
  assert.equal(onlyRow(functions, 'cpu')['used_percent'], null);
  assert.equal(reasonOf(functions, 'cpu', 'used_percent'), 'the counters stood still');
});

test('a CPU that was not there before does not count as busiest', async () => {
  const { functions } = await run('vm', { cpu: before.cpu, cpu0: before.cpu0 });
  // cpu0: 100 user, 50 system, 150 idle, 100 iowait, 25 steal: 175 of 425 ticks.
  assert.equal(onlyRow(functions, 'cpu')['busiest_percent'], 41.18);
});

test('fewer columns of an ancient kernel', async () => {
  const cpu = [50, 0, 50, 800, 0, 0, 0, 0];
  const { functions } = await run('ancient', { cpu, cpu0: cpu });
  assert.equal(onlyRow(functions, 'cpu')['used_percent'], 100);
});

for (const [what, counters] of [
  ['a text', 'x'],
  ['an empty object', {}],
  ['short lists', { cpu: [1, 2] }],
  ['texts in lists', { cpu: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] }],
  ['numbers for lists', { cpu: 5 }],
] as const) {
  test(`damaged counters (${what}) give unknown`, async () => {
    assert.equal(onlyRow((await run('vm', counters)).functions, 'cpu')['used_percent'], null);
  });
}
