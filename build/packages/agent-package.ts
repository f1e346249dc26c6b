/** build/packages: makes what people install: npm's package from dist/, and Debian's of its files. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { accountDepends } from './collector-package.ts';
import { makePackage } from './control.ts';
import type { Release } from './package-description.ts';
import { ownCopyright, packagesCopyright } from './copyright.ts';
import { PackageTree } from './package-tree.ts';
import { addCommand, addCompletion, copyPackages, nativeDepends, partsOf, rpmRequires } from './program-tree.ts';

const home = 'usr/lib/fleet-health-agent';
const modes = ['report', 'push', 'edge', 'spoke'];

/**
 * Makes the package of the agent program from an installed program, with only the parts that it loads. Returns the
 * file.
 */
export function agentPackage(program: string, folder: string, release: Release): string {
  const tree = new PackageTree(folder);
  const { files, packages } = partsOf(path.join(program, 'dist'), 'fleet-health-agent.cjs');
  for (const file of files) tree.copy(path.join(program, 'dist', file), `${home}/dist/${file}`);
  for (const file of ['package.json', 'dist/LICENCES.txt']) tree.copy(path.join(program, file), `${home}/${file}`);
  const installed = new Set(readdirSync(path.join(program, 'node_modules')));
  const names = packages.filter((name) => installed.has(name.split('/')[0] ?? ''));
  const needed = names.includes('@photostructure/sqlite') ? [...names, 'node-gyp-build'] : names;
  copyPackages(tree, { program, target: home, architecture: release.architecture, names: needed });
  addCommand(tree, 'fleet-health-agent', `${home}/dist/fleet-health-agent.cjs`);
  addSystemFiles(tree, path.join(program, 'units'));
  tree.copy(path.join(program, 'docs', 'reporting.md'), 'usr/share/doc/fleet-health-agent/reporting.md');
  addCompletion(tree, 'fleet-health-agent', path.join(program, 'dist', 'fleet-health-agent.cjs'));
  tree.compress(
    'usr/share/man/man1/fleet-health-agent.1',
    readFileSync(path.join(program, 'man', 'fleet-health-agent.1')),
  );
  return makePackage(
    tree,
    {
      name: 'fleet-health-agent',
      depends: `nodejs (>= 20.19) | fleet-health-node, ${nativeDepends}, ${accountDepends}, procps`,
      rpmRequires: [...rpmRequires, 'procps'],
      suggests: 'openssh-client, logrotate',
      summary: 'reports, pushes and alerts of one machine, for Fleet Health',
      description: [
        'What a machine does by itself: reports of its state, pushed to a collector that',
        'cannot visit it, or evaluated here by rules of its own.',
        '',
        'Nothing runs before agent.json says what, and a mode is enabled:',
        'systemctl enable --now fleet-health-agent@edge',
      ],
      copyright: `${ownCopyright(program)}\n${packagesCopyright(program, needed)}`,
      units: [
        ...['fleet-health-agent-push.timer', 'fleet-health-agent-push.service'],
        ...modes.map((mode) => `fleet-health-agent@${mode}.service`),
      ],
      restarted: modes.map((mode) => `fleet-health-agent@${mode}.service`),
      hasInitScript: true,
      conffiles: ['default', 'init.d', 'logrotate.d'].map((place) => `/etc/${place}/fleet-health-agent`),
    },
    release,
  );
}

function addSystemFiles(tree: PackageTree, units: string): void {
  const file = (name: string): string => readFileSync(path.join(units, name), 'utf8');
  for (const name of readdirSync(units).filter((one) => /^fleet-health-agent.*\.(?:service|timer)$/.test(one))) {
    tree.write(`usr/lib/systemd/system/${name}`, file(name));
  }
  tree.write('etc/default/fleet-health-agent', file('fleet-health-agent.default'));
  tree.write('etc/init.d/fleet-health-agent', file('fleet-health-agent.init'));
  tree.write('etc/logrotate.d/fleet-health-agent', file('fleet-health-agent.logrotate'));
}
