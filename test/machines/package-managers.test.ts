/**
 * The packages that the agent reads are those that each package manager lists, and of the files of its packages only
 * the changed ones are part of the state. The managers are real, their packages are made here. Alpine's is missing,
 * because Debian does not have it.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { openSource } from '../../agent/live/live-source.ts';
import { ownFiles } from '../../agent/state/files.ts';
import { liveState } from '../../agent/state/live-state.ts';
import { readPackages } from '../../agent/state/packages.ts';
import type { ProgramAnswer } from '../../agent/probes/source.ts';
import type { StateSource } from '../../agent/state/state-source.ts';
import { tempFolder } from '../support/temp-folder.ts';

const tar = path.join(process.env['FLEET_HEALTH_GUESTS'] ?? '', 'root-managers.tar');
const skip = existsSync(tar) ? false : 'needs what npm run test:machines makes';

interface Manager {
  readonly name: string;
  /** The command that lists packages as `NAME VERSION`. */
  readonly lists: string;
  /** The databases of the other managers, which this root has as well. */
  readonly others: RegExp;
  /** A line of the state without the architecture, as the command prints it. */
  readonly shown: (line: string) => string;
  readonly own: readonly string[];
}

const rpmLists = "rpm -qa --qf '%{NAME} %{EVR} %{ARCH}\\n'";
/** Returns `NAME VERSION ARCHITECTURE` from `NAME ARCHITECTURE[ VERSION]<TAB>VERSION`. */
const rpmShown = (line: string): string => {
  const [item = '', version = ''] = line.split('\t');
  const [name = '', architecture = ''] = item.split(' ');
  return `${name} ${version} ${architecture}`;
};

const managers: readonly Manager[] = [
  {
    name: 'dpkg',
    lists: "dpkg -l | sed -nE 's/^[a-z]i. +([^ :]+)(:[^ ]+)? +([^ ]+) +([^ ]+) .*/\\1 \\3 \\4/p'",
    others: /rpm|pacman/,
    shown: rpmShown,
    own: [],
  },
  { name: 'rpm', lists: rpmLists, others: /dpkg|pacman/, shown: rpmShown, own: ['/etc/openssl-27.el9/own.conf'] },
  {
    name: 'pacman',
    lists: 'pacman -Q',
    others: /dpkg|rpm/,
    shown: (line) => line.replace('\t', ' '),
    own: ['/etc/gtk/own.conf'],
  },
];

describe('package managers', { skip }, () => {
  const root = tempFolder();
  const script = 'mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec chroot "$0" "$@"';
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', COLUMNS: '400' };
  const inside = (...words: readonly string[]): string => {
    const args = ['--mount', 'sh', '-c', script, root, ...words];
    const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', env, timeout: 300_000 });
    assert.equal(status, 0, `${words.join(' ')}\n${stdout}${stderr}`);
    return stdout;
  };
  const run = async (program: string, args: readonly string[]): Promise<ProgramAnswer> => {
    const { stdout } = await promisify(execFile)('chroot', [root, program, ...args], { env, maxBuffer: 2 ** 26 });
    return { output: stdout, status: 0 };
  };

  before(() => {
    assert.equal(spawnSync('tar', ['-xf', tar, '-C', root, '--exclude=./dev/*']).status, 0);
    copyFileSync(path.join(import.meta.dirname, 'install-packages.sh'), path.join(root, 'tmp/install.sh'));
    inside('sh', '/tmp/install.sh');
  });

  for (const { name, lists, others, shown, own } of managers) {
    test(`${name}: the packages are those that it lists, and files are left out that are as shipped`, async () => {
      const live = liveState(openSource(root), root);
      const source: StateSource = {
        ...live,
        exists: (file) => !others.test(file) && live.exists(file),
        programs: { ...live.programs, run },
      };
      const packages = await readPackages(source, () => 60_000);
      assert.equal(packages.error, null);
      const listed = inside('sh', '-c', lists).trim().split('\n').sort();
      assert.deepEqual(packages.lines.map(shown).sort(), listed);
      assert.ok(listed.length > 0);
      const made = source.below('/etc').filter(({ path: file }) => /-\d.*\/(same|own)\.conf$|\/gtk\//.test(file));
      const kept = ownFiles(source, made, packages).map(({ path: file }) => file);
      if (name !== 'dpkg')
        assert.deepEqual(
          kept.filter((file) => (name === 'rpm') !== file.startsWith('/etc/gtk/')),
          own,
        );
    });
  }
});
