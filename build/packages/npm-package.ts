import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Files that never run: types, maps, sources of native parts, tests, and files for editors and linters. */
const unwanted = [
  /\/node_modules\/.*\/(?:\.[^/]+|test|tests)(?:\/|$)/,
  /\/node_modules\/.*\.(?:map|cpp|cc|h|gyp|gypi|ts|mts|cts|html)$/,
  /\/@photostructure\/sqlite\/(?:src|scripts|prebuilds\/win32-[^/]*)(?:\/|$)/,
];

interface Manifest {
  readonly version: string;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies?: unknown;
  readonly scripts?: unknown;
  readonly private?: unknown;
}

interface LockedPackage {
  readonly version: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

/**
 * Packs the built programs with the packages of the lock file, into a file that npm installs without a network. Returns
 * the file. Two runs on one commit give the same bytes.
 */
export function packProgram(root: string, out: string): string {
  const work = mkdtempSync(path.join(tmpdir(), 'fleet-health-package-'));
  try {
    const folder = path.join(work, 'package');
    stage(root, folder);
    // The scripts and settings of an npm run around this one are not for the package.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_(?:package|lifecycle)_/.test(name)),
    );
    mkdirSync(out, { recursive: true });
    const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', out];
    return path.join(out, execFileSync('npm', args, { cwd: folder, env, encoding: 'utf8' }).trim());
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Unpacks a file of packProgram. */
export function unpackProgram(file: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-xzf', file, '-C', folder, '--strip-components=1', '--no-same-owner']);
}

/** Puts the files of package.json's list, the packages that they need, and a manifest into a folder. */
function stage(root: string, folder: string): void {
  const read = (name: string): unknown => JSON.parse(readFileSync(path.join(root, name), 'utf8'));
  const { devDependencies: _d, scripts: _s, private: _p, ...manifest } = read('package.json') as Manifest;
  const copy = (name: string): void =>
    cpSync(path.join(root, name), path.join(folder, name), {
      recursive: true,
      filter: (file) => !unwanted.some((pattern) => pattern.test(file)) && file !== path.join(root, 'dist', 'test'),
    });
  for (const name of ['LICENSE', 'README.md', ...manifest.files.filter((one) => !one.startsWith('!'))]) copy(name);
  const { packages } = read('package-lock.json') as { readonly packages: Readonly<Record<string, LockedPackage>> };
  for (const [name, { version, dev, optional, devOptional }] of Object.entries(packages)) {
    if (name === '' || [dev, optional, devOptional].includes(true)) continue;
    const installed = (read(path.join(name, 'package.json')) as Manifest).version;
    if (installed !== version) throw new Error(`${name} is ${installed}, and ${version} in package-lock.json: npm ci`);
    if (!/\/node_modules\/.*\/node_modules\//.test(`/${name}`)) copy(name);
    dropOptional(path.join(folder, name, 'package.json'));
  }
  const text = JSON.stringify({ name: 'fleet-health', ...manifest, bundleDependencies: true }, null, 2);
  writeFileSync(path.join(folder, 'package.json'), `${text}\n`);
}

/** Removes the optional packages, which are compiled at an installation, from a manifest. */
function dropOptional(file: string): void {
  const { optionalDependencies, ...manifest } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  if (optionalDependencies !== undefined) writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}
