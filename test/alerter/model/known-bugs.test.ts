// Second tier: plays the model until it fails, once for each bug.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { build, type Plugin } from 'esbuild';

import { isLong } from '../../support/long-tests.ts';
import { knownBugs, type KnownBug } from './known-bugs.ts';

/** The title of the property in model.test.ts. */
const propertyName = 'whatever happens, people know in time what they must, and are told nothing else';
const root = path.join(import.meta.dirname, '../../..');

/** Returns a plugin that puts a bug back into the sources. Each edit must fit once. */
function puttingBack(edits: KnownBug['edits']): Plugin {
  return {
    name: 'known-bug',
    setup: (building) => {
      building.onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path: file }) => {
        let contents = readFileSync(file, 'utf8')
          .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href))
          .replaceAll(/(?<!')import\.meta\.dirname/g, JSON.stringify(path.dirname(file)));
        for (const edit of edits) {
          if (path.join(root, edit.file) !== file) continue;
          assert.equal(contents.split(edit.before).length, 2, `${edit.file} has once: ${edit.before}`);
          contents = contents.replace(edit.before, edit.after);
        }
        return { contents, loader: 'ts' };
      });
    },
  };
}

/** Builds the model over sources with these edits. Returns its path. */
async function buildWith(edits: KnownBug['edits'], name: number | string): Promise<string> {
  const outfile = path.join(root, 'dist/test/known-bugs', `${name}.mjs`);
  await build({
    entryPoints: [path.join(root, 'test/alerter/model/model.test.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
    plugins: [puttingBack(edits)],
  });
  return outfile;
}

/** Runs one test of the model. Returns its output. */
function run(
  file: string,
  name: string,
  given: { readonly PROPERTY_RUNS: string; readonly PROPERTY_PATH?: string },
): string {
  const pattern = name.replaceAll(/[^a-z ]/g, '.');
  // A test that is started by another one would write no TAP.
  const { NODE_TEST_CONTEXT: _, ...own } = process.env;
  const env = { ...own, FLEET_HEALTH_WIDE_TESTS: '1', NODE_OPTIONS: '', ...given };
  const args = [`--test-name-pattern=^${pattern}$`, file];
  return spawnSync(process.execPath, args, { env, encoding: 'utf8' }).stdout;
}

for (const [index, { name, edits }] of knownBugs.entries()) {
  test(`the model notices that ${name}`, async () => {
    const file = await buildWith(edits, index);
    assert.match(run(file, `kept: ${name}`, { PROPERTY_RUNS: '0' }), /^not ok .* kept: (?!.*SKIP)/m);
    if (!isLong) return;
    const found = run(file, propertyName, { PROPERTY_RUNS: '300' });
    const [, story] = /PROPERTY_PATH=(\d+)/.exec(found) ?? [];
    assert.ok(story !== undefined, `none of 300 stories breaks a promise: ${found}`);
    // Without the bug the same story holds: the model does not find fault with something else.
    const held = run(await buildWith([], 'none'), propertyName, { PROPERTY_RUNS: '1', PROPERTY_PATH: story });
    assert.match(held, /^ok .* whatever happens(?!.*SKIP)/m);
    console.log(name, /after \d+ stories/.exec(found)?.[0] ?? '');
  });
}
