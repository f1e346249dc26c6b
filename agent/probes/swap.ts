import { missing, oneRow, rounded } from './function-report.ts';
import { meminfoBytes } from './memory.ts';
import type { VisitProbe } from './probe.ts';

/** Reads /proc/meminfo. */
export const swap: VisitProbe = {
  name: 'swap',
  deadlineMs: 1000,
  reads: { files: ['/proc/meminfo'] },
  run: ({ source }) => {
    const meminfo = source.read('/proc/meminfo');
    const total = meminfoBytes(meminfo, 'SwapTotal');
    const free = meminfoBytes(meminfo, 'SwapFree');
    if (total === null || free === null) throw new Error('no SwapTotal in /proc/meminfo');
    const used = free <= total ? total - free : missing('more is free than there is');
    return oneRow('swap', {
      total_bytes: total,
      used_bytes: used,
      used_percent:
        total === 0 ? missing('no swap') : typeof used === 'number' ? rounded((100 * used) / total, 2) : used,
    });
  },
};
