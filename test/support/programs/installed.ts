/**
 * The package that people install, in a prefix of its own: the one place from which tests, fault runs, walks and
 * benchmarks take the programs that they start. test/run-files.mjs installs it once a run. A file that is run by hand
 * installs what `npm run build` has made last, if nobody has done so before.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { utimesSync } from 'node:fs';
import path from 'node:path';

import { packProgram } from '../../../build/packages/npm-package.ts';

const root = path.join(import.meta.dirname, '../../..');
/** The folder for installed packages, outside of the project: they find no package in its node_modules. */
const places = `/var/tmp/fleet-health-installed-${process.getuid?.() ?? 0}`;
const keptMs = 6 * 3_600_000;

/** The prefix: `bin/` has the programs. Nothing is there if the project was never built. */
export const prefix: string = process.env['FLEET_HEALTH_INSTALLED'] ?? installOnce();

/** The programs, as `npm install -g` puts them into PATH. */
export const program: string = path.join(prefix, 'bin', 'fleet-health');
export const agentProgram: string = path.join(prefix, 'bin', 'fleet-health-agent');
/** The folder of the files of the installed package. */
export const packageFolder: string = path.join(prefix, 'lib', 'node_modules', 'fleet-health');

/** Returns the prefix of the package with the content of this project. Installs it there if that was not done yet. */
function installOnce(): string {
  if (!existsSync(path.join(root, 'dist', 'fleet-health.cjs'))) return path.join(places, 'not-built');
  const place = path.join(places, digestOf(root));
  if (!existsSync(place)) install(place);
  utimesSync(place, new Date(), new Date());
  return place;
}

function install(place: string): void {
  mkdirSync(places, { recursive: true, mode: 0o755 });
  if (statSync(places).uid !== process.getuid?.()) throw new Error(`${places} belongs to another account`);
  for (const name of readdirSync(places)) {
    const old = path.join(places, name);
    if (Date.now() - statSync(old).mtimeMs > keptMs) rmSync(old, { recursive: true, force: true });
  }
  const umask = process.umask(0o022);
  const work = mkdtempSync(path.join(places, '.new-'));
  try {
    const file = packProgram(root, work);
    const words = ['install', '--global', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    const folders = ['--prefix', path.join(work, 'prefix'), '--cache', path.join(work, 'cache')];
    execFileSync('npm', [...words, ...folders, file], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(path.join(work, 'prefix'), place);
  } catch (thrown) {
    // Another process may have installed it meanwhile.
    if (!existsSync(place)) throw thrown;
  } finally {
    process.umask(umask);
    rmSync(work, { recursive: true, force: true });
  }
}

/** Returns a digest of everything that the package is made of. */
function digestOf(folder: string): string {
  const { files } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { files: string[] };
  const hash = createHash('sha256');
  const add = (name: string): void => {
    const file = path.join(folder, name);
    if (name === 'dist/test' || !existsSync(file)) return;
    if (statSync(file).isDirectory()) for (const below of readdirSync(file).sort()) add(`${name}/${below}`);
    else hash.update(`${name}\n`).update(readFileSync(file));
  };
  for (const name of ['package.json', 'package-lock.json', 'build/packages/npm-package.ts', ...files]) add(name);
  return hash.digest('hex').slice(0, 16);
}
