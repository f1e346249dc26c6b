/**
 * Makes the packages fleet-health, fleet-health-agent and fleet-health-node for distributions, from files of the npm
 * package: Debian's with dpkg-deb alone, and rpm's with rpmbuild. Two runs on one commit give the same bytes, whatever
 * the folder.
 *
 * npm run deb -- [--arch amd64|arm64] [--out FOLDER] [--version VERSION] [--without-node]
 * npm run rpm -- ...
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { agentPackage } from './agent-package.ts';
import { collectorPackage } from './collector-package.ts';
import type { Release } from './package-description.ts';
import { nodePackage } from './node-package.ts';
import { packProgram, unpackProgram } from './npm-package.ts';
import { architectures } from './program-tree.ts';

const root = path.join(import.meta.dirname, '..', '..');
const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch === 'arm64' ? 'arm64' : 'amd64' },
    out: { type: 'string' },
    version: { type: 'string' },
    format: { type: 'string', default: 'deb' },
    'without-node': { type: 'boolean', default: false },
  },
});
if (!(values.arch in architectures)) throw new Error(`--arch ${values.arch}: choose of amd64, arm64`);
const { format } = values;
if (format !== 'deb' && format !== 'rpm') throw new Error(`--format ${format}: choose of deb, rpm`);

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { readonly version: string };
const release: Release = {
  version: values.version ?? manifest.version,
  architecture: values.arch,
  epoch: epochOf(process.env['SOURCE_DATE_EPOCH']),
  maintainer:
    `${process.env['DEBFULLNAME'] ?? 'Fleet Health'} ` +
    `<${process.env['DEBEMAIL'] ?? 'packages@fleet-health.example'}>`,
  root,
  out: path.resolve(values.out ?? path.join(root, `dist-${format}`)),
  format,
};
mkdirSync(release.out, { recursive: true });
process.umask(0o022);
const work = mkdtempSync(path.join(tmpdir(), 'fleet-health-packages-'));
try {
  const program = path.join(work, 'program');
  unpackProgram(packProgram(root, work), program);
  const made = [
    collectorPackage(program, path.join(work, 'collector'), release),
    agentPackage(program, path.join(work, 'agent'), release),
    ...(values['without-node'] ? [] : [nodePackage(path.join(work, 'node'), release)]),
  ];
  for (const file of made) process.stdout.write(`${file} ${(statSync(file).size / 1e6).toFixed(1)} MB\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Returns the time of $SOURCE_DATE_EPOCH, or of the commit, in seconds since 1970. */
function epochOf(text: string | undefined): number {
  const seconds = text ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).trim();
  if (!/^\d{1,12}$/.test(seconds)) throw new Error(`SOURCE_DATE_EPOCH=${seconds} is no number of seconds`);
  return Number(seconds);
}
