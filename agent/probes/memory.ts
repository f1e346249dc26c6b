import { missing, oneRow, rounded } from './function-report.ts';
import type { VisitProbe } from './probe.ts';
import type { Source } from './source.ts';
import { containerReads, inCgroup, isContainer } from './virtualisation.ts';

/** Reads /proc/meminfo; in a container with a limit of its own, that limit and its usage. */
export const memory: VisitProbe = {
  name: 'memory',
  deadlineMs: 1000,
  reads: {
    names: containerReads.names,
    files: [
      ...['/proc/meminfo', '/proc/spl/kstat/zfs/arcstats', '/proc/sys/vm/min_free_kbytes'],
      ...inCgroup('memory.max', 'memory.current', 'memory.stat'),
      ...inCgroup('memory/memory.limit_in_bytes', 'memory/memory.usage_in_bytes', 'memory/memory.stat'),
    ],
  },
  run: ({ source }) => {
    const meminfo = source.read('/proc/meminfo');
    const machine = meminfoBytes(meminfo, 'MemTotal');
    if (machine === null || machine === 0) throw new Error('no MemTotal in /proc/meminfo');
    const free = availableBytes(meminfo, source, machine);
    const limit = cgroupLimit(source, machine);
    const total = limit?.total ?? machine;
    const available = free === null ? null : Math.min(free, limit?.available ?? total, total);
    const unknown = missing('no MemAvailable in /proc/meminfo');
    return oneRow('memory', {
      total_bytes: total,
      available_bytes: available ?? unknown,
      used_percent: available === null ? unknown : rounded((100 * (total - available)) / total, 2),
    });
  },
};

/**
 * Returns MemAvailable; null if it contradicts the memory of the machine. Some kernels report 0, or more than there is,
 * while MemFree is right. The cache of ZFS, which shrinks to its minimum when
 * memory is needed, counts as available, which the kernel does not know.
 * https://openzfs.github.io/openzfs-docs/man/master/4/zfs.4.html
 */
function availableBytes(meminfo: string, source: Source, total: number): number | null {
  const told = meminfoBytes(meminfo, 'MemAvailable');
  const free = meminfoBytes(meminfo, 'MemFree');
  // Before lxcfs 3 it is MemFree again, and the page cache of a container seems to be in use.
  const estimate = told === null || told === free ? estimatedAvailable(meminfo, source) : null;
  const available = told === null ? estimate : Math.max(told, estimate ?? 0);
  if (available === null) return null;
  const known = available > 0 && available <= total ? available : (free ?? available);
  if (known > total) return null;
  // In a container it would be the cache of the host.
  const cache = isContainer(source) ? '' : (source.readOptional('/proc/spl/kstat/zfs/arcstats') ?? '');
  const figure = (name: string): number => Number(new RegExp(`^${name} +\\d+ +(\\d+)$`, 'm').exec(cache)?.[1] ?? 0);
  return known + Math.max(0, figure('size') - figure('c_min'));
}

/** Estimates MemAvailable for kernels before 3.14, as procps does (sysinfo.c). */
function estimatedAvailable(meminfo: string, source: Source): number | null {
  const free = meminfoBytes(meminfo, 'MemFree');
  const active = meminfoBytes(meminfo, 'Active(file)');
  const inactive = meminfoBytes(meminfo, 'Inactive(file)');
  const reclaimable = meminfoBytes(meminfo, 'SReclaimable');
  const reserve = parseInt(source.readOptional('/proc/sys/vm/min_free_kbytes') ?? '', 10) * 1024 * 1.25;
  if (free === null || active === null || inactive === null || reclaimable === null || Number.isNaN(reserve))
    return null;
  const cache = active + inactive;
  return Math.max(
    0,
    free - reserve + cache - Math.min(cache / 2, reserve) + reclaimable - Math.min(reclaimable / 2, reserve),
  );
}

/**
 * Returns the limit of the cgroup that a container sees as its root, version 2 or 1; null without a limit.
 */
function cgroupLimit(source: Source, machine: number): { total: number; available: number } | null {
  const [limit, usage, stat, cache] = source.exists('/sys/fs/cgroup/memory.max')
    ? ['memory.max', 'memory.current', 'memory.stat', '\ninactive_file ']
    : ['memory/memory.limit_in_bytes', 'memory/memory.usage_in_bytes', 'memory/memory.stat', '\ntotal_inactive_file '];
  const read = (name: string): string => source.readOptional(`/sys/fs/cgroup/${name}`) ?? '';
  const total = parseInt(read(limit), 10);
  if (!(total > 0 && total < machine)) return null;
  const used = parseInt(read(usage), 10);
  if (Number.isNaN(used)) return null;
  // The kernel frees inactive page cache before it enforces the limit.
  const figures = `\n${read(stat)}`;
  const at = figures.indexOf(cache);
  const reclaimable = at === -1 ? 0 : parseInt(figures.slice(at + cache.length), 10);
  return { total, available: Math.max(0, total - (reclaimable <= used ? used - reclaimable : used)) };
}

/** Returns the bytes of a line of /proc/meminfo (`MemTotal:  24684096 kB`), or null if there is no such line. */
export function meminfoBytes(meminfo: string, name: string): number | null {
  const label = `${name}:`;
  const start = meminfo.startsWith(label) ? 0 : meminfo.indexOf(`\n${label}`) + 1;
  if (start === 0 && !meminfo.startsWith(label)) return null;
  const kibibytes = parseInt(meminfo.slice(start + label.length), 10);
  return Number.isNaN(kibibytes) ? null : kibibytes * 1024;
}
