/**
 * Builds the programs, and makes the package that people install: `npm run package -- [--out FOLDER]`. FOLDER: by
 * default the project's. package.json has no name, so that `npm pack`, which may find an old build or none, fails.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { packProgram } from './npm-package.ts';

const root = path.join(import.meta.dirname, '..', '..');
const { values } = parseArgs({ options: { out: { type: 'string', default: root } } });
// After a build that fails nobody shall install the package of an earlier one.
for (const name of readdirSync(root).filter((one) => /^fleet-health-\d.*\.tgz$/.test(one))) {
  rmSync(path.join(root, name));
}
execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
const file = packProgram(root, path.resolve(values.out));
process.stdout.write(`${file} ${(statSync(file).size / 1e6).toFixed(1)} MB\n`);
