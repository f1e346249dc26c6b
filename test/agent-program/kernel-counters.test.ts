import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { kernelCounters } from '../../src/agent-program/kernel-counters.ts';
import { tempFolder } from '../support/temp-folder.ts';

test('the counters of the kernel have the names and units of pattoo', (t) => {
  const proc = tempFolder(t);
  const files = {
    stat: 'cpu  1 2 3 4\nintr 900 1 2\nctxt 1000\nbtime 1\nsoftirq 700 1 2\n',
    vmstat: 'pgpgin 5\npswpin 2\npswpout 3\n',
    diskstats:
      '   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n' +
      '   8       0 sda 10 1 80 30 20 2 160 40 0 50 70 0 0 0 0\n 259 1 nvme0n1p1 1 0 8 3\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(proc, name), text);
  assert.deepEqual(Object.fromEntries(kernelCounters(proc)), {
    cpu_stats_ctx_switches: [[null, 1000]],
    cpu_stats_interrupts: [[null, 900]],
    cpu_stats_soft_interrupts: [[null, 700]],
    swap_sin: [[null, 8192]],
    swap_sout: [[null, 12288]],
    disk_io_read_count: [
      ['sda', 10],
      ['nvme0n1p1', 1],
    ],
    disk_io_read_merged_count: [
      ['sda', 1],
      ['nvme0n1p1', 0],
    ],
    disk_io_read_bytes: [
      ['sda', 40960],
      ['nvme0n1p1', 4096],
    ],
    disk_io_read_time: [
      ['sda', 30],
      ['nvme0n1p1', 3],
    ],
    disk_io_write_count: [['sda', 20]],
    disk_io_write_merged_count: [['sda', 2]],
    disk_io_write_bytes: [['sda', 81920]],
    disk_io_write_time: [['sda', 40]],
    disk_io_busy_time: [['sda', 50]],
  });
  assert.ok(kernelCounters(path.join(proc, 'none')).every(([, values]) => values.length === 0));
});
