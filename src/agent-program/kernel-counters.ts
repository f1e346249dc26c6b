import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A counter of the kernel by its name, with its value for each label; null stands for no label. */
export type KernelCounter = readonly [
  name: string,
  values: readonly (readonly [label: string | null, value: number])[],
];

/** The bytes of a sector in /proc/diskstats, and of a page in /proc/vmstat where Linux has small pages. */
const sectorBytes = 512;
const pageBytes = 4096;

/** The fields behind the name in /proc/diskstats (Documentation/admin-guide/iostats.rst), with their factors. */
const diskFields = [
  ['disk_io_read_count', 0, 1],
  ['disk_io_read_merged_count', 1, 1],
  ['disk_io_read_bytes', 2, sectorBytes],
  ['disk_io_read_time', 3, 1],
  ['disk_io_write_count', 4, 1],
  ['disk_io_write_merged_count', 5, 1],
  ['disk_io_write_bytes', 6, sectorBytes],
  ['disk_io_write_time', 7, 1],
  ['disk_io_busy_time', 9, 1],
] as const;

/**
 * Returns the counters of this machine's kernel that reports do not have, under pattoo's names: disks, interrupts,
 * context switches and swapping. Omits what cannot be read, and disks that were never used. `proc` stands for /proc.
 */
export function kernelCounters(proc = '/proc'): readonly KernelCounter[] {
  const linesOf = (name: string): readonly (readonly string[])[] => {
    try {
      return readFileSync(path.join(proc, name), 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/));
    } catch {
      return [];
    }
  };
  const [stat, vmstat] = [linesOf('stat'), linesOf('vmstat')];
  const single = (name: string, lines: readonly (readonly string[])[], key: string, factor = 1): KernelCounter => {
    const value = Number(lines.find(([first]) => first === key)?.[1] ?? NaN);
    return [name, Number.isFinite(value) ? [[null, value * factor]] : []];
  };
  const disks = linesOf('diskstats').flatMap(([, , disk, ...fields]) => {
    const values = fields.map(Number);
    const isUsed = values.slice(0, 8).some((value) => value > 0);
    return disk !== undefined && isUsed ? [{ disk, values }] : [];
  });
  return [
    single('cpu_stats_ctx_switches', stat, 'ctxt'),
    single('cpu_stats_interrupts', stat, 'intr'),
    single('cpu_stats_soft_interrupts', stat, 'softirq'),
    single('swap_sin', vmstat, 'pswpin', pageBytes),
    single('swap_sout', vmstat, 'pswpout', pageBytes),
    ...diskFields.map(([name, at, factor]): KernelCounter => [
      name,
      disks.flatMap(({ disk, values }) => {
        const value = values[at];
        return value === undefined || !Number.isFinite(value) ? [] : [[disk, value * factor] as const];
      }),
    ]),
  ];
}
