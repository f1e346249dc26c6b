import { mkdirSync, readdirSync, lstatSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import path from 'node:path';

import { packageDir } from '../src/state-folder/paths.ts';
import { inTemporaryFolder } from './children.ts';
import { atMost, measured, notMeasured, type BenchOptions, type BenchResult, type Row } from './figure.ts';

const row: Row = {
  name: 'installed-size',
  what: 'installed size of the package with its dependencies, without the SQLite binaries',
  unit: 'MB',
  peer: null,
  target: atMost(60),
};
const largest = 8;

/** Measures an install: packs this package and installs the packed file into an empty folder, as a user does. */
export function benchInstalledSize({ quick, say }: BenchOptions): Promise<BenchResult> {
  if (quick) return Promise.resolve({ figures: [notMeasured(row, 'needs the registry of packages')], series: [] });
  return inTemporaryFolder((dir) => {
    // The variables of this npm run must not influence the inner npm.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle)_/.test(name)),
    );
    const npm = (cwd: string, ...args: readonly string[]): string =>
      execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    const [packed] = JSON.parse(npm(packageDir, 'pack', '--json', '--ignore-scripts', '--pack-destination', dir)) as {
      readonly filename: string;
    }[];
    const into = path.join(dir, 'installed');
    mkdirSync(into);
    const flags = [
      '--omit=dev',
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
    ];
    npm(into, 'install', ...flags, path.join(dir, packed?.filename ?? ''));
    const modules = path.join(into, 'node_modules');
    const sizes = filesOf(modules).map(({ file, bytes }) => ({ name: path.relative(modules, file), bytes }));
    const isBinary = (name: string): boolean => name.startsWith('@photostructure/sqlite/prebuilds/');
    const counted = sizes.filter(({ name }) => !isBinary(name));
    const packages = new Map<string, number>();
    for (const { name, bytes } of counted) {
      const owner = name.split('/', name.startsWith('@') ? 2 : 1).join('/');
      packages.set(owner, (packages.get(owner) ?? 0) + bytes);
    }
    const worst = [...packages].sort(([, a], [, b]) => b - a).slice(0, largest);
    say(`largest: ${worst.map(([name, bytes]) => `${name} ${(bytes / 1e6).toFixed(1)}`).join(', ')} MB`);
    return Promise.resolve({ figures: [measured(row, [sumOf(counted) / 1e6])], series: [] });
  });
}

function sumOf(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Returns the files and their sizes on a disk of 4 KB blocks, as du counts. */
function filesOf(dir: string): readonly { readonly file: string; readonly bytes: number }[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(dir, name))
    .map((file) => ({ file, bytes: lstatSync(file).blocks * 512 }));
}
