import { accessSync, constants, statfsSync } from 'node:fs';
import path from 'node:path';

import { isFileMissing, sqliteFault } from './faults.ts';

/** Tests whether a file, and a missing folder for it, could be created. Throws StorageFault. */
export function checkPlace(file: string): void {
  let folder = path.dirname(file);
  while (isFileMissing(folder)) folder = path.dirname(folder);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (thrown) {
    throw sqliteFault(thrown, file);
  }
}

/**
 * Network file systems, and those of a host in its guest, by their numbers (statfs(2)): locks and shared memory hold on
 * one machine alone, or nowhere. FUSE stands for many: SSHFS, virtiofs and the shares of Docker Desktop and Unraid.
 */
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x517b, 'SMB'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x65735546, 'FUSE'],
  [0x786f4256, 'VirtualBox (vboxsf)'],
  [0xbacbacbc, 'VMware (vmhgfs)'],
  [0x7c7c6673, 'Parallels (prl_fs)'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
]);

/** Returns the name of a network file system by its number; null for any other. */
export function networkFileSystem(type: number): string | null {
  // Some numbers are read with their sign.
  return networkTypes.get(type >>> 0) ?? null;
}

/** Returns a sentence about a file on a network file system; none if its file system cannot be read. */
export function placeNotes(file: string): readonly string[] {
  try {
    const name = networkFileSystem(statfsSync(path.dirname(file)).type);
    const words = `database ${file} is on ${name}, where SQLite can lose rows or stand still: put it on a local disk`;
    return name === null ? [] : [`${words}, or use MariaDB`];
  } catch {
    return [];
  }
}
