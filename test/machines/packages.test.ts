/**
 * The Debian packages. Two builds are equal, and lintian finds no error. They are installed, used, upgraded, removed
 * and purged in fresh Debian systems, after which no new file is left.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { packageDir } from '../../src/state-folder/paths.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { makePackages, packageNames } from './make-packages.ts';

const run = promisify(execFile);
const cache = process.env['FLEET_HEALTH_GUESTS'] ?? '';
const suites = ['bookworm', 'trixie'];
const rootOf = (suite: string): string => path.join(cache, `root-${suite}.tar`);
const skip = suites.every((suite) => existsSync(rootOf(suite))) ? false : 'needs what npm run test:machines makes';
/** Files that the installation of any package with an account changes, and files written by people. */
const mayChange =
  /^\.\/(?:etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-?|etc\/\.pwd\.lock|etc\/fleet-health|var\/(?:lib\/(?:dpkg|systemd)|log|cache)|tmp|root|run|proc)(?:\/|$)|^\.\/etc\/fleet-health$/;

/** Copies the project, as a second checkout in a folder with another name. */
async function checkout(folder: string): Promise<void> {
  const { stdout } = await run('git', ['ls-files', '-z', '-c', '-o', '--exclude-standard'], { cwd: packageDir });
  for (const name of stdout.split('\0').filter((one) => one !== '' && existsSync(path.join(packageDir, one)))) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    cpSync(path.join(packageDir, name), path.join(folder, name), { verbatimSymlinks: true });
  }
  symlinkSync(path.join(packageDir, 'node_modules'), path.join(folder, 'node_modules'));
}

function digests(folder: string): readonly string[] {
  return readdirSync(folder)
    .toSorted()
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(path.join(folder, name)))
          .digest('hex')}`,
    );
}

describe('the Debian packages', { skip }, () => {
  const work = tempFolder();
  const [first, second, newer] = ['first', 'second', 'newer'].map((name) => path.join(work, name)) as [
    string,
    string,
    string,
  ];

  before(async () => {
    await makePackages(packageDir, first);
    await makePackages(packageDir, newer, '--without-node', '--version', '99.0');
  });

  test('two builds in two folders are equal, to the byte', async () => {
    const other = path.join(work, 'another checkout');
    await checkout(other);
    await run('npm', ['run', '--silent', 'build'], { cwd: other });
    await makePackages(other, second, '--without-node');
    const isCompared = (line: string): boolean => !line.startsWith('fleet-health-node_');
    assert.deepEqual(digests(second), digests(first).filter(isCompared));
  });

  test('lintian finds no error', async () => {
    const files = readdirSync(first).map((name) => path.join(first, name));
    await run('lintian', ['--allow-root', '--fail-on', 'error', ...files]);
  });

  for (const suite of suites) {
    test(`${suite}: installed, used, upgraded, removed and purged`, () =>
      liveIn(suite, path.join(work, suite), first, newer));
  }
});

function liveIn(suite: string, root: string, first: string, newer: string): void {
  mkdirSync(root);
  assert.equal(spawnSync('tar', ['-xf', rootOf(suite), '-C', root]).status, 0);
  /** Runs a command in that system, which sees its own processes alone. Returns its output. */
  const inside = (command: string): string => {
    const script = 'mount -t proc proc "$0/proc" && exec chroot "$0" /bin/sh -ec "$1"';
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', DEBIAN_FRONTEND: 'noninteractive' };
    const words = ['--mount', '--pid', '--fork', 'sh', '-c', script, root, command];
    const { status, stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8', env, timeout: 300_000 });
    assert.equal(status, 0, `${suite}: ${command}\n${stdout}${stderr}`);
    return stdout;
  };
  const listed = (): readonly string[] =>
    inside('cd / && find . -xdev')
      .split('\n')
      .filter((file) => file !== '' && !mayChange.test(file));
  const asUser = (command: string): string =>
    inside(`setpriv --reuid fleet-health --regid fleet-health --init-groups env HOME=/var/lib/fleet-health ${command}`);
  const put = (from: string): void => {
    mkdirSync(path.join(root, 'tmp', path.basename(from)));
    for (const name of readdirSync(from))
      copyFileSync(path.join(from, name), path.join(root, 'tmp', path.basename(from), name));
  };
  const state = path.join(root, 'var/lib/fleet-health');
  const before = listed();

  put(first);
  put(newer);
  inside(`dpkg -i /tmp/first/*.deb`);
  assert.deepEqual(inside('dpkg --verify').trim(), '');
  assert.match(
    inside('systemd-analyze verify --man=no /usr/lib/systemd/system/fleet-health* 2>&1 || echo failed'),
    /^$/,
  );
  assert.equal(inside('find /etc/systemd -name "fleet-health*" -type l | wc -l').trim(), '0');
  assert.equal(statSync(state).mode & 0o7777, 0o700);
  // Root writes these files for the account that the package has made.
  const init = 'fleet-health init --mail-to ops@example.org --smtp none --clients';
  for (const [clients, start] of [
    ['web-1', 'systemctl enable --now fleet-health-collect.timer fleet-health-alert.timer'],
    ['local', 'fleet-health -c /etc/fleet-health/config.xml crontab --systemd /etc/systemd/system'],
  ] as const) {
    const booted = inside(
      `mkdir -p /run/systemd/system && ${init} ${clients} && rm -r /run/systemd /etc/fleet-health/c*.xml`,
    );
    assert.ok(booted.endsWith(`\n  ${start}\n`), booted);
  }
  assert.match(
    inside(`${init} local`),
    /^\/etc\/fleet-health\/config\.xml is written\. Next:\n {2}(?:sudo -u fleet-health|runuser -u fleet-health -- env HOME=\/var\/lib\/fleet-health) fleet-health -c \S+ check --connect\n[^]* crontab --install\n$/,
  );
  assert.match(readFileSync(path.join(root, 'etc/fleet-health/config.xml'), 'utf8'), /<ssh username="monitor"\/>/);
  assert.equal(inside("stat -c '%a %U %G' /etc/fleet-health/config.xml").trim(), '640 root fleet-health');
  writeFileSync(path.join(root, 'tmp/hosts.csv'), 'name,ip\ngone,127.0.0.1\n');
  inside('cd /etc/fleet-health && fleet-health import csv /tmp/hosts.csv -o hosts.xml && mkdir other');
  inside(
    'fleet-health init --mail-to a@example.org --login monitor --clients /etc/fleet-health/hosts.xml --dir ' +
      '/etc/fleet-health/other',
  );
  assert.match(
    inside('fleet-health -c /etc/fleet-health/other/config.xml check'),
    /client "gone" cannot be reached: no private key: looked for [^]*config\.xml is valid: 1 client/,
  );
  inside('rm -r /etc/fleet-health/other /etc/fleet-health/hosts.xml');
  const program = 'fleet-health -c /etc/fleet-health/config.xml';
  assert.match(asUser(`${program} check`), /config\.xml is valid: 1 client/);
  asUser(`${program} collect`);
  asUser(`${program} alert`);
  const history = statSync(path.join(state, 'fleet.db')).ino;
  assert.equal(
    (JSON.parse(inside('fleet-health-agent report --format daemon-report')) as { name: string }).name,
    'Daemon report',
  );
  inside('systemctl enable fleet-health-collect.timer fleet-health-agent@edge.service 2>/dev/null');
  inside('logrotate --debug /etc/logrotate.d/fleet-health-agent 2>/dev/null');

  inside('dpkg -i /tmp/newer/*.deb');
  assert.equal(inside("dpkg-query -W -f '${Version}' fleet-health"), '99.0');
  assert.equal(statSync(path.join(state, 'fleet.db')).ino, history);
  assert.equal(inside('find /etc/systemd -name "fleet-health*" | wc -l').trim(), '2');
  asUser(`${program} collect`);

  inside('fleet-health -c /etc/fleet-health/config.xml crontab --systemd /etc/systemd/system');
  inside(`dpkg -r ${packageNames.toReversed().join(' ')}`);
  assert.ok(existsSync(path.join(state, 'fleet.db')), 'remove keeps the state');
  assert.ok(existsSync(path.join(root, 'etc/fleet-health/config.xml')));
  assert.equal(inside('find /etc/systemd -name "fleet-health*" -type l | wc -l').trim(), '0');

  inside(`dpkg -P ${packageNames.toReversed().join(' ')}`);
  assert.deepEqual(listed(), before, 'purge leaves nothing but config.xml');
  assert.ok(existsSync(path.join(root, 'etc/fleet-health/config.xml')), 'a person wrote it');
}
