import { missing, rounded, type Facts } from './function-report.ts';

/** The result of statfs(2), in blocks of bsize bytes. */
export interface Usage {
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

/**
 * Returns the figures of a mount. `usages` are the datasets of a pool, with their own used and the same available
 * space.
 */
export function usageFacts(usages: readonly Usage[], fstype: string): Facts {
  let used = 0;
  let free = 0;
  let available = 0;
  for (const { bsize, blocks, bfree, bavail } of usages) {
    used += Math.max(0, blocks - bfree) * bsize;
    free = Math.max(free, bfree * bsize);
    // The available space of some file systems is negative, which appears as a huge number.
    available = Math.max(available, bavail > blocks ? 0 : bavail * bsize);
  }
  if (used + free === 0) return unknownUsage('the file system tells no size');
  const [first] = usages;
  return {
    size_bytes: used + free,
    used_bytes: used,
    available_bytes: available,
    used_percent: used + available > 0 ? rounded((100 * used) / (used + available), 2) : 100,
    inodes_percent: inodesPercent(first, fstype),
  };
}

/** Returns the figures of a mount, all unknown for the same reason. */
export function unknownUsage(reason: string): Facts {
  const none = missing(reason);
  return { size_bytes: none, used_bytes: none, available_bytes: none, used_percent: none, inodes_percent: none };
}

function inodesPercent(usage: Usage | undefined, fstype: string): number | ReturnType<typeof missing> {
  // ZFS derives its number of inodes from the available space.
  if (usage === undefined || fstype === 'zfs' || !(usage.files > 0) || usage.ffree > usage.files) {
    return missing('no inode count');
  }
  return rounded((100 * (usage.files - usage.ffree)) / usage.files, 2);
}
