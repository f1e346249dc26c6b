import { imageTypes } from '../../src/report/report.ts';
import { missing, rounded, type Facts } from './function-report.ts';
import type { Usage } from './source.ts';

/**
 * Groups the parts of a pool that share their space. Datasets with a quota have an available space of their own; the
 * others have that of the pool, rounded down to their block sizes, at slightly different moments.
 */
export function spacesOf<T extends { readonly usage: Usage }>(parts: readonly T[]): readonly (readonly T[])[] {
  const groups: { readonly availableBytes: number; readonly blockBytes: number; readonly parts: T[] }[] = [];
  for (const part of parts) {
    const { bsize } = part.usage;
    const availableBytes = availableBytesOf(part.usage);
    const group = groups.find(
      (one) =>
        Math.abs(one.availableBytes - availableBytes) <=
        Math.max(one.blockBytes, bsize) + Math.max(one.availableBytes, availableBytes) / 1000,
    );
    if (group === undefined) groups.push({ availableBytes, blockBytes: bsize, parts: [part] });
    else group.parts.push(part);
  }
  return groups.map((group) => group.parts);
}

/**
 * Returns the figures of a mount. `usages` are the datasets of a pool, with their own used and the same available
 * space. The mode is `sealed` if nobody can write to its device either.
 */
export function usageFacts(usages: readonly Usage[], fstype: string, mode = 'rw', source = ''): Facts {
  let used = 0;
  let free = 0;
  let available = 0;
  for (const usage of usages) {
    const { bsize, blocks, bfree } = usage;
    if (bfree > blocks) return unknownUsage('more is free than there is');
    const ofUsers = availableBytesOf(usage);
    // FUSE file systems may tell only what users have.
    const ofAll = Math.max(bfree * bsize, ofUsers);
    used += blocks * bsize - ofAll;
    free = Math.max(free, ofAll);
    available = Math.max(available, ofUsers);
  }
  if (used + free === 0) return unknownUsage('the file system tells no size');
  const [first] = usages;
  return {
    size_bytes: used + free,
    used_bytes: used,
    available_bytes: available,
    ...(isImage({ fstype, mode, source, used, available })
      ? unfillable
      : {
          used_percent: used + available > 0 ? rounded((100 * used) / (used + available), 2) : 100,
          inodes_percent: inodesPercent(first, fstype),
        }),
  };
}

const unfillable = {
  used_percent: missing('a read-only image cannot fill'),
  inodes_percent: missing('a read-only image cannot fill'),
};

/**
 * True if the file system is an image, which is always full: by its type, a file that is mounted read-only with a
 * fiftieth free at most, or a layer or seed that nobody can write and that has no space.
 */
function isImage({
  fstype,
  mode,
  source,
  used,
  available,
}: Readonly<Record<'fstype' | 'mode' | 'source', string>> & Readonly<Record<'used' | 'available', number>>): boolean {
  if (
    mode === 'sealed' ||
    imageTypes.has(fstype) ||
    /^fuse\.(.*\.AppImage|squashfuse.*|snapfuse|erofsfuse|fuseiso|.*archivemount|dwarfs)$/i.test(fstype)
  )
    return true;
  if (mode === 'ro' && /^\/dev\/loop\d/.test(source)) return available * 49 <= used;
  return mode === 'ro' && available === 0 && /^(overlay|btrfs|composefs|fuse\b.*)$/.test(fstype);
}

/** Returns the available space. That of some file systems is negative, which appears as a huge number. */
function availableBytesOf({ bsize, blocks, bavail }: Usage): number {
  return bavail > blocks ? 0 : bavail * bsize;
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
