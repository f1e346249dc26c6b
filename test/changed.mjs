/**
 * `npm run changed [COMMIT]`: formats and lints what differs from a commit (HEAD), and runs the tests of the first tier
 * that come by it: those which import it, and those of programs where it is part of a program.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { importGraph } from './import-graph.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const lines = (program, ...args) => execFileSync(program, args, { encoding: 'utf8' }).split('\n').filter(Boolean);
const commit = process.argv[2] ?? 'HEAD';
const changed = [
  ...lines('git', 'diff', '--name-only', commit),
  ...lines('git', 'ls-files', '--others', '--exclude-standard'),
].filter((file) => existsSync(file));

/** Runs a program with the files that it is for. Returns true if it found nothing, or had nothing to do. */
function passes(files, program, ...args) {
  return files.length === 0 || spawnSync(program, [...args, ...files], { stdio: 'inherit' }).status === 0;
}

/** Returns the tests of the first tier that import one of the files, directly or not, and the files' own rooms. */
async function testsOf(files) {
  const tests = lines('sh', 'test/first-tier.sh');
  const inputs = await importGraph(tests);
  const near = new Set(files);
  const reaches = new Map();
  const isReached = (file) => {
    if (near.has(file)) return true;
    if (reaches.has(file)) return reaches.get(file);
    reaches.set(file, false);
    const imported = inputs[file]?.imports ?? [];
    reaches.set(
      file,
      imported.some(({ path: name, external }) => external !== true && isReached(name)),
    );
    return reaches.get(file);
  };
  const rooms = files.map((file) => path.dirname(file).replace(/^src\//, 'test/'));
  return tests.filter((test) => isReached(test) || rooms.includes(path.dirname(test)));
}

const code = changed.filter((file) => /\.(?:[cm]?[jt]s)$/.test(file) && !file.startsWith('test/testdata/'));
const typed = code.filter((file) => /\.c?ts$/.test(file));
const formatted = passes(changed, 'npx', 'prettier', '--write', '--ignore-unknown', '--log-level', 'warn');
const linted = passes(typed, 'npx', 'oxlint', '--type-aware') && passes(code, 'npx', 'eslint');
const tests = await testsOf(changed);
console.log(`${changed.length} files differ from ${commit}; ${tests.length} files of tests come by them`);
const tested = passes(tests, 'sh', 'test/run.sh');
process.exitCode = formatted && linted && tested ? 0 : 1;
