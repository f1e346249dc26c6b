import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { networkFileSystem, placeNotes } from '../../../../src/storage/dialects/sqlite/check-place.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

// The numbers of statfs(2), as a 64-bit kernel and a 32-bit one tell them.
for (const [type, name] of [
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xff534d42 | 0, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0xfe534d42 | 0, 'SMB'],
  [0x517b, 'SMB'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x65735546, 'FUSE'],
  [0x786f4256, 'VirtualBox (vboxsf)'],
  [0xbacbacbc, 'VMware (vmhgfs)'],
  [0xbacbacbc | 0, 'VMware (vmhgfs)'],
  [0x7461636f, 'OCFS2'],
  [0xef53, null],
  [0x9123683e, null],
  [0x58465342, null],
  [0x01021994, null],
  [0x794c7630, null],
  [0x2fc12fc1, null],
  [0, null],
] as const) {
  test(`the file system of number ${type} is ${name ?? 'a local one'}`, () => {
    assert.equal(networkFileSystem(type), name);
  });
}

test('a file on a local disk, and one whose folder is missing, need no sentence', () => {
  assert.deepEqual(placeNotes(path.join(tempFolder(), 'fleet.db')), []);
  assert.deepEqual(placeNotes('/nonexistent/folder/fleet.db'), []);
});
