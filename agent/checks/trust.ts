import { lstatSync, readlinkSync, type Stats } from 'node:fs';

const maxLinks = 40;
const stickyBit = 0o1000;
const groupWrite = 0o020;
const othersWrite = 0o002;

/**
 * Returns the first part of an absolute path that another account than root or this one could change: the file, a
 * folder above it, a symbolic link in the path, or a missing part. Returns null if there is none. Folders such as /tmp,
 * where nobody replaces files of others, are safe except directly above the file.
 * src/transport/loader/try-every-node.sh and agent/capture/checks.sh have the same rule.
 */
export function untrustedPart(path: string): string | null {
  const left = path.split('/').filter((name) => name !== '');
  let folder = '';
  let links = 0;
  let isSticky = false;
  try {
    if (!isSafe(lstatSync('/'))) return '/';
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      if (name === '.' || name === '..') {
        if (name === '..') folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')));
        continue;
      }
      const part = `${folder}/${name}`;
      const found = lstatSync(part);
      if (found.isSymbolicLink()) {
        links += 1;
        if (links > maxLinks || !isOwnerTrusted(found)) return part;
        const target = readlinkSync(part);
        if (target.startsWith('/')) folder = '';
        left.unshift(...target.split('/').filter((one) => one !== ''));
        continue;
      }
      if (!isSafe(found)) return part;
      if (left.length === 0 && isSticky) return folder;
      isSticky = (found.mode & stickyBit) !== 0 && (found.mode & (groupWrite | othersWrite)) !== 0;
      folder = part;
    }
    return null;
  } catch {
    return path;
  }
}

function isOwnerTrusted({ uid }: Stats): boolean {
  return uid === 0 || uid === process.getuid?.();
}

/** True if only root and this account can write to a file, or replace files of others in a folder. */
function isSafe(found: Stats): boolean {
  const { mode, uid, gid } = found;
  if (uid === 0 && found.isDirectory() && (mode & stickyBit) !== 0) return true;
  if (!isOwnerTrusted(found) || (mode & othersWrite) !== 0) return false;
  // The group with the account's own number is the account's alone.
  return (mode & groupWrite) === 0 || (uid !== 0 && gid === uid);
}
