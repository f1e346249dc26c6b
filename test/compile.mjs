/**
 * Makes plain JavaScript of the tests and of what they import, in dist/test/: `node test/compile.mjs TEST...` prints
 * the paths of what it made. A hundred modules a test file are then neither translated nor resolved anew by each of 480
 * processes, and none of them needs a thread of loader hooks, which on Node 20 can wait for ever at its start.
 */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';
import { tsImport } from 'tsx/esm/api';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = path.join(root, 'dist', 'test');

/**
 * The programs that tests start as processes of their own, by `programArgs` of test/support/programs/program-args.ts.
 */
const programs = [
  'test/storage/support/alert-writer.ts',
  'test/storage/support/lock-writer.ts',
  'test/storage/support/prune-writer.ts',
  'test/support/programs/alert-process.ts',
  'test/support/fleets/collect-killable.ts',
  'test/support/fleets/collect-leftovers.ts',
  'test/support/fleets/collect-measured.ts',
  'test/support/ssh/dear-peers.ts',
  'test/support/ssh/flooding-peers.ts',
  'test/support/databases/lock-holder.ts',
].map((file) => path.join(root, file));

/** The slowest test files, most of it waiting: begun last, they would run alone at the end. */
const longest = [
  'test/faults/faults.test.ts',
  'test/wide/shared-alerts.test.ts',
  'test/wide/forgetting-database.test.ts',
  'test/wide/endpoints-on-databases.test.ts',
  'test/walks/walks.test.ts',
  'test/alerter/cause/planted.test.ts',
  'test/alerter/model/model.test.ts',
  'test/alerter/alerter-stories.test.ts',
  'test/alerter/channels.test.ts',
  'test/alerter/outliers.test.ts',
  'test/end-to-end/storage-away.test.ts',
  'test/end-to-end/split-trust.test.ts',
  'test/collector/forward/forward.test.ts',
  'test/storage/conformance.test.ts',
  'test/end-to-end/push-ssh.test.ts',
  'test/cli/runs/collect.test.ts',
  'test/cli/status/status.test.ts',
  'test/collector/agent-stream-hostile.test.ts',
  'test/end-to-end/hold-on-alerts.test.ts',
  'test/end-to-end/hostile-client.test.ts',
  'test/end-to-end/hostile-fleet.test.ts',
  'test/end-to-end/hostile-floods.test.ts',
  'test/end-to-end/restricted-node.test.ts',
  'test/end-to-end/restricted-shell.test.ts',
  'test/end-to-end/secrets.test.ts',
  'test/end-to-end/storage-faults.test.ts',
  'test/end-to-end/places.test.ts',
  'test/end-to-end/two-alerters.test.ts',
  'test/cli/clients/cleanup.test.ts',
  'test/collector/dead-fleet.test.ts',
  'test/collector/hostile-memory.test.ts',
  'test/alerter/alerter-crashes.test.ts',
  'test/agent/capture/awkward-machines.test.ts',
  'test/simulator/simulator.test.ts',
].map((file) => path.join(root, file));

/**
 * Returns the path of a test's JavaScript below outdir, without its ending. Node runs test files in the order of their
 * paths.
 */
function placeOf(file) {
  const rank = longest.includes(file) ? 'first' : 'then';
  return path.join(rank, path.relative(root, file).replace(/\.ts$/, ''));
}

/**
 * A module goes on believing that it stands where its source stands: it finds its test data and other programs there.
 */
const whereItStood = {
  name: 'where-it-stood',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path: file }) => {
      const contents = readFileSync(file, 'utf8')
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href))
        // A string with this name is an option for esbuild.
        .replaceAll(/(?<!')import\.meta\.dirname/g, JSON.stringify(path.dirname(file)));
      return { contents, loader: 'ts' };
    });
  },
};

/**
 * Packages that become part of the JavaScript: to find and read their many files would cost each of hundreds of
 * processes a tenth to a half of a start of Node. Other packages have native parts, read files, or are loaded by few.
 */
const bundled = new Set(['fast-check', 'fast-xml-parser', 'picomatch', 'string-width', 'valibot']);
const packages = {
  name: 'packages',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^[^./]/ }, ({ path: name, importer, kind }) => {
      if (kind === 'entry-point' || bundled.has(name) || importer.includes('/node_modules/')) return undefined;
      return { path: name, external: true };
    });
  },
};

/** The texts of the pages, which their module makes with esbuild at each start: they are made once. */
const textsOfPages = {
  name: 'texts-of-pages',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/src\/look\/page\/assets\.ts$/ }, async ({ path: file }) => {
      const texts = Object.entries(await tsImport(file, import.meta.url));
      const lines = texts.map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};\n`);
      return { contents: lines.join(''), loader: 'js' };
    });
  },
};

rmSync(outdir, { recursive: true, force: true });
const tests = process.argv.slice(2).map((file) => path.resolve(file));
await build({
  entryPoints: [
    ...tests.map((file) => ({ in: file, out: placeOf(file) })),
    ...programs.map((file) => ({ in: file, out: path.relative(root, file).replace(/\.ts$/, '') })),
  ],
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  sourcesContent: false,
  plugins: [packages, textsOfPages, whereItStood],
});
for (const file of tests) {
  process.stdout.write(`${path.relative(process.cwd(), path.join(outdir, `${placeOf(file)}.mjs`))}\n`);
}
