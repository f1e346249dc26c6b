/**
 * The recipes of CONTRIBUTING.md: each diff beside this file is applied to a copy of the project and tested there. A
 * diff begins with a sentence for people and a line `Tests:` with the test files to run in the copy.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { tempFolder } from '../support/temp-folder.ts';

const root = path.join(import.meta.dirname, '..', '..');
const recipes = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.diff'));
/** Returns the most places of a recipe: a figure goes through all rooms. */
const maxPlaces = (name: string): number => (name === 'figure.diff' ? 6 : 5);
/** Folders that no recipe needs: they are large or made by a build. */
const left = new Set(['node_modules', 'dist', '.git', 'fleet-health-demo', 'fleet-health-simulation']);

/** Returns the changed files without tests and documents. The folder of a new dialect is one place. */
function placesOf(diff: string): readonly string[] {
  const files = [...diff.matchAll(/^\+\+\+ b\/(\S+)$/gm)].map(([, file]) => file ?? '');
  const places = files.filter((file) => !/^(?:test|docs|man)\/|^config\.xsd$|\.md$/.test(file));
  return [...new Set(places.map((file) => /^src\/storage\/dialects\/\w+(?=\/)/.exec(file)?.[0] ?? file))];
}

test('each recipe of CONTRIBUTING.md has its diff, and each diff its recipe', () => {
  const linked = readFileSync(path.join(root, 'CONTRIBUTING.md'), 'utf8').matchAll(
    /\(test\/recipes\/([\w-]+\.diff)\)/g,
  );
  assert.deepEqual([...linked].map(([, name]) => name).sort(), [...recipes].sort());
});

test('a database is its settings, a folder of dialects, a folder of sql, and lines of two registries', () => {
  const diff = readFileSync(path.join(import.meta.dirname, 'dialect.diff'), 'utf8');
  const name = /^\+\+\+ b\/sql\/(\w+)/m.exec(diff)?.[1] ?? '';
  const registries = {
    'src/config/databases/registry.ts': [`+export { ${name}Kind } from './${name}.ts';`],
    'src/storage/dialects/registry.ts': [
      `+import { ${name}Driver } from './${name}/driver.ts';`,
      `+  ${name}: ${name}Driver,`,
    ],
  };
  const own = [`sql/${name}`, `src/config/databases/${name}.ts`, `src/storage/dialects/${name}`];
  assert.deepEqual([...placesOf(diff)].sort(), [...own, ...Object.keys(registries)].sort());
  for (const [registry, added] of Object.entries(registries)) {
    const [, lines = ''] = diff.split(`+++ b/${registry}\n`);
    assert.deepEqual((lines.split(/^diff /m)[0] ?? '').match(/^[+-].*$/gm), added);
  }
});

interface Copy {
  readonly apply: (name: string, ...options: readonly string[]) => void;
  /** Runs a program. Returns its output. Fails the test if the program does not end well. */
  readonly run: (program: string, ...args: readonly string[]) => string;
}

/** Makes a copy of the project for a test. */
function copyOf(t: TestContext): Copy {
  const copy = tempFolder(t);
  cpSync(root, copy, { recursive: true, filter: (from) => !left.has(path.relative(root, from)) });
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  const env = { ...process.env };
  delete env['NODE_TEST_CONTEXT'];
  const run = (program: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: copy, encoding: 'utf8', env });
    assert.equal(status, 0, `${program} ${args.join(' ')}\n${stdout}${stderr}`);
    return stdout;
  };
  return {
    run,
    apply: (name, ...options) => void run('git', 'apply', ...options, path.join(import.meta.dirname, name)),
  };
}

for (const name of recipes) {
  const diff = readFileSync(path.join(import.meta.dirname, name), 'utf8');

  test(`${name} changes at most ${maxPlaces(name)} places, and its tests pass in a copy of the project`, (t) => {
    assert.ok(placesOf(diff).length <= maxPlaces(name), placesOf(diff).join(', '));
    const { apply, run } = copyOf(t);
    apply(name);
    const tests = (/^Tests: (.+)$/m.exec(diff)?.[1] ?? '').split(' ');
    const printed = run(process.execPath, '--import', 'tsx', '--test', '--test-reporter=tap', ...tests);
    assert.match(printed, /^# pass [1-9]/m);
    assert.match(printed, /^# fail 0$/m);
  });
}

test('a copy of the project with all recipes in it has no fault of types', (t) => {
  const { apply, run } = copyOf(t);
  // Commands rewrite these, each as a whole.
  const made = ['docs/*', 'man/*', 'config.xsd', '*.md'].map((files) => `--exclude=${files}`);
  for (const name of recipes) apply(name, ...made);
  run(process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.json');
});
