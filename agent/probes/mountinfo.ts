/** A line of /proc/self/mountinfo. https://docs.kernel.org/filesystems/proc.html#proc-pid-mountinfo */
export interface Mount {
  readonly id: string;
  readonly parent: string;
  /** major:minor of the file system; 0:N where no block device is behind it. */
  readonly device: string;
  /** What part of its file system is mounted here: `/`, or a folder or file of it in a bind mount or subvolume. */
  readonly root: string;
  readonly mount: string;
  readonly fstype: string;
  readonly source: string;
  /** Neither this mount nor its file system is read-only. */
  readonly writable: boolean;
}

/**
 * The mounts that are `wanted` and can be reached, in the order of the text; lines that are no mounts are left out.
 */
export function reachableMounts(mountinfo: string, wanted: (mount: Mount) => boolean = () => true): Mount[] {
  const mounts = mountinfo.split('\n').flatMap((line) => parseLine(line) ?? []);
  // The first root file system is its own parent.
  const places = new Set<string>();
  for (const { id, parent, mount } of mounts) if (id !== parent) places.add(`${parent} ${mount}`);
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  // What was mounted later on a folder further up belongs to the same parent, and hides what it lies on.
  const isHidden = ({ id, parent, mount }: Mount): boolean =>
    id !== parent && foldersAbove(mount).some((folder) => places.has(`${parent} ${folder}`));
  const isBuried = (mount: Mount): boolean => {
    let at: Mount | undefined = mount;
    // Counting ends the walk should the kernel ever show a circle.
    for (let steps = 0; at !== undefined && steps <= mounts.length; steps++) {
      if (isHidden(at)) return true;
      at = byId.get(at.parent);
    }
    return false;
  };
  return mounts.filter((mount) => wanted(mount) && !places.has(`${mount.id} ${mount.mount}`) && !isBuried(mount));
}

/** `/a/b` and `/a` of `/a/b/c`; with `/` at the end. */
export function foldersAbove(path: string): string[] {
  const folders: string[] = [];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) folders.push(path.slice(0, at));
  return path === '/' ? [] : [...folders, '/'];
}

function parseLine(line: string): Mount | null {
  const separator = line.indexOf(' - ');
  if (separator === -1) return null;
  const [id, parent, device, root, mount, options] = line.slice(0, separator).split(' ', 6);
  const [fstype, source, superOptions] = line.slice(separator + 3).split(' ', 3);
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

function isReadOnly(options: string): boolean {
  return options === 'ro' || options.startsWith('ro,');
}

/** The kernel writes blank, tab, newline, backslash and `#` as three octal digits. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
