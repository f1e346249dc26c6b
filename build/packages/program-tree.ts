import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { packageFile } from './control.ts';
import type { PackageTree } from './package-tree.ts';

/** The names of an architecture: Debian's, and Node's. */
export const architectures: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64' };

/** Packages of types and of headers, which the others name and never load. */
const unwanted = /\/node_modules\/(?:@types|undici-types|node-addon-api)(?:\/|$)/;

/**
 * Copies installed packages without the files that do not run on this architecture; with `names`, these packages alone.
 */
export function copyPackages(tree: PackageTree, { program, target, architecture, names }: CopiedPackages): void {
  const native = `/prebuilds/linux-${architectures[architecture] ?? ''}`;
  const isWanted = (file: string): boolean => {
    if (unwanted.test(file)) return false;
    const [, below] = /(\/prebuilds\/.*)$/.exec(file) ?? [];
    return below === undefined || below === native || (below.startsWith(`${native}/`) && !below.includes('musl'));
  };
  const from = path.join(program, 'node_modules');
  for (const name of names ?? readdirSync(from).filter((one) => !one.startsWith('.'))) {
    tree.copy(path.join(from, name), `${target}/node_modules/${name}`, isWanted);
  }
}

/** Debian's libraries to which the native part of SQLite is linked. */
export const nativeDepends = 'libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 8)';
/** The same libraries, as rpm names them: by their files and versions of symbols. */
export const rpmLibraries: readonly string[] = [
  'libc.so.6(GLIBC_2.28)(64bit)',
  'libgcc_s.so.1()(64bit)',
  'libstdc++.so.6(GLIBCXX_3.4.25)(64bit)',
];
/** The dependencies of a program in an rpm. In Fedora and RHEL nodejs has the epoch 1. */
export const rpmRequires: readonly string[] = ['(nodejs >= 1:20.19 or fleet-health-node)', ...rpmLibraries];

export interface CopiedPackages {
  readonly program: string;
  readonly target: string;
  readonly architecture: string;
  readonly names?: readonly string[];
}

/** Writes /usr/bin/NAME, which finds Node. */
export function addCommand(tree: PackageTree, name: string, program: string): void {
  tree.write(`usr/bin/${name}`, packageFile('wrapper.sh').replaceAll('PROGRAM', `/${program}`));
}

/** Writes the completion scripts of the program for bash, zsh and fish. */
export function addCompletion(tree: PackageTree, name: string, start: string): void {
  const places = {
    bash: `usr/share/bash-completion/completions/${name}`,
    zsh: `usr/share/zsh/vendor-completions/_${name}`,
    fish: `usr/share/fish/vendor_completions.d/${name}.fish`,
  };
  for (const [shell, place] of Object.entries(places)) {
    tree.write(place, execFileSync(process.execPath, [start, 'completion', shell]));
  }
}

/** Returns the files of dist/ that a program loads, and the packages, found by their names in the text. */
export function partsOf(
  dist: string,
  start: string,
): { readonly files: readonly string[]; readonly packages: readonly string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(path.join(dist, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/(?:require(?:\$\d+)?|import)\([`"']([^`"']+)[`"']\)/g)) {
      if (name.startsWith('.')) visit(path.join(path.dirname(file), name));
      else if (!name.startsWith('node:')) packages.add(name);
    }
  };
  visit(start);
  return { files: [...files].toSorted(), packages: [...packages].toSorted() };
}
