import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import {
  dpkgWords,
  packageLines,
  readApk,
  readDpkg,
  readPacman,
  readPackages,
  readRpm,
} from '../../../agent/state/packages.ts';
import { accountLines } from '../../../agent/state/system.ts';
import { openSource } from '../../../agent/live/live-source.ts';
import type { ProgramAnswer } from '../../../agent/probes/source.ts';
import { liveState } from '../../../agent/state/live-state.ts';

test('dpkg: what is installed, and the files that packages ship', () => {
  const { packages, shipped } = readDpkg(
    [
      'ii adduser 3.134 all',
      ' /etc/adduser.conf cc3493ecd2d09837ffdcc3e25fdfff18',
      ' /etc/old file 11a06baf8245fd8d690b99024d228c1f obsolete',
      'ii libc6 2.36-9+deb12u8 amd64',
      '',
      'ii libc6 2.36-9+deb12u8 i386',
      '',
      'hi held 1 all',
      '',
      'rc removed 1 all',
      ' /etc/removed.conf 0cc175b9c0f1b6a831c399e269772661',
      'un never <none> <none>',
      'iU unpacked 2 amd64',
      'iFRbroken 3 amd64',
    ].join('\n'),
  );
  assert.deepEqual(packageLines(packages), [
    ...['adduser all\t3.134', 'libc6 amd64\t2.36-9+deb12u8', 'libc6 i386\t2.36-9+deb12u8', 'held all\t1'],
    ...['unpacked amd64\t2', 'broken amd64\t3'],
  ]);
  assert.deepEqual([...shipped.keys()], ['/etc/adduser.conf', '/etc/old file', '/etc/removed.conf']);
});

test('rpm: what is installed side by side has its version in its name, whatever else there is', () => {
  const kernels = [
    '1690000000 kernel-core 5.14.0-362.8.1.el9_3 x86_64',
    '1700000000 kernel-core 5.14.0-427.13.1.el9_4 x86_64',
    '1690000002 gpg-pubkey 350d275d-6279464b (none)',
    '1690000003 gpg-pubkey 8483c65d-5ccc5b19 (none)',
    '1690000003 kernel-tools 5.14.0-427.13.1.el9_4 x86_64',
  ];
  const linesOf = (lines: readonly string[]): readonly string[] => packageLines(readRpm(lines.join('\n'), '').packages);
  const all = [
    'kernel-core x86_64 5.14.0-362.8.1.el9_3\t5.14.0-362.8.1.el9_3',
    'kernel-core x86_64 5.14.0-427.13.1.el9_4\t5.14.0-427.13.1.el9_4',
    'gpg-pubkey (none) 350d275d-6279464b\t350d275d-6279464b',
    'gpg-pubkey (none) 8483c65d-5ccc5b19\t8483c65d-5ccc5b19',
    'kernel-tools x86_64\t5.14.0-427.13.1.el9_4',
  ];
  assert.deepEqual(linesOf(kernels), all);
  assert.deepEqual(linesOf([...kernels].reverse()), [...all].reverse());
  // Each subset has the lines of its packages alone.
  for (let mask = 0; mask < 32; mask++) {
    const of = (list: readonly string[]): readonly string[] => list.filter((_, at) => (mask & (1 << at)) !== 0);
    assert.deepEqual(linesOf(of(kernels)), of(all));
  }
  const twice = ['2 openssl 1:3.0.7-27 x86_64', '1 openssl 1:3.0.1-2 x86_64', '1 openssl 1:3.0.7-27 i686'];
  assert.deepEqual(linesOf(twice), [
    'openssl x86_64 1:3.0.7-27\t1:3.0.7-27',
    'openssl x86_64 1:3.0.1-2\t1:3.0.1-2',
    'openssl i686\t1:3.0.7-27',
  ]);
});

test('rpm: files with their digests; packages that it cannot read are an error', () => {
  const files = [
    `/etc/ssh/sshd_config 3667 1700000000 ${'0123456789abcdef'.repeat(4)} 0100600 root root 1 0 0 X`,
    '/etc/dir 0 1700000000 0000000000000000000000000000000000000000000000000000000000000000 040755 root root 0 0 0 X',
    '(contains no files)',
  ].join('\n');
  assert.equal(readRpm('', files).shipped.get('/etc/ssh/sshd_config')?.algorithm, 'sha256');
  const broken = 'error: rpmdbNextIterator: skipping h#      12 Header V4 RSA/SHA256 Signature, key ID 1: BAD';
  assert.throws(
    () => readRpm(`1 a 1-1 x86_64\n${broken}\n2 b 1-1 x86_64\n`, ''),
    /^Error: rpm: rpmdbNextIterator: skipping/,
  );
  assert.deepEqual(readRpm('warning: a b c\n1 a 1-1 x86_64\n', '').packages.length, 1);
});

test('apk: packages, and the files of /etc', () => {
  const { packages, shipped } = readApk(
    [
      'C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=',
      ...['P:alpine-baselayout', 'V:3.4.3-r2', 'A:x86_64', 'F:dev', 'F:etc', 'R:motd'],
      ...['Z:Q1SLkS9hBidUbPwwrw+XR0Whv3ww8=', 'F:etc/apk', 'R:keys', 'a:0:0:644', ''],
      ...['P:musl', 'V:1.2.4-r2', 'A:x86_64', 'F:lib', 'R:ld', 'Z:Q1xxx=', '', ''],
    ].join('\n'),
  );
  assert.deepEqual(packageLines(packages), ['alpine-baselayout x86_64\t3.4.3-r2', 'musl x86_64\t1.2.4-r2']);
  assert.deepEqual(
    [...shipped],
    [
      [
        '/etc/motd',
        { algorithm: 'sha1', digest: Buffer.from('SLkS9hBidUbPwwrw+XR0Whv3ww8=', 'base64').toString('hex') },
      ],
    ],
  );
});

test('pacman: names with hyphens, and backups', () => {
  const backup = '%FILES%\netc/\netc/pacman.conf\n\n%BACKUP%\netc/pacman.conf\t0cc175b9c0f1b6a831c399e269772661\n';
  const { packages, shipped } = readPacman(
    ['ALPM_DB_VERSION', 'gtk-update-icon-cache-1:4.12.4-1', 'openssl-3.1.4-1'],
    [backup],
  );
  assert.deepEqual(packageLines(packages), ['gtk-update-icon-cache\t1:4.12.4-1', 'openssl\t3.1.4-1']);
  assert.deepEqual([...shipped.keys()], ['/etc/pacman.conf']);
});

test("this machine's packages are those of dpkg -l", { skip: !existsSync('/var/lib/dpkg/status') }, async () => {
  const { lines, error } = await readPackages(liveState(openSource(''), ''), () => 8000);
  assert.equal(error, null);
  const listed = spawnSync('dpkg', ['-l'], { env: { ...process.env, COLUMNS: '400' }, encoding: 'utf8' }).stdout;
  const wanted = listed.split('\n').flatMap((line) => {
    const [, name, version, architecture] = /^[a-z][iUFHWt]\S* +(\S+?)(?::\S+)? +(\S+) +(\S+)/.exec(line) ?? [];
    return name === undefined ? [] : [`${name} ${architecture}\t${version}`];
  });
  assert.ok(wanted.length > 50);
  assert.deepEqual([...lines].sort(), wanted.sort());
});

test('packages that cannot be read are an error, and a machine without a package manager has none', async () => {
  const run = (): Promise<ProgramAnswer> => Promise.reject(new Error('rpm: no answer within 8000 ms'));
  const source = { ...liveState(openSource('/nowhere'), '/nowhere'), exists: (path: string) => path.includes('rpm') };
  const failing = { ...source, programs: { ...source.programs, run } };
  assert.equal((await readPackages(failing, () => 1)).error, 'rpm: no answer within 8000 ms');
  const saying = (word: string) => ({
    ...source,
    programs: {
      ...source.programs,
      run: (_: string, words: readonly string[]) =>
        Promise.resolve({ output: words.includes('--eval') ? word : '', status: 0 }),
    },
  });
  assert.equal((await readPackages(saying('fleet-health\n'), () => 1)).error, 'no packages in the database');
  assert.equal((await readPackages(saying('hello\n'), () => 1)).error, 'rpm: its answer is not that of rpm');
  const none = await readPackages(liveState(openSource('/nowhere'), '/nowhere'), () => 1);
  assert.deepEqual([none.error, none.lines], [null, []]);
  assert.ok(dpkgWords.length > 2);
});

const md5 = '0cc175b9c0f1b6a831c399e269772661';
/** Hostile texts by the size of their largest part. */
const hostile: Readonly<Record<string, (size: number) => unknown>> = {
  'a line of dpkg that a separator ends': (size) => readDpkg(` /etc/${` ${md5}`.repeat(size / 33)}\u2028`),
  'a line of rpm with many digests': (size) => readRpm('', `/etc/${` 1 1 ${md5}`.repeat(size / 37)}\u2028`),
  'digests in a long folder of apk': (size) => readApk(`F:etc/${'a'.repeat(size)}\n${'Z:Q1AAAA\n'.repeat(size / 9)}`),
  'a backup of pacman with many tabs': (size) => readPacman([], [`etc/${'\t'.repeat(size)}${md5}`]),
  'members of groups': (size) =>
    accountLines({
      readStart: (path) =>
        Array.from({ length: size / 32 }, (_, at) =>
          path === '/etc/group' ? `sudo::${at}:a${at},b` : `a${at}::${at}:${at}::/:/bin/sh`,
        ).join('\n'),
    }),
};
for (const [what, read] of Object.entries(hostile)) {
  test(`${what} takes time in proportion to its size`, () => {
    const cpuMs = (size: number): number => {
      const before = process.cpuUsage();
      read(size);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    cpuMs(4096);
    const small = Math.max(1, Math.min(cpuMs(16_384), cpuMs(16_384)));
    const large = Math.min(cpuMs(524_288), cpuMs(524_288));
    // Where each part is compared with each other one, it would be 1024 times as much.
    assert.ok(large <= 32 * 8 * small, `${large} ms, and ${small} ms for a 32nd`);
  });
}
