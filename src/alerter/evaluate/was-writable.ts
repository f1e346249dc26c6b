import type { DiskRow } from '../../report/columns.ts';
import type { SampledRow } from './sample.ts';

/**
 * Adds the samples that count only of file systems that were writable before. A read-only file system that never was
 * written to is as it should be.
 */
export function withWritable(sampledRow: SampledRow, writable: ReadonlySet<string>): SampledRow {
  const { samples, ifWritable } = sampledRow;
  const counting = ifWritable.filter(({ subject }) => writable.has(subject));
  return counting.length === 0 ? sampledRow : { ...sampledRow, samples: [...samples, ...counting] };
}

/** Returns the local mounts that were writable when they were last seen so, of those that a row lists. */
export function writableAfter(before: ReadonlySet<string>, disks: readonly DiskRow[] | null): ReadonlySet<string> {
  if (disks === null || disks.length === 0) return before;
  const now = disks.filter(({ mount, scope, mode }) => scope === 'local' && (mode === 'rw' || before.has(mount)));
  const same = now.length === before.size && now.every(({ mount }) => before.has(mount));
  return same ? before : new Set(now.map(({ mount }) => mount));
}
