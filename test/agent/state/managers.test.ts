/** Machines with several package managers: both agents read each database that has packages. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openSource } from '../../../agent/live/live-source.ts';
import { readState } from '../../../agent/state/collect-state.ts';
import { liveState } from '../../../agent/state/live-state.ts';
import type { Report } from '../../../src/report/report.ts';
import { isWide } from '../../support/long-tests.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const sum = (algorithm: string, form: 'hex' | 'base64'): string => createHash(algorithm).update('a').digest(form);
const [fedora, debian, arch, other] = ['ID=fedora', 'ID=debian', 'ID=arch', 'ID=other'] as const;
const [dpkgDatabase, rpmDatabase] = ['var/lib/dpkg/status', 'var/lib/rpm/rpmdb.sqlite'];
const deb = `ii hello 2.10 amd64\n /etc/deb.conf ${sum('md5', 'hex')}\n`;
const rpmPackages = '1 hello 1:2.12-1 x86_64\n1 bash 5.2-1 x86_64\n';
const rpmFiles = `/etc/rpm.conf 1 1 ${sum('sha256', 'hex')} 0100644 root root 1 0 0 X\n`;
const apk = `P:hello\nV:2.11-r0\nA:x86_64\nF:etc\nR:apk.conf\nZ:Q1${sum('sha1', 'base64')}\n\n`;
const backup = `%BACKUP%\netc/pacman.conf\t${sum('md5', 'hex')}\n`;
const pacman = (name: string): Readonly<Record<string, string>> => ({
  [`var/lib/pacman/local/${name}/desc`]: '',
  [`var/lib/pacman/local/${name}/files`]: backup,
});
const own = ['deb', 'rpm', 'apk', 'pacman'];

interface Machine {
  readonly system: string;
  readonly files: Readonly<Record<string, string>>;
  /** The output of each program; `null` for one that ends with 2. */
  readonly programs?: Readonly<Record<string, string | null>>;
  readonly link?: readonly [string, string];
  /** True for a machine without a program: the test's clients have those of this machine behind their own. */
  readonly onlyNode?: true;
  /**
   * True if only the second tier asks the shell agent: its script treats another machine alike, and both agents have
   * the code that reads the answers.
   */
  readonly isAlike?: true;
  /** The packages; a pattern of the error if they are unknown. */
  readonly packages: readonly string[] | RegExp;
  /** The files that are not as their package ships them. */
  readonly own: readonly string[];
}

const rpmOf = ['bash x86_64\t5.2-1', 'hello x86_64\t1:2.12-1'];
const machines: Readonly<Record<string, Machine>> = {
  'Fedora with an empty database of dpkg': {
    isAlike: true,
    ...{
      system: fedora,
      files: { [dpkgDatabase]: '', [rpmDatabase]: 'x' },
      packages: rpmOf,
      own: ['deb', 'apk', 'pacman'],
    },
    programs: { 'dpkg-query': '', rpm: rpmPackages },
  },
  'Fedora with a package of dpkg': {
    ...{ system: fedora, files: { [dpkgDatabase]: 'x', [rpmDatabase]: 'x' }, own: ['apk', 'pacman'] },
    programs: { 'dpkg-query': deb, rpm: rpmPackages },
    packages: ['bash x86_64\t5.2-1', 'hello amd64 (dpkg)\t2.10', 'hello x86_64\t1:2.12-1'],
  },
  'Fedora whose database has two paths': {
    ...{
      system: fedora,
      files: { 'usr/lib/sysimage/rpm/rpmdb.sqlite': 'x', 'var/lib/x': '' },
      own: ['deb', 'apk', 'pacman'],
    },
    ...{ programs: { rpm: rpmPackages }, link: ['var/lib/rpm', '../../usr/lib/sysimage/rpm'], packages: rpmOf },
  },
  'Fedora with dpkg, whose rpm fails': {
    ...{ system: fedora, files: { [dpkgDatabase]: 'x', [rpmDatabase]: 'x' }, own: [] },
    ...{ programs: { 'dpkg-query': deb, rpm: null }, packages: /^rpm: / },
  },
  'Fedora whose dpkg fails': {
    isAlike: true,
    ...{ system: fedora, files: { [dpkgDatabase]: 'x', [rpmDatabase]: 'x' }, own: [] },
    ...{ programs: { 'dpkg-query': null, rpm: rpmPackages }, packages: /^dpkg-query: / },
  },
  'Fedora with headers that rpm cannot read': {
    isAlike: true,
    ...{ system: fedora, files: { [rpmDatabase]: 'x' }, own: [], packages: /^rpm: rpmdbNextIterator: skipping/ },
    programs: { rpm: `${rpmPackages}error: rpmdbNextIterator: skipping h# 12 Header V4: BAD\n` },
  },
  'Debian with rpm and no package of it': {
    isAlike: true,
    ...{ system: debian, files: { [dpkgDatabase]: 'x', [rpmDatabase]: 'x' }, own: ['rpm', 'apk', 'pacman'] },
    ...{ programs: { 'dpkg-query': deb, rpm: '' }, packages: ['hello amd64\t2.10'] },
  },
  'Debian with a package of rpm': {
    isAlike: true,
    ...{ system: debian, files: { [dpkgDatabase]: 'x', [rpmDatabase]: 'x' }, own: ['apk', 'pacman'] },
    programs: { 'dpkg-query': deb, rpm: rpmPackages },
    packages: ['bash x86_64 (rpm)\t5.2-1', 'hello amd64\t2.10', 'hello x86_64 (rpm)\t1:2.12-1'],
  },
  'Debian with a database of rpm and no rpm': {
    ...{ system: debian, files: { [dpkgDatabase]: 'x', [rpmDatabase]: 'x' }, own: ['rpm', 'apk', 'pacman'] },
    ...{ programs: { 'dpkg-query': deb }, packages: ['hello amd64\t2.10'], onlyNode: true },
  },
  'Debian without dpkg-query, with rpm': {
    ...{ system: debian, files: { [dpkgDatabase]: 'x', [rpmDatabase]: 'x' }, own: [] },
    ...{ programs: { rpm: rpmPackages }, packages: /^not there: \/usr\/bin\/dpkg-query$/, onlyNode: true },
  },
  'Arch with dpkg, and a folder that a removal left': {
    ...{ system: arch, programs: { 'dpkg-query': deb }, own: ['rpm', 'apk'] },
    files: { [dpkgDatabase]: 'x', ...pacman('hello-1:2.12-1'), 'var/lib/pacman/local/gone-1-1/files': '' },
    packages: ['hello amd64 (dpkg)\t2.10', 'hello\t1:2.12-1'],
  },
  'an unknown system with apk, and an empty rpm': {
    isAlike: true,
    ...{ system: other, files: { 'lib/apk/db/installed': apk, [rpmDatabase]: 'x' }, programs: { rpm: '' } },
    ...{ packages: ['hello x86_64\t2.11-r0'], own: ['deb', 'rpm', 'pacman'] },
  },
  'Fedora with apk': {
    ...{ system: fedora, files: { 'lib/apk/db/installed': apk, [rpmDatabase]: 'x' }, programs: { rpm: rpmPackages } },
    ...{
      packages: ['bash x86_64\t5.2-1', 'hello x86_64 (apk)\t2.11-r0', 'hello x86_64\t1:2.12-1'],
      own: ['deb', 'pacman'],
    },
  },
  'databases without a package': {
    isAlike: true,
    ...{ system: other, files: { [dpkgDatabase]: '', [rpmDatabase]: 'x' }, own: [] },
    ...{ programs: { 'dpkg-query': '', rpm: '' }, packages: /^no packages in the database$/ },
  },
};

const scriptOf = (name: string, output: string | null): string =>
  output === null
    ? 'exit 2'
    : name === 'rpm'
      ? `case "$*" in *fleet-health) echo fleet-health ;; *--dump) cat <<'END'\n${rpmFiles}END\n;; *) cat <<'END'\n${output}END\nesac`
      : `cat <<'END'\n${output}END`;

const foundIn = ({ sections = [] }: Partial<Report>): unknown => {
  const section = (kind: string) => sections.find((one) => one.kind === kind);
  const files = section('file')?.lines?.flatMap((line) => /^\/etc\/(deb|rpm|apk|pacman)\.conf\t/.exec(line)?.[1] ?? []);
  return { packages: section('package')?.error ?? section('package')?.lines, own: files?.sort() ?? [] };
};

for (const [what, { system, files, programs = {}, link, packages, own: wantedOwn, ...rest }] of Object.entries(
  machines,
)) {
  test(`packages of ${what}`, async (t) => {
    const isOnlyNode = rest.onlyNode === true || (rest.isAlike === true && !isWide);
    const shipped = Object.fromEntries(own.map((name) => [`etc/${name}.conf`, 'a']));
    const root = rootWith(tempFolder(t), {
      ...shipped,
      ...files,
      'usr/lib/os-release': `${system}\n`,
      'proc/uptime': '1 1\n',
    });
    if (link !== undefined) symlinkSync(link[1], path.join(root, link[0]));
    const scripts = Object.fromEntries(
      Object.entries(programs).map(([name, output]) => [name, scriptOf(name, output)]),
    );
    mkdirSync(path.join(root, 'usr/bin'), { recursive: true });
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(path.join(root, 'usr/bin', name), `#!/bin/sh\n${script}\n`);
      chmodSync(path.join(root, 'usr/bin', name), 0o755);
    }
    const source = liveState(openSource(root), root);
    const { report: ofNode = {} } = await readState(source, { options: {}, deadlineMs: 9000 });
    const ofShell = isOnlyNode ? ofNode : (await shellAgent(t, { own: scripts }).run({ root, state: true })).report;
    for (const [agent, report] of Object.entries({ node: ofNode, shell: ofShell ?? {} })) {
      const found = foundIn(report) as { readonly packages: unknown };
      if (packages instanceof RegExp) assert.match(String(found.packages), packages, agent);
      else assert.deepEqual(found, { packages: [...packages].sort(), own: [...wantedOwn].sort() }, agent);
    }
  });
}
