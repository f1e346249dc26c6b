// Second tier: makes the packages twice, in a minute.
/**
 * The rpm packages. Two builds are equal. They are installed by rpm into a root of BusyBox, Node.js and systemd's
 * tools, used, installed again and removed. Dependencies are listed, and not resolved.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { before, suite, test } from 'node:test';

import { packageDir } from '../../src/state-folder/paths.ts';
import { tempFolder } from '../support/temp-folder.ts';

const tools = ['systemd-sysusers', 'systemd-tmpfiles', 'systemctl'].map((name) => `/usr/bin/${name}`);
const absent = ['/usr/bin/rpmbuild', '/usr/bin/busybox', ...tools].find((file) => !existsSync(file));
const skip = absent !== undefined ? `needs ${absent}` : process.getuid?.() === 0 ? false : 'needs root, for rpm --root';
const names = ['fleet-health', 'fleet-health-agent'];
const fileOf = (name: string): string => `${name}-0.2.0-1.${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.rpm`;

/** The state, and files that the installation of any package with an account changes. */
const mayBeLeft =
  /^(?:var\/lib\/fleet-health(?:-agent)?\/|etc\/(?:\.pwd\.lock|g?shadow-?|(?:passwd|group)-)$|dev\/null$)/;

/** Makes the packages of the last build, with a folder for temporary files. */
function makeRpms(out: string, temporary: string): void {
  mkdirSync(temporary);
  const words = ['--import', 'tsx', 'build/packages/deb.ts', '--format', 'rpm', '--without-node', '--out', out];
  const env = { ...process.env, TMPDIR: temporary };
  execFileSync(process.execPath, words, { cwd: packageDir, env, stdio: 'pipe', timeout: 300_000 });
}

/** Copies programs to places below a root, and their libraries to the same places as here. */
function copyPrograms(root: string, programs: Readonly<Record<string, string>>): void {
  const copies = new Map(Object.entries(programs));
  for (const file of copies.values()) {
    const linked = spawnSync('ldd', [file], { encoding: 'utf8' }).stdout.match(/(?<=\s)\/\S+/g) ?? [];
    for (const library of linked) copies.set(library, library);
  }
  for (const [place, file] of copies) {
    mkdirSync(path.dirname(path.join(root, place)), { recursive: true });
    cpSync(file, path.join(root, place), { dereference: true });
  }
}

suite('the rpm packages', { skip }, () => {
  const dir = tempFolder();
  const root = path.join(dir, 'root');
  const made = path.join(dir, 'made');
  /** Runs a command that sees /proc in the root. Returns its output, and fails if it has errors. */
  const run = (...words: readonly string[]): string => {
    const { status, stdout, stderr } = start(words);
    // systemd-sysusers says what it makes.
    const errors = stderr.replaceAll(/^Creating (?:group|user) 'fleet-health.*\n/gm, '');
    assert.deepEqual([status, errors], [0, ''], `${words.join(' ')}\n${stdout}`);
    return stdout;
  };
  const start = (words: readonly string[]): SpawnSyncReturns<string> => {
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/', LC_ALL: 'C.UTF-8' };
    const script = 'mount -t proc proc "$0/proc" && exec "$@"';
    const inNamespace = ['--mount', '--pid', '--fork', 'sh', '-c', script, root, ...words];
    return spawnSync('unshare', inNamespace, { encoding: 'utf8', env, timeout: 120_000 });
  };
  // Debian's rpm warns of installing a package, and keeps its database in the home.
  const rpmWords = ['rpm', '--force-debian', '--define', '_dbpath /var/lib/rpm', '--root', root];
  const rpm = (...args: readonly string[]): string => run(...rpmWords, ...args);
  const inside = (...words: readonly string[]): string => run('chroot', root, ...words);
  const asAccount = (...words: readonly string[]): string => run('chroot', '--userspec=fleet-health', root, ...words);
  const query = (format: string, name: string): readonly string[] =>
    run('rpm', '-qp', '--qf', `[${format}\n]`, path.join(made, fileOf(name)))
      .trim()
      .split('\n');
  const files = names.map((name) => path.join(made, fileOf(name)));
  const listed = (): readonly string[] =>
    readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => !/^(?:var\/lib\/rpm|proc)\//.test(file));
  /** True if no other package has the file, link or folder. */
  const isOfPackage = (file: string): boolean =>
    file.includes('fleet-health') || !lstatSync(path.join(root, file)).isDirectory();
  let empty: ReadonlySet<string> = new Set();
  const config = path.join(root, 'etc/fleet-health/config.xml');

  before(() => {
    for (const folder of ['bin', 'dev', 'etc', 'proc', 'tmp', 'run', 'var/lib', 'usr/lib', 'usr/share'])
      mkdirSync(path.join(root, folder), { recursive: true });
    const own = ['/usr/bin/busybox', ...tools].map((file) => [file, file]);
    copyPrograms(root, { ...Object.fromEntries(own), '/usr/bin/node': process.execPath });
    symlinkSync('/usr/bin/busybox', path.join(root, 'bin/sh'));
    writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\n');
    makeRpms(made, path.join(dir, 'work'));
    empty = new Set(listed());
  });

  test('two builds are equal, to the byte', () => {
    const second = path.join(dir, 'second');
    makeRpms(second, path.join(dir, 'another'));
    for (const name of names) {
      const [one, other] = [made, second].map((folder) => readFileSync(path.join(folder, fileOf(name))));
      assert.ok(one !== undefined && other?.equals(one), name);
    }
  });

  for (const name of names) {
    test(`${name} has root's files that nobody else writes, and names its dependencies`, () => {
      const entries = query('%{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEMODES:perms} %{FILENAMES}', name);
      const odd = entries.filter((line) => !/^root:root (?:drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx) /.test(line));
      assert.deepEqual(odd, []);
      const programs = entries.filter((line) => /-rwx.*\/bin\//.test(line)).map((line) => line.split(' ')[2]);
      assert.deepEqual(programs, [`/usr/bin/${name}`]);
      assert.deepEqual(
        entries.filter((line) => /\/etc\/(?:init\.d|default)|vendor-completions/.test(line)),
        [],
      );
      const needed = query('%{REQUIRES}', name).filter((one) => !/^rpmlib|^\/bin\/sh|^lib/.test(one));
      const own = name === 'fleet-health' ? 'openssh-clients' : 'procps';
      assert.deepEqual([...new Set(needed)].toSorted(), ['(nodejs >= 1:20.19 or fleet-health-node)', own, 'systemd']);
    });
  }

  test('installed, they have account, state folder and units that are not enabled, and run', () => {
    rpm('-i', '--nodeps', ...files);
    for (const name of names) {
      assert.equal(rpm('-V', '--nodeps', name), '');
      const [, , uid, gid, , home, shell] =
        new RegExp(`^${name}:.*$`, 'm').exec(readFileSync(path.join(root, 'etc/passwd'), 'utf8'))?.[0].split(':') ?? [];
      assert.deepEqual([home, shell], [`/var/lib/${name}`, '/usr/sbin/nologin']);
      const state = statSync(path.join(root, 'var/lib', name));
      assert.deepEqual([state.mode & 0o7777, String(state.uid), String(state.gid)], [0o700, uid, gid]);
      assert.equal(inside(`/usr/bin/${name}`, '--version'), '0.2.0\n');
    }
    const units = readdirSync(path.join(root, 'usr/lib/systemd/system'));
    assert.deepEqual(
      units.toSorted(),
      readdirSync(path.join(packageDir, 'units'))
        .filter((one) => /\.(?:service|timer|socket)$/.test(one))
        .toSorted(),
    );
    assert.ok(!existsSync(path.join(root, 'etc/systemd/system')), 'no unit is enabled');
    writeFileSync(config, '<config><client name="here" ip="127.0.0.1" transport="local"/></config>\n');
    asAccount('/usr/bin/fleet-health', '-c', '/etc/fleet-health/config.xml', 'migrate');
    assert.ok(existsSync(path.join(root, 'var/lib/fleet-health/fleet.db')));
  });

  test('installed again, they keep what people wrote and enabled', () => {
    run('systemctl', `--root=${root}`, '--quiet', 'enable', 'fleet-health-collect.timer', 'fleet-health-agent@edge');
    writeFileSync(`${config}.example`, 'edited\n');
    rpm('-U', '--nodeps', '--replacepkgs', ...files);
    assert.equal(readFileSync(`${config}.example`, 'utf8'), 'edited\n');
    assert.ok(existsSync(config));
    assert.deepEqual(readdirSync(path.join(root, 'etc/systemd/system')).toSorted(), [
      'multi-user.target.wants',
      'timers.target.wants',
    ]);
  });

  test('removed, they leave accounts, state and what people wrote', () => {
    const { stderr } = start([...rpmWords, '-e', '--nodeps', ...names]);
    assert.match(stderr, /^warning: \/etc\/fleet-health\/config\.xml\.example saved as \S+\.rpmsave\n$/);
    const left = listed().filter((file) => !empty.has(file) && !mayBeLeft.test(file) && isOfPackage(file));
    const configs = ['config.xml', 'config.xml.example.rpmsave'].map((file) => `etc/fleet-health/${file}`);
    const states = names.map((name) => `var/lib/${name}`);
    assert.deepEqual(left.toSorted(), ['etc/fleet-health', ...configs, ...states]);
    assert.deepEqual(
      readFileSync(path.join(root, 'etc/passwd'), 'utf8')
        .match(/^fleet-health[^:]*/gm)
        ?.toSorted(),
      names,
    );
  });
});
