import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { makePackage } from './control.ts';
import type { Release } from './package-description.ts';
import { PackageTree } from './package-tree.ts';
import { architectures, rpmLibraries } from './program-tree.ts';

/** The version of the packaged Node: npm's package node-linux-ARCH, and the SHA-512 of its archive. */
const carried = '24.21.0';
const digests: Readonly<Record<string, string>> = {
  x64: '3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};

const licenceReason = 'The licences of Node.js and of its libraries are one file, which stands here as it is.';

/** Makes the package with Node for systems whose own Node is too old. Returns the file. */
export function nodePackage(folder: string, release: Release): string {
  const platform = architectures[release.architecture] ?? '';
  const unpacked = `${folder}.node`;
  mkdirSync(unpacked, { recursive: true });
  const archive = execFileSync('npm', ['pack', '--silent', `node-linux-${platform}@${carried}`], {
    cwd: unpacked,
    encoding: 'utf8',
  }).trim();
  const digest = createHash('sha512')
    .update(readFileSync(path.join(unpacked, archive)))
    .digest('base64');
  if (digest !== digests[platform])
    throw new Error(`${archive} has another SHA-512 than build/packages/node-package.ts names`);
  execFileSync('tar', ['-xzf', archive, '--strip-components=1', '--no-same-owner'], { cwd: unpacked });
  const tree = new PackageTree(folder);
  tree.copy(path.join(unpacked, 'bin', 'node'), 'usr/lib/fleet-health-node/bin/node');
  const licence = readFileSync(path.join(unpacked, 'LICENSE'), 'utf8');
  return makePackage(
    tree,
    {
      name: 'fleet-health-node',
      rpmRequires: rpmLibraries,
      level: 1,
      depends: 'libc6 (>= 2.28), libstdc++6 (>= 8)',
      summary: `Node.js ${carried} for fleet-health`,
      description: [
        'For systems whose nodejs is older than 20.19. It lies in a folder of its own,',
        "in nobody's PATH; fleet-health and fleet-health-agent find it there.",
      ],
      copyright:
        `Node.js ${carried}, as npm's package node-linux-${platform} has it. ` + `https://nodejs.org/\n\n${licence}`,
      overrides: [
        [
          'unstripped-binary-or-object [usr/lib/fleet-health-node/bin/node]',
          'Its digest is that of the registry: not a byte is changed.',
        ],
        ['copyright-file-contains-full-apache-2-license', licenceReason],
        ['copyright-not-using-common-license-for-gpl', licenceReason],
        ['embedded-library *', 'Node.js is built with its own copies of its libraries, and tested with these.'],
      ],
    },
    release,
  );
}
