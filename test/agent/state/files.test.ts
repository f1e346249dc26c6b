import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fileLines, ownFiles } from '../../../agent/state/files.ts';
import { readPackages, type Packages } from '../../../agent/state/packages.ts';
import { holdsSecret, type Entry, type StateSource } from '../../../agent/state/state-source.ts';

const fileAt = (path: string, more: Partial<Entry> = {}): Entry => ({
  ...{ path, kind: 'file', isOpen: true, sizeBytes: 10, changedS: 1_700_000_000 },
  ...more,
});
/** Returns a source in which each file has this digest. */
const source = (kept: string | null): StateSource => ({ digest: () => kept }) as unknown as StateSource;
const digest = 'a'.repeat(64);
const nothing: Packages = { lines: [], error: null, shipped: new Map() };
const shippedAs = (...digests: readonly string[]): Packages => ({
  ...nothing,
  shipped: new Map([['/etc/a.conf', digests.map((one) => ({ algorithm: 'md5' as const, digest: one }))]]),
});

const left = `passwd passwd- group group- shadow shadow- gshadow gshadow- subuid subuid- subgid subgid-
  systemd/system/a.service ssl/certs/a.pem pki/ca-trust/extracted/pem/a.pem .git/config a/.git .svn/entries
  .etckeeper b/.etckeeper/x ld.so.cache mtab adjtime aliases.db .pwd.lock .updated udev/hwdb.bin
  selinux/targeted/active selinux/targeted/policy selinux/targeted/contexts/files/file_contexts.bin
  a.conf~ .a.swp a.lock a.cache a.dpkg-old a.dpkg-dist a.ucf-old a.rpmnew a.rpmsave a.rpmorig a.pacnew a.pacsave
  a.apk-new`;
const told = `passwd.d/x passwd2 systemd/system.conf systemd/system2 ssl/certs2 ssl/openssl.cnf pki/ca-trust/source/a
  .gitconfig a.git .svnrc .etckeepers ld.so.conf mtab2 adjtime2 aliases xpwd.lock2 udev/hwdb.d/a selinux/config
  selinux/targeted/setrans.conf a.conf swp a.swap a.locked a.caches a.dpkg a.rpm`;
const pathsIn = (text: string): readonly string[] => text.split(/\s+/).map((name) => `/etc/${name}`);

test('files that other sections have, and that programs and package managers make, are left out', () => {
  for (const path of pathsIn(left)) assert.deepEqual(ownFiles(source(null), [fileAt(path)], nothing), [], path);
  for (const path of pathsIn(told)) assert.equal(ownFiles(source(null), [fileAt(path)], nothing).length, 1, path);
});

const compared: readonly (readonly [what: string, entry: Partial<Entry>, packages: Packages, isOwn: boolean])[] = [
  ['as its package ships it', {}, shippedAs(digest), false],
  ['as one of two packages ships it', {}, shippedAs('other', digest), false],
  ['changed', {}, shippedAs('other'), true],
  ['of no package', {}, nothing, true],
  ['as it is shipped, but closed', { isOpen: false }, shippedAs(digest), true],
  ['as it is shipped, of 256 KiB', { sizeBytes: 256 * 1024 }, shippedAs(digest), false],
  ['as it is shipped, but larger', { sizeBytes: 256 * 1024 + 1 }, shippedAs(digest), true],
  ['a folder', { kind: 'folder' }, nothing, false],
  ['a link', { kind: 'link' }, nothing, false],
];
for (const [what, entry, packages, isOwn] of compared) {
  test(`a file of /etc that is ${what} is ${isOwn ? '' : 'not '}told`, () => {
    assert.equal(ownFiles(source(digest), [fileAt('/etc/a.conf', entry)], packages).length, Number(isOwn));
  });
}

test('lines of files: a digest, or time and size, and the restless by that word, 2,000 in all', () => {
  const closed = fileAt('/etc/closed', { isOpen: false, sizeBytes: 7 });
  const files = [fileAt('/etc/a'), closed, fileAt('/etc/rests')];
  assert.deepEqual(fileLines(source(digest), files, ['/etc/rests']), [
    '/etc/rests\trestless',
    `/etc/a\t${digest.slice(0, 32)}\t1700000000`,
    '/etc/closed\t2023-11-14T22:13:20Z 7\t1700000000',
  ]);
  assert.equal(fileLines(source(null), [fileAt('/etc/a')], [])[0], '/etc/a\t2023-11-14T22:13:20Z 10\t1700000000');
  const many = Array.from({ length: 2100 }, (_, at) => fileAt(`/etc/${at}`));
  assert.equal(ownFiles(source(null), many, nothing).length, 2000);
  assert.equal(fileLines(source(digest), many, ['/etc/x', '/etc/y']).length, 2000);
});

const secretTexts: readonly (readonly [path: string, text: string, isSecret: boolean])[] = [
  ['/etc/a', 'a\nproxy = http://joe:geheim@proxy:3128/\n', true],
  ['/etc/a', 'http://joe@proxy/ http://proxy:3128/@', false],
  ['/etc/a', '\t Environment = TOKEN=x', true],
  ['/etc/a', 'SetCredential=a', true],
  ['/etc/a', 'SetCredentialEncrypted=a', true],
  ['/etc/a', '# Environment=x', false],
  ['/etc/fstab', '//nas/a /a cifs password=x 0 0', true],
  ['/etc/fstab', '//nas/a /a cifs credentials=/root/x 0 0', true],
  ['/etc/fstab', '/dev/sda1 / ext4 defaults 0 0', false],
  ['/etc/a', 'password=x', false],
];
for (const [path, text, isSecret] of secretTexts) {
  test(`${path} with ${JSON.stringify(text)} holds ${isSecret ? 'a' : 'no'} secret`, () => {
    assert.equal(holdsSecret(path, text), isSecret);
  });
}

/** The systems of managers with a program, and the databases by which a machine has it. */
const systems: Readonly<Record<string, readonly [words: string, databases: readonly string[]]>> = {
  '/usr/bin/dpkg-query': ['debian ubuntu', ['/var/lib/dpkg/status']],
  '/usr/bin/rpm': [
    'fedora rhel centos suse opensuse sles mageia amzn azurelinux photon',
    [
      ...['/var/lib/rpm/rpmdb.sqlite', '/usr/lib/sysimage/rpm/rpmdb.sqlite', '/var/lib/rpm/Packages'],
      '/usr/lib/sysimage/rpm/Packages.db',
    ],
  ],
};
/** Returns a machine with a database whose program is missing, and with a package of apk beside it. */
const machineWith = (database: string, line: string): StateSource =>
  ({
    exists: (path: string) => path === database || path === '/lib/apk/db/installed',
    readStart: () => 'P:hello\nV:1\n\n',
    readOptional: (path: string) => (path === '/usr/lib/os-release' ? `NAME=x\n${line}\n` : null),
  }) as unknown as StateSource;

for (const [program, [words, databases]] of Object.entries(systems)) {
  test(`the packages of a system of ${program} are unknown without it`, async () => {
    for (const line of words.split(' ').flatMap((word) => [`ID=${word}`, `ID="${word}-x"`, `ID_LIKE="x ${word}"`])) {
      for (const database of databases) {
        const { error, lines } = await readPackages(machineWith(database, line), () => 1);
        assert.deepEqual([error, lines], [`not there: ${program}`, []], `${line} ${database}`);
      }
    }
  });

  test(`the packages of another system are known without ${program}`, async () => {
    for (const line of ['ID=alpine', 'ID=void', `VARIANT_ID=${words.split(' ')[0] ?? ''}`]) {
      const { error, lines } = await readPackages(machineWith(databases[0] ?? '', line), () => 1);
      assert.deepEqual([error, lines], [null, ['hello\t1']], line);
    }
  });
}
