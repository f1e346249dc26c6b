import { imageTypes } from '../../src/report/report.ts';
import { foldersAbove, type Mount } from './mountinfo.ts';

export type Scope = 'local' | 'network';

/** A file system of the report, once even if it has several mounts; or a missing mount. */
export interface FileSystem {
  readonly mount: string;
  readonly fstype: string;
  readonly source: string;
  readonly scope: Scope;
  /**
   * The mode. `rw`: at least one of the mounts is writable. `missing`: /etc/fstab names the mount, which is not
   * mounted.
   */
  readonly mode: 'rw' | 'ro' | 'missing';
  /** True if statfs may wait for something outside of the kernel, so that a child process has to ask. */
  readonly mayHang: boolean;
  /**
   * The mounts to ask: the datasets of a ZFS pool, each of which reports its own part, the one that names the pool
   * first; otherwise the mount alone.
   */
  readonly parts: readonly Pick<Mount, 'mount' | 'source' | 'writable'>[];
  /** True for a mount that `expected` names beside the mount that names its file system. */
  readonly isFurther: boolean;
}

export const network = new Set(
  (
    '9p afs beegfs ceph cifs coda gpfs lustre ncpfs nfs nfs4 orangefs prl_fs pvfs2 smb3 smbfs ' +
    'vboxsf virtiofs vmhgfs'
  ).split(' '),
);
/** The FUSE programs without storage. */
export const nothingInside = new Set(
  'fuse.fuse-overlayfs fuse.gvfsd-fuse fuse.lxcfs fuse.portal fuse.snapfuse fuse.squashfuse fuse.squashfuse_ll'.split(
    ' ',
  ),
);
/** The file systems with storage whose mountinfo shows no block device. */
export const withoutDevice = new Set('bcachefs btrfs drvfs f2fs jffs2 simfs ubifs vzfs zfs'.split(' '));
/** The shares by which WSL shows parts of a drive of Windows, which is mounted as a whole as well. */
const ofWindows = /^\/(init$|usr\/lib\/wsl\/)/;

/**
 * Returns the file systems of the report. Local ones appear once per device or pool; tmpfs, overlay and the like only
 * as the root; mounts that `expected` names always. The name of a file system is that of its mount at `/`, otherwise of
 * the mount of its root, as in `df`, otherwise of a bind mount or subvolume; among several, of the shortest.
 */
export function fileSystems(
  mounts: readonly Mount[],
  expected: readonly string[],
  isFolder: (path: string) => boolean,
): FileSystem[] {
  const wanted = new Set(expected);
  const waiting = new Set(
    mounts.filter((mount) => scopeOf(mount, wanted) !== null && mayWait(mount)).map(({ mount }) => mount),
  );
  const isWaiting = (path: string): boolean => [path, ...foldersAbove(path)].some((folder) => waiting.has(folder));
  const isPart = ({ root, mount }: Mount): boolean => root !== '/' && mount !== '/' && !wanted.has(mount);
  const groups = new Map<string, Mount[]>();
  for (const mount of mounts) {
    if (scopeOf(mount, wanted) === null) continue;
    // A mount of a single file, such as /etc/hosts in containers, gets no row.
    if (isPart(mount) && !isWaiting(mount.mount) && !isFolder(mount.mount)) continue;
    const key = mount.fstype === 'zfs' ? `zfs ${mount.source.split('/', 1)[0] ?? ''}` : mount.device;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [mount]);
    else group.push(mount);
  }
  return [...groups.values()].flatMap((group) => {
    const [named, ...further] = group.sort(byNearness);
    const writable = group.some((mount) => mount.writable);
    const others = further.filter(({ mount }) => wanted.has(mount));
    return (named === undefined ? [] : [named, ...others]).map((mount): FileSystem => {
      const scope = scopeOf(mount, wanted) ?? 'local';
      const isPool = mount === named && mount.fstype === 'zfs';
      return {
        mount: mount.mount,
        fstype: mount.fstype,
        source: mount.source,
        scope,
        mode: (mount === named ? writable : mount.writable) ? 'rw' : 'ro',
        mayHang: isWaiting(mount.mount),
        parts: isPool ? group : [mount],
        isFurther: mount !== named,
      };
    });
  });
}

/**
 * Orders mounts, the one that names their file system first. A new or removed bind mount, dataset or pod must not
 * rename a file system and its alerts.
 */
function byNearness(one: Mount, other: Mount): number {
  const rank = ({ root, mount, fstype, source }: Mount): number => {
    if (mount === '/') return 0;
    if (mount.includes('/kubelet/pods/')) return 3;
    return root === '/' && !(fstype === 'zfs' && source.includes('/')) ? 1 : 2;
  };
  return rank(one) - rank(other) || one.mount.length - other.mount.length;
}

function scopeOf({ fstype, device, mount }: Mount, wanted: ReadonlySet<string>): Scope | null {
  // A request to autofs would trigger the mount.
  if (fstype === 'autofs') return null;
  const isNothing = nothingInside.has(fstype) || (fstype === '9p' && ofWindows.test(mount));
  if (isNetwork(fstype)) return isNothing && mount !== '/' && !wanted.has(mount) ? null : 'network';
  if (mount === '/' || wanted.has(mount)) return 'local';
  if (imageTypes.has(fstype)) return null;
  return !device.startsWith('0:') || withoutDevice.has(fstype) ? 'local' : null;
}

/** True if a type depends on a server or a FUSE program. */
export function isNetwork(fstype: string): boolean {
  return network.has(fstype) || fstype === 'fuse' || fstype.startsWith('fuse.');
}

/** True if a type has two block sizes: one for reading and one for counting, which Node does not report. */
export function hasTwoBlockSizes(fstype: string): boolean {
  return /^(fuse(\..*)?|fuseblk|virtiofs)$/.test(fstype);
}

/** True if an access to the mount may have to wait. */
export function mayWait({ fstype }: Mount): boolean {
  return isNetwork(fstype) || fstype === 'fuseblk';
}
