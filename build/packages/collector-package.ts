import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { makePackage } from './control.ts';
import type { Release } from './package-description.ts';
import { ownCopyright, packagesCopyright } from './copyright.ts';
import { PackageTree } from './package-tree.ts';
import { addCommand, addCompletion, copyPackages, nativeDepends, rpmRequires } from './program-tree.ts';

const home = 'usr/lib/fleet-health';
const units = ['collect', 'alert', 'ingest'].flatMap((name) => [
  `fleet-health-${name}.timer`,
  `fleet-health-${name}.service`,
]);

/** Makes the package of collector, alerter and server from an installed program. Returns the file. */
export function collectorPackage(program: string, folder: string, release: Release): string {
  const tree = new PackageTree(folder);
  const elsewhere = /^(?:docs|man|node_modules|crontab\.example|README\.md|ARCHITECTURE\.md|CHANGELOG\.md|LICENSE)$/;
  for (const name of readdirSync(program).filter((one) => !elsewhere.test(one))) {
    tree.copy(
      path.join(program, name),
      `${home}/${name}`,
      (file) => !/fleet-health-agent[.@-][^/]*$/.test(file) || /dist/.test(file),
    );
  }
  copyPackages(tree, { program, target: home, architecture: release.architecture });
  addCommand(tree, 'fleet-health', `${home}/dist/fleet-health.cjs`);
  for (const name of readdirSync(path.join(program, 'units')).filter((one) => /^fleet-health-(?!agent)/.test(one))) {
    tree.copy(path.join(program, 'units', name), `usr/lib/systemd/system/${name}`);
  }
  addDocuments(tree, program);
  addCompletion(tree, 'fleet-health', path.join(program, 'dist', 'fleet-health.cjs'));
  tree.copy(path.join(program, 'config.xml'), 'etc/fleet-health/config.xml.example');
  return makePackage(
    tree,
    {
      name: 'fleet-health',
      depends: `nodejs (>= 20.19) | fleet-health-node, openssh-client, ${nativeDepends}, ${accountDepends}`,
      rpmRequires: [...rpmRequires, 'openssh-clients'],
      suggests: 'cron | systemd, mariadb-server, fleet-health-agent',
      summary: 'agentless fleet monitor over SSH',
      description: [
        'Visits machines over SSH from cron or a timer, with nothing resident on them,',
        'keeps what they report in SQLite, MariaDB or MySQL, and mails what somebody has',
        'to see to. Reports are sealed on the machine that they are of.',
        '',
        'Nothing runs before /etc/fleet-health/config.xml is written.',
      ],
      copyright: `${ownCopyright(program)}\n${packagesCopyright(program)}`,
      units: [...units, 'fleet-health-serve.socket', 'fleet-health-serve.service'],
      restarted: ['fleet-health-serve.service'],
      conffiles: ['/etc/fleet-health/config.xml.example'],
    },
    release,
  );
}

/** The dependencies of the account, which systemd-sysusers makes, with systemd or without. */
export const accountDepends = 'systemd | systemd-standalone-sysusers | systemd-sysusers, init-system-helpers (>= 1.54)';

function addDocuments(tree: PackageTree, program: string): void {
  const doc = 'usr/share/doc/fleet-health';
  tree.copy(path.join(program, 'docs'), `${doc}/docs`);
  for (const name of ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md'])
    tree.copy(path.join(program, name), `${doc}/${name}`);
  tree.copy(path.join(program, 'crontab.example'), `${doc}/examples/crontab.example`);
  for (const name of ['fleet-health.1', 'fleet-health-config.5']) {
    tree.compress(`usr/share/man/man${name.at(-1) ?? ''}/${name}`, readFileSync(path.join(program, 'man', name)));
  }
}
