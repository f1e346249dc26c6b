/** The package that people install. test/wide/package.test.ts makes it in a fresh checkout, and installs it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { skipUnlessWide } from './support/long-tests.ts';
import { packageFolder, prefix } from './support/programs/installed.ts';
import { tempFolder } from './support/temp-folder.ts';

const root = path.join(import.meta.dirname, '..');

const wanted = [
  ...['LICENSE', 'README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'config.xml', 'config.xsd', 'crontab.example'],
  ...['docs/errors.md', 'docs/installation.md'],
  ...['man/fleet-health.1', 'man/fleet-health-agent.1', 'man/fleet-health-config.5'],
  ...['dist/fleet-health.cjs', 'dist/parts/compile-cache.cjs', 'dist/parts/cli.cjs'],
  ...['dist/agent/agent.cjs', 'dist/agent/inventory.cjs'],
  ...['dist/fleet-health-agent.cjs', 'dist/parts/agent-cli.cjs'],
  ...['src/report/seal/FORMAT.md', 'src/transport/openssh/openssh-askpass.sh', 'src/transport/openssh/openssh-hop.sh'],
];

test('the installed package holds everything that the programs need, and no sources', () => {
  const names = readdirSync(packageFolder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(path.join(packageFolder, name)).isFile());
  const missing = wanted.filter((name) => !files.includes(name));
  assert.deepEqual(missing, []);
  const askpass = statSync(path.join(packageFolder, 'src/transport/openssh/openssh-askpass.sh'));
  assert.equal(askpass.mode & 0o111, 0o111, 'ssh must be able to run it');
  for (const dialect of ['mysql', 'sqlite']) {
    const migrations = files.filter((name) => name.startsWith(`sql/${dialect}/001-`));
    assert.equal(migrations.length, 1, `the first migration for ${dialect}`);
  }
  const own = files.filter((name) => !name.startsWith('node_modules/'));
  const superfluous = own.filter((name) => /^(?:dist\/)?(?:test|bench|agent\/.*\.ts)\/|\.ts$|\.map$/.test(name));
  assert.deepEqual(superfluous, []);
  // Two programs and documents as they are; sources, maps and tests would be several times that.
  const bytes = own.reduce((sum, name) => sum + statSync(path.join(packageFolder, name)).size, 0);
  assert.ok(bytes < 4.5 * 1024 * 1024, `${bytes} bytes`);
});

test('the installed package brings the packages of the lock file, version by version, and stands alone', () => {
  const parse = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
  type Flag = 'dev' | 'optional' | 'devOptional';
  type Locked = Readonly<Record<string, { readonly version: string } & Readonly<Partial<Record<Flag, true>>>>>;
  const { packages } = parse(path.join(root, 'package-lock.json')) as { readonly packages: Locked };
  const needed = Object.entries(packages).filter(
    // Types never run.
    ([name, { dev, optional, devOptional }]) =>
      name !== '' && !dev && !optional && !devOptional && !/@types\/|undici-types/.test(name),
  );
  assert.ok(needed.length > 50);
  for (const [name, { version }] of needed) {
    const manifest = parse(path.join(packageFolder, name, 'package.json')) as { readonly version: string };
    assert.equal(manifest.version, version, name);
  }
  for (let folder = path.dirname(prefix); folder !== '/'; folder = path.dirname(folder)) {
    assert.ok(!existsSync(path.join(folder, 'node_modules')), `${folder} has packages too`);
  }
});

for (const line of ['npm pack', 'npm pack --ignore-scripts', 'npm publish --dry-run']) {
  const skip = line === 'npm pack' ? false : skipUnlessWide;
  test(`\`${line}\` fails, with an old build and without one`, { skip }, (t) => {
    const dir = tempFolder(t);
    for (const name of ['package.json', 'package-lock.json', '.npmrc'])
      cpSync(path.join(root, name), path.join(dir, name));
    mkdirSync(path.join(dir, 'dist'));
    writeFileSync(path.join(dir, 'dist/fleet-health.cjs'), '');
    const env = { PATH: process.env['PATH'], HOME: dir };
    const { status, stderr } = spawnSync('/bin/sh', ['-c', line], { cwd: dir, env, encoding: 'utf8' });
    assert.notEqual(status, 0);
    assert.match(stderr, /must have name and version|private|Invalid tag name/);
    const made = readdirSync(dir).filter((name) => name.endsWith('.tgz'));
    assert.deepEqual(made, []);
  });
}

test('a copy of dist/ alone says that it is not whole', (t) => {
  const dir = tempFolder(t);
  cpSync(path.join(packageFolder, 'dist'), dir, { recursive: true });
  const { stderr } = spawnSync(process.execPath, [path.join(dir, 'fleet-health.cjs'), 'status'], { encoding: 'utf8' });
  assert.match(stderr, /no package\.json above; install the whole package again/);
});
