import { foldersAbove } from './mountinfo.ts';
import type { Mount } from './mountinfo.ts';

export type Scope = 'local' | 'network';

/** A file system to be reported, once, however often it is mounted. */
export interface FileSystem {
  readonly mount: string;
  readonly fstype: string;
  readonly source: string;
  readonly scope: Scope;
  /** At least one of its mounts can be written to. */
  readonly writable: boolean;
  /** Whether asking may wait for something outside of the kernel, so that a child process has to ask. */
  readonly mayHang: boolean;
  /** The datasets of a ZFS pool, each of which knows only its own part; for others the mount alone. */
  readonly parts: readonly string[];
}

const network = new Set(
  '9p afs beegfs ceph cifs coda gpfs lustre ncpfs nfs nfs4 orangefs prl_fs pvfs2 smb3 smbfs vboxsf virtiofs vmhgfs'.split(
    ' ',
  ),
);
/** FUSE programs that hold nothing of their own. */
const nothingInside = new Set(
  'fuse.fuse-overlayfs fuse.gvfsd-fuse fuse.lxcfs fuse.portal fuse.snapfuse fuse.squashfuse fuse.squashfuse_ll'.split(
    ' ',
  ),
);
/** File systems with storage, although no block device stands in their mountinfo. */
const withoutDevice = new Set(['bcachefs', 'btrfs', 'f2fs', 'jffs2', 'ubifs', 'zfs']);
/** Images: full by nature. */
const images = new Set(['cramfs', 'erofs', 'iso9660', 'romfs', 'squashfs', 'udf']);

/**
 * The file systems worth a row. Local ones once per device or pool, under their shortest mount point; tmpfs, overlay and
 * their like only as the root or where `expected` names them; whatever `expected` names in any case.
 */
export function fileSystems(
  mounts: readonly Mount[],
  expected: readonly string[],
  isFolder: (path: string) => boolean,
): FileSystem[] {
  const wanted = new Set(expected);
  const waiting = new Set(mounts.filter((mount) => mayWait(mount, scopeOf(mount, wanted))).map(({ mount }) => mount));
  const isWaiting = (path: string): boolean =>
    waiting.has(path) || (waiting.size > 0 && foldersAbove(path).some((folder) => waiting.has(folder)));
  const isPart = ({ root, mount }: Mount): boolean => root !== '/' && mount !== '/' && !wanted.has(mount);
  const groups = new Map<string, Mount[]>();
  for (const mount of mounts) {
    if (scopeOf(mount, wanted) === null) continue;
    // A single file, as containers have for /etc/hosts, is no place of its own.
    if (isPart(mount) && !isWaiting(mount.mount) && !isFolder(mount.mount)) continue;
    const key = mount.fstype === 'zfs' ? `zfs ${mount.source.split('/', 1)[0] ?? ''}` : mount.device;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [mount]);
    else group.push(mount);
  }
  return [...groups.values()].flatMap((group) => {
    const shortest = group.reduce((best, mount) => (mount.mount.length < best.mount.length ? mount : best));
    const writable = group.some((mount) => mount.writable);
    const others = group.filter((mount) => mount !== shortest && wanted.has(mount.mount));
    return [shortest, ...others].map((mount): FileSystem => {
      const scope = scopeOf(mount, wanted) ?? 'local';
      const isPool = mount === shortest && mount.fstype === 'zfs';
      return {
        mount: mount.mount,
        fstype: mount.fstype,
        source: mount.source,
        scope,
        writable: mount === shortest ? writable : mount.writable,
        mayHang: isWaiting(mount.mount),
        parts: isPool ? group.map((dataset) => dataset.mount) : [mount.mount],
      };
    });
  });
}

function scopeOf({ fstype, device, mount }: Mount, wanted: ReadonlySet<string>): Scope | null {
  // autofs only waits for its mount; asking would cause it.
  if (fstype === 'autofs') return null;
  if (network.has(fstype)) return 'network';
  if (fstype === 'fuse' || fstype.startsWith('fuse.')) {
    return nothingInside.has(fstype) && mount !== '/' && !wanted.has(mount) ? null : 'network';
  }
  if (mount === '/' || wanted.has(mount)) return 'local';
  if (images.has(fstype)) return null;
  return !device.startsWith('0:') || withoutDevice.has(fstype) ? 'local' : null;
}

function mayWait({ fstype }: Mount, scope: Scope | null): boolean {
  return scope === 'network' || fstype === 'fuseblk';
}
