/** A line of /proc/self/mountinfo. https://docs.kernel.org/filesystems/proc.html#proc-pid-mountinfo */
export interface Mount {
  readonly id: string;
  readonly parent: string;
  /** The major:minor of the file system; 0:N without a block device. */
  readonly device: string;
  /** The part of its file system that is mounted here: `/`, or a folder or file of a bind mount or subvolume. */
  readonly root: string;
  readonly mount: string;
  readonly fstype: string;
  readonly source: string;
  /** True if neither this mount nor its file system is read-only. */
  readonly writable: boolean;
}

/** Returns the mounts that can be reached, in the order of the text. Skips invalid lines. */
export function reachableMounts(mountinfo: string): Mount[] {
  const mounts: Mount[] = [];
  const byId = new Map<string, Mount>();
  // The mount points of the children of each mount, by its id.
  const places = new Map<string, Set<string>>();
  for (const line of mountinfo.split('\n')) {
    const mount = parseLine(line);
    if (mount === null) continue;
    mounts.push(mount);
    byId.set(mount.id, mount);
    // The first root file system is its own parent.
    if (mount.id === mount.parent) continue;
    const others = places.get(mount.parent);
    if (others === undefined) places.set(mount.parent, new Set([mount.mount]));
    else others.add(mount.mount);
  }
  const buried = new Map<Mount, boolean>();
  const isBuried = (mount: Mount): boolean => {
    if (!buried.has(mount)) {
      const { id, parent } = mount;
      // Ends the walk at a mount without a parent, and if the kernel ever shows a cycle.
      buried.set(mount, false);
      // A later mount on a higher folder has the same parent, and hides the mounts below.
      const isHidden = foldersAbove(mount.mount).some((folder) => id !== parent && places.get(parent)?.has(folder));
      buried.set(mount, isHidden || isBuried(byId.get(parent) ?? mount));
    }
    return buried.get(mount) === true;
  };
  // In the order of the text nearly every parent is known, so that a long chain does not make a deep recursion.
  const found = mounts.filter((mount) => !isBuried(mount) && places.get(mount.id)?.has(mount.mount) !== true);
  // The last of unrelated mounts at one place is seen: their parents may be outside of the root.
  const last = new Map(found.map((mount) => [mount.mount, mount]));
  return last.size === found.length ? found : found.filter((mount) => last.get(mount.mount) === mount);
}

/** Returns the folders above a path, the 64 highest: `/`, `/a` and `/a/b` of `/a/b/c`. */
export function foldersAbove(path: string): string[] {
  const folders = path === '/' ? [] : ['/'];
  for (let at = path.indexOf('/', 1); at > 0 && folders.length < 64; at = path.indexOf('/', at + 1))
    folders.push(path.slice(0, at));
  return folders;
}

function parseLine(line: string): Mount | null {
  const fields = line.split(' ');
  const separator = fields.indexOf('-', 6);
  if (separator === -1) return null;
  const [id, parent, device, root, mount, options] = fields;
  const fstype = fields[separator + 1];
  const source = fields[separator + 2];
  const superOptions = fields[separator + 3];
  if (id === undefined || parent === undefined || device === undefined || root === undefined) return null;
  if (mount === undefined || options === undefined || fstype === undefined || fstype === '') return null;
  return {
    id,
    parent,
    device,
    root: unescaped(root),
    mount: unescaped(mount),
    fstype,
    source: unescaped(source ?? ''),
    writable: !isReadOnly(options) && !isReadOnly(superOptions ?? ''),
  };
}

/**
 * True if the options are read-only. Since Linux 6.12 ext4 keeps `rw` after an error that ended writing, and adds the
 * state.
 */
function isReadOnly(options: string): boolean {
  return options === 'ro' || options.startsWith('ro,') || /,(emergency_ro|shutdown)(,|$)/.test(options);
}

/** The longest path of the kernel (PATH_MAX, 4,096 bytes), each byte of it written as four characters. */
const maxEscapedChars = 4 * 4096;

/** Decodes a path: the kernel writes blank, tab, newline, backslash and `#` as three octal digits. */
export function unescaped(text: string): string {
  if (!text.includes('\\') || text.length > maxEscapedChars) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
