import { readdirSync, lstatSync } from 'node:fs';
import path from 'node:path';

import { packageFolder } from '../test/support/programs/installed.ts';
import { atMost, measured, type BenchOptions, type BenchResult, type Row } from './figure.ts';

const row: Row = {
  name: 'installed-size',
  what: 'installed size of the package with its dependencies, without the SQLite binaries',
  unit: 'MB',
  peer: null,
  target: atMost(60),
};
const largest = 8;

/** Measures the installed package with the packages that it brings. */
export function benchInstalledSize({ say }: BenchOptions): Promise<BenchResult> {
  const sizes = filesOf(packageFolder).map(({ file, bytes }) => ({ name: path.relative(packageFolder, file), bytes }));
  const isBinary = (name: string): boolean => name.startsWith('node_modules/@photostructure/sqlite/prebuilds/');
  const counted = sizes.filter(({ name }) => !isBinary(name));
  const packages = new Map<string, number>();
  for (const { name, bytes } of counted) {
    const owner = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? 'fleet-health';
    packages.set(owner, (packages.get(owner) ?? 0) + bytes);
  }
  const worst = [...packages].sort(([, a], [, b]) => b - a).slice(0, largest);
  say(`largest: ${worst.map(([name, bytes]) => `${name} ${(bytes / 1e6).toFixed(1)}`).join(', ')} MB`);
  return Promise.resolve({ figures: [measured(row, [sumOf(counted) / 1e6])], series: [] });
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
