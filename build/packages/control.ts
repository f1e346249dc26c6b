import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import type { PackageDescription, Release } from './package-description.ts';
import type { PackageTree } from './package-tree.ts';
import { makeRpm } from './rpm.ts';

const files = path.join(import.meta.dirname, 'files');

/** Returns the content of a file of files/. */
export function packageFile(name: string): string {
  return readFileSync(path.join(files, name), 'utf8');
}

/** Adds the files that every package has, and makes the package in the format of the release. Returns the file. */
export function makePackage(tree: PackageTree, description: PackageDescription, release: Release): string {
  const { name, overrides = [] } = description;
  const doc = `usr/share/doc/${name}`;
  tree.write(`${doc}/copyright`, description.copyright);
  if (description.units !== undefined) {
    for (const kind of ['sysusers', 'tmpfiles'])
      tree.write(`usr/lib/${kind}.d/${name}.conf`, packageFile(`${name}.${kind}`));
  }
  if (release.format === 'rpm')
    return makeRpm(tree, description, { release, scriptlets: packageFile('scriptlets.spec') });
  tree.compress(`${doc}/changelog`, changelog(name, release));
  if (overrides.length > 0) {
    const lines = overrides.map(([tag, reason]) => `# ${reason}\n${name}: ${tag}\n`);
    tree.write(`usr/share/lintian/overrides/${name}`, lines.join(''));
  }
  if (description.units !== undefined) addScripts(tree, description);
  const conffiles = description.conffiles ?? [];
  if (conffiles.length > 0) tree.write('DEBIAN/conffiles', conffiles.map((file) => `${file}\n`).join(''));
  tree.write('DEBIAN/md5sums', tree.md5sums());
  tree.write('DEBIAN/control', controlText(description, release, tree.installedKib()));
  tree.settle(release.epoch);
  const file = path.join(release.out, `${name}_${release.version}_${release.architecture}.deb`);
  // The number of threads changes the bytes.
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(release.epoch), DPKG_DEB_THREADS_MAX: '1' };
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', `-z${description.level ?? 6}`, '--build', tree.root, file], {
    env,
    stdio: 'pipe',
  });
  return file;
}

/** Adds the scripts that make an account and its state folder, and stop units before their removal. */
function addScripts(tree: PackageTree, { name, units = [], restarted = [], hasInitScript }: PackageDescription): void {
  const init = (line: string): string => (hasInitScript === true ? line : '');
  const filled = (script: string): string =>
    packageFile(script)
      .replace(
        'INIT_CONFIGURE',
        init(
          `update-rc.d ${name} defaults >/dev/null\n  [ -d /run/systemd/system ] || invoke-rc.d ${name} try-restart ` +
            '|| true',
        ),
      )
      .replace('INIT_REMOVE', init(`[ -d /run/systemd/system ] || invoke-rc.d ${name} stop || true`))
      .replace('INIT_PURGE', init(`update-rc.d ${name} remove >/dev/null`))
      .replaceAll('PACKAGE', name)
      .replaceAll('LONG_RUNNING', restarted.join(' '))
      .replaceAll('UNITS', units.join(' '))
      .replaceAll(/^ +\n/gm, '');
  for (const script of ['postinst', 'prerm', 'postrm']) tree.write(`DEBIAN/${script}`, filled(`${script}.sh`));
}

function controlText(description: PackageDescription, release: Release, kib: number): string {
  const { name, depends, recommends, suggests, summary } = description;
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['Package', name],
    ['Version', release.version],
    ['Architecture', release.architecture],
    ['Maintainer', release.maintainer],
    ['Installed-Size', String(kib)],
    ['Depends', depends],
    ['Recommends', recommends],
    ['Suggests', suggests],
    ['Section', 'admin'],
    ['Priority', 'optional'],
    ['Description', summary],
  ];
  const lines = fields.flatMap(([field, value]) => (value === undefined ? [] : [`${field}: ${value}\n`]));
  return `${lines.join('')}${description.description.map((line) => ` ${line === '' ? '.' : line}\n`).join('')}`;
}

function changelog(name: string, { version, epoch, maintainer }: Release): string {
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  return `${name} (${version}) unstable; urgency=medium

  * A release of the project: its own CHANGELOG.md says what is new.

 -- ${maintainer}  ${date}
`;
}
