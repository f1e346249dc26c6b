import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { PackageDescription, Release } from './package-description.ts';
import type { PackageTree } from './package-tree.ts';

/** rpm's names of Debian's architectures. */
const targets: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

export interface RpmParts {
  readonly release: Release;
  /** The scripts for a package with units. */
  readonly scriptlets: string;
}

/**
 * Makes an rpm of the files of a Debian package with rpmbuild, without the init script and its /etc/default: a system
 * with rpm has systemd. Returns the file.
 */
export function makeRpm(tree: PackageTree, description: PackageDescription, parts: RpmParts): string {
  const { release } = parts;
  tree.rename('usr/share/zsh/vendor-completions', 'usr/share/zsh/site-functions');
  for (const place of ['etc/init.d', 'etc/default']) tree.remove(place);
  tree.settle(release.epoch);
  const work = `${tree.root}.rpm`;
  mkdirSync(work);
  const spec = path.join(work, 'package.spec');
  writeFileSync(spec, specText(tree, description, parts));
  const target = targets[release.architecture] ?? '';
  const macros = Object.entries({ _topdir: work, _buildhost: 'localhost' });
  const defined = macros.flatMap(([macro, value]) => ['--define', `${macro} ${value}`]);
  execFileSync('rpmbuild', ['-bb', '--quiet', '--target', target, ...defined, spec], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(release.epoch) },
    stdio: 'pipe',
  });
  const folder = path.join(work, 'RPMS', target);
  const [made = ''] = readdirSync(folder);
  const file = path.join(release.out, made);
  copyFileSync(path.join(folder, made), file);
  rmSync(work, { recursive: true });
  return file;
}

function specText(tree: PackageTree, description: PackageDescription, { release, scriptlets }: RpmParts): string {
  const { name, summary, rpmRequires, units, restarted = [], level = 6 } = description;
  const scripts = scriptlets
    .replaceAll('PACKAGE', name)
    .replaceAll('LONG_RUNNING', restarted.join(' '))
    .replaceAll('UNITS', units?.join(' ') ?? '');
  const lines = rpmRequires.map((one) => `Requires: ${one}\n`);
  if (units !== undefined) lines.push('Requires(post): systemd\n', 'Requires(preun): systemd\n');
  return `# The files are packed as they are: nothing is stripped, and no dependency is searched for in them.
%global debug_package %{nil}
%global __os_install_post %{nil}
%global _build_id_links none
%global _binary_payload w${level}.xzdio
%global source_date_epoch_from_changelog 0
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
Name: ${name}
Version: ${release.version}
Release: 1
Summary: ${summary}
License: MIT
Packager: ${release.maintainer}
AutoReqProv: no
${lines.join('')}
%description
${description.description.join('\n')}

%install
mkdir -p "%{buildroot}"
cp -a "${tree.root}/." "%{buildroot}/"

${units === undefined ? '' : scripts}
%files
%defattr(-,root,root)
${fileLines(tree, description).join('\n')}
`;
}

/** Returns the lines of %files: all files, and of the folders those that are the package's own. */
function fileLines(tree: PackageTree, { name, conffiles = [] }: PackageDescription): readonly string[] {
  return tree.paths().flatMap((file) => {
    const quoted = `"/${file.replaceAll('%', '%%')}"`;
    if (conffiles.includes(`/${file}`)) return [`%config(noreplace) ${quoted}`];
    if (!file.endsWith('/')) return [quoted];
    return `/${file}`.includes(`/${name}/`) ? [`%dir ${quoted}`] : [];
  });
}
