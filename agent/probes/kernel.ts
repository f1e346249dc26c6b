import { functionReport, missing, rounded, type Facts, type Missing } from './function-report.ts';
import type { Earlier, VisitProbe } from './probe.ts';
import type { Source } from './source.ts';
import { inCgroup, isContainer, ofTheHost } from './virtualisation.ts';

/**
 * Reads the kernel's out-of-memory kills, tables that can be full, and pressure (PSI); in a container, the kills and
 * pressure of its cgroup.
 */
export const kernel: VisitProbe = {
  name: 'kernel',
  deadlineMs: 1000,
  reads: {
    files: [
      ...['/proc/vmstat', '/proc/sys/fs/file-nr'],
      ...['/proc/sys/net/netfilter/nf_conntrack_count', '/proc/sys/net/netfilter/nf_conntrack_max'],
      ...['/proc/pressure/cpu', '/proc/pressure/memory', '/proc/pressure/io'],
      ...inCgroup('memory.events', 'cpu.pressure', 'memory.pressure', 'io.pressure'),
    ],
  },
  rates: 'events',
  run: ({ source, earlier, noRates }) => {
    const isInside = isContainer(source);
    const kills = oomKills(source, isInside);
    const facts: Facts = {
      oom_kills: killsSince(kills, earlier, noRates),
      open_files_percent: isInside ? missing(ofTheHost) : openFiles(source),
      conntrack_percent: connections(source),
    };
    const pressure = (name: string): number | Missing => pressureOf(source, name, isInside);
    const pressures = {
      cpu_percent: pressure('cpu'),
      memory_percent: pressure('memory'),
      io_percent: pressure('io'),
    };
    return {
      functions: [functionReport('kernel', [facts]), functionReport('pressure', [pressures])],
      // Outside of containers the counter never falls within a boot: a lower one is a reading that failed.
      ...(kills === null ? {} : { counters: isInside ? kills : Math.max(kills, Number(earlier?.counters ?? 0)) }),
    };
  },
};

/** Returns the processes killed since boot (kernel 4.13 and newer) or since the container's start; null if unknown. */
function oomKills(source: Source, isInside: boolean): number | null {
  const text = source.readOptional(isInside ? '/sys/fs/cgroup/memory.events' : '/proc/vmstat');
  const count = Number(/^oom_kill (\d+)$/m.exec(text ?? '')?.[1] ?? NaN);
  return Number.isNaN(count) ? null : count;
}

function killsSince(count: number | null, earlier: Earlier | null, noRates: string): number | Missing {
  if (count === null) return missing('the kernel does not tell');
  if (earlier === null) return missing(noRates);
  const before = Number(earlier.counters);
  return count >= before ? count - before : missing('the counter was reset');
}

/** Returns the percentage of open files. https://docs.kernel.org/admin-guide/sysctl/fs.html#file-max-file-nr */
function openFiles(source: Source): number | Missing {
  const [open = NaN, , most = NaN] = numbersIn(source.readOptional('/proc/sys/fs/file-nr'));
  return most > 0 ? percent(open, most) : missing('the kernel does not tell');
}

function connections(source: Source): number | Missing {
  const read = (name: string): number =>
    numbersIn(source.readOptional(`/proc/sys/net/netfilter/nf_conntrack_${name}`))[0] ?? NaN;
  const most = read('max');
  return most > 0 ? percent(read('count'), most) : missing('no connection tracking');
}

/** Returns the share of the last minute in which a task waited. https://docs.kernel.org/accounting/psi.html */
function pressureOf(source: Source, name: string, isInside: boolean): number | Missing {
  const text = source.readOptional(isInside ? `/sys/fs/cgroup/${name}.pressure` : `/proc/pressure/${name}`);
  const average = /^some .*avg60=([\d.]+)/m.exec(text ?? '')?.[1];
  return average === undefined ? missing('the kernel does not tell') : Number(average);
}

function numbersIn(text: string | null): readonly number[] {
  return text === null ? [] : text.trim().split(/\s+/).map(Number);
}

/** Returns the percentage, at most 100: the kernel lets root open more than the limit. */
function percent(used: number, most: number): number {
  return Math.min(100, rounded((100 * used) / most, 2));
}
