import { missing, oneRow, rounded, type Missing } from './function-report.ts';
import { meminfoBytes } from './memory.ts';
import type { VisitProbe } from './probe.ts';
import type { Source } from './source.ts';
import { containerReads, inCgroup, isContainer, isMountedOver, ofTheHost } from './virtualisation.ts';

/** Reads /proc/meminfo; in a container that sees the one of its host, the swap of its cgroup of version 2. */
export const swap: VisitProbe = {
  name: 'swap',
  deadlineMs: 1000,
  reads: {
    names: containerReads.names,
    files: ['/proc/meminfo', ...inCgroup('memory.swap.max', 'memory.swap.current'), ...containerReads.files],
  },
  run: ({ source }) => {
    const meminfo = source.read('/proc/meminfo');
    const machine = meminfoBytes(meminfo, 'SwapTotal');
    const free = meminfoBytes(meminfo, 'SwapFree');
    if (machine === null || free === null) throw new Error('no SwapTotal in /proc/meminfo');
    const isOfHost = machine > 0 && seesHost(source);
    const own = free <= machine ? machine - free : missing('more is free than there is');
    const total = isOfHost ? inCgroupOf(source, 'max', machine) : machine;
    const used = isOfHost ? inCgroupOf(source, 'current', machine) : own;
    const share = typeof used === 'number' ? rounded((100 * used) / Number(total), 2) : used;
    return oneRow('swap', {
      total_bytes: total,
      used_bytes: used,
      used_percent: total === 0 ? missing('no swap') : share,
    });
  },
};

function seesHost(source: Source): boolean {
  // The kernel of OpenVZ has this file for each container.
  return isContainer(source) && !isMountedOver(source, '/proc/meminfo') && !source.exists('/proc/vz');
}

function inCgroupOf(source: Source, name: string, most: number): number | Missing {
  const text = source.readOptional(`/sys/fs/cgroup/memory.swap.${name}`) ?? '';
  const bytes = text === 'max\n' ? most : Math.min(most, parseInt(text, 10));
  return Number.isNaN(bytes) ? missing(ofTheHost) : bytes;
}
