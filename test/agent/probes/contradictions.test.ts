/** Figures that contradict each other, and counters that fall or jump: unknown, or computed from the sound part. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { cpu } from '../../../agent/probes/cpu.ts';
import { diskIo } from '../../../agent/probes/disk-io.ts';
import { kernel } from '../../../agent/probes/kernel.ts';
import { memory } from '../../../agent/probes/memory.ts';
import { network } from '../../../agent/probes/network.ts';
import type { Probe } from '../../../agent/probes/probe.ts';
import { swap } from '../../../agent/probes/swap.ts';
import { usageFacts } from '../../../agent/probes/mount-figures.ts';
import type { Row } from '../../../src/report/report.ts';
import { run, type Files } from './files-in-memory.ts';

/** Returns the first row of what a probe reads a minute after other files. */
function rowAfter(probe: Probe, before: Files, files: Files): Row {
  const { counters } = run(probe, before);
  const result = run(probe, files, counters === undefined ? null : { counters, elapsedMs: 60_000 });
  return result.functions[0]?.data[0] ?? {};
}

const number = (row: Row, field: string): number | null => (typeof row[field] === 'number' ? row[field] : null);
/** True if a figure is unknown, or within its bounds. */
const isWithin = (value: number | null, most: number | null): boolean =>
  value === null || (value >= 0 && value <= (most ?? Infinity));

const counter = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 100_000 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
);
const counters = (length: number) => fc.array(counter, { minLength: length, maxLength: length });
const stat = fc.array(counters(10), { minLength: 2, maxLength: 4 }).map((cpus) => ({
  '/proc/stat': cpus.map((ticks, at) => `cpu${at === 0 ? '' : at - 1} ${ticks.join(' ')}\n`).join(''),
}));

test('shares of CPU time are from 0 to 100, and together not more, whatever /proc/stat says', () => {
  fc.assert(
    fc.property(stat, stat, (before, files) => {
      const row = rowAfter(cpu, before, files);
      const shares = ['user', 'system', 'iowait', 'steal', 'used', 'busiest'].map((name) =>
        number(row, `${name}_percent`),
      );
      assert.ok(
        shares.every((share) => isWithin(share, 100)),
        JSON.stringify(row),
      );
      const [user = 0, system = 0, iowait = 0, steal = 0, used] = shares;
      assert.ok(used !== null || user === null);
      assert.ok((user ?? 0) + (system ?? 0) + (iowait ?? 0) + (steal ?? 0) < 100.1, JSON.stringify(row));
    }),
  );
});

test('used and available memory are parts of the memory, whatever /proc/meminfo says', () => {
  const names = ['MemTotal', 'MemFree', 'MemAvailable', 'Active(file)', 'Inactive(file)', 'SReclaimable'];
  const lines = fc.array(fc.tuple(fc.constantFrom(...names, 'SwapTotal', 'SwapFree'), counter));
  fc.assert(
    fc.property(lines, (figures) => {
      const meminfo = figures.map(([name, value]) => `${name}: ${value} kB\n`).join('');
      const files = { '/proc/meminfo': `MemTotal: 5 kB\nSwapTotal: 5 kB\nSwapFree: 5 kB\n${meminfo}` };
      for (const [probe, part] of [
        [memory, 'available_bytes'],
        [swap, 'used_bytes'],
      ] as const) {
        const row = run(probe, files).functions[0]?.data[0] ?? {};
        assert.ok(isWithin(number(row, part), number(row, 'total_bytes')), JSON.stringify(row));
        assert.ok(isWithin(number(row, 'used_percent'), 100), JSON.stringify(row));
      }
    }),
  );
});

test('used and available space are parts of the size, whatever statfs says', () => {
  const blocks = fc.record({
    bsize: fc.constantFrom(512, 4096),
    blocks: counter,
    bfree: counter,
    bavail: counter,
    files: counter,
    ffree: counter,
  });
  fc.assert(
    fc.property(fc.array(blocks, { minLength: 1, maxLength: 2 }), (usages) => {
      const facts = usageFacts(usages, 'ext4') as Row;
      const size = number(facts, 'size_bytes');
      for (const field of ['used_bytes', 'available_bytes'])
        assert.ok(isWithin(number(facts, field), size), JSON.stringify(facts));
      for (const field of ['used_percent', 'inodes_percent'])
        assert.ok(isWithin(number(facts, field), 100), JSON.stringify(facts));
    }),
  );
});

const dev = counters(16).map((figures) => ({
  '/proc/net/dev': `  eth0: ${figures.join(' ')}\n`,
  '/sys/class/net/eth0/device/vendor': '1',
  '/sys/class/net/eth0/speed': '1000\n',
}));
const disk = counters(11).map((figures) => ({
  '/proc/diskstats': `   8  0 sda ${figures.join(' ')}\n   8  1 sda1 9 9 9 9\n`,
  '/sys/block/sda/device/vendor': '1',
}));

test('no interface carries more than twice its link, and no disk is busy for longer than the time', () => {
  fc.assert(
    fc.property(dev, dev, disk, disk, (netBefore, net, diskBefore, disks) => {
      const carried = rowAfter(network, netBefore, net);
      for (const field of ['rx_bytes_per_s', 'tx_bytes_per_s']) {
        assert.ok(isWithin(number(carried, field), 2 * 125_000_000), JSON.stringify(carried));
      }
      const worked = rowAfter(diskIo, diskBefore, disks);
      assert.ok(isWithin(number(worked, 'busy_percent'), 100), JSON.stringify(worked));
      for (const field of ['reads_per_s', 'write_bytes_per_s']) assert.ok(isWithin(number(worked, field), null));
    }),
  );
});

const ticks = (...cpus: readonly (readonly number[])[]): Files => ({
  '/proc/stat': cpus.map((figures, at) => `cpu${at === 0 ? '' : at - 1} ${figures.join(' ')}\n`).join(''),
});
const earlier = [100_000, 0, 1000, 900_000, 0, 0, 0, 0];
const later = [101_000, 0, 1100, 904_000, 0, 0, 0, 0];

for (const [what, before, now, used] of [
  ['a minute of one CPU', earlier, later, 21.57],
  ['idle time that shows 0 once', earlier, later.with(3, 0), null],
  ['the reading after it', earlier.with(3, 0), later, null],
  ['user time that shows 0 once', earlier, later.with(0, 0), null],
  ['more time than has passed', earlier, later.with(0, 200_000), null],
] as const) {
  test(`CPU: ${what} is ${used ?? 'unknown'}`, () => {
    assert.equal(rowAfter(cpu, ticks(before, before), ticks(now, now))['used_percent'], used);
  });
}

test('CPUs that took more time than all together are unknown', () => {
  const row = rowAfter(cpu, ticks(earlier, earlier, earlier), ticks(later, later, later));
  assert.deepEqual([row['used_percent'], row['busiest_percent']], [null, null]);
});

test('memory of which more is available than there is counts what is free', () => {
  const meminfo = 'MemTotal: 1000 kB\nMemFree: 400 kB\nMemAvailable: 90000 kB\nSwapTotal: 10 kB\nSwapFree: 20 kB\n';
  assert.equal(run(memory, { '/proc/meminfo': meminfo }).functions[0]?.data[0]?.['used_percent'], 60);
  assert.equal(run(swap, { '/proc/meminfo': meminfo }).functions[0]?.data[0]?.['used_bytes'], null);
});

test('a count of kills that shows 0 once is no kill when it is back', () => {
  const kills = (count: number): Files => ({ '/proc/vmstat': `oom_kill ${count}\n` });
  const first = run(kernel, kills(5));
  const fallen = run(kernel, kills(0), { counters: first.counters ?? null, elapsedMs: 60_000 });
  assert.equal(fallen.functions[0]?.data[0]?.['oom_kills'], null);
  const back = run(kernel, kills(5), { counters: fallen.counters ?? null, elapsedMs: 60_000 });
  assert.equal(back.functions[0]?.data[0]?.['oom_kills'], 0);
});
