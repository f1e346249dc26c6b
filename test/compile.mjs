/**
 * Makes plain JavaScript of the tests and of what they import, in dist/test/: `node test/compile.mjs TEST...` prints the
 * paths of what it made. A hundred modules a test file are then neither translated nor resolved anew by each of 230
 * processes, and none of them needs a thread of loader hooks, which on Node 20 can wait for ever at its start.
 */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = path.join(root, 'dist', 'test');

/** What tests start as processes of their own, by `programArgs` of test/support/program-args.ts. */
const programs = [
  'test/storage/alert-writer.ts',
  'test/storage/lock-writer.ts',
  'test/storage/prune-writer.ts',
  'test/support/alert-process.ts',
  'test/support/collect-killable.ts',
  'test/support/collect-measured.ts',
  'test/support/lock-holder.ts',
].map((file) => path.join(root, file));

/** A module goes on believing that it stands where its source stands: it finds its test data and other programs there. */
const whereItStood = {
  name: 'where-it-stood',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path: file }) => {
      const contents = readFileSync(file, 'utf8')
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href))
        .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file)));
      return { contents, loader: 'ts' };
    });
  },
};

rmSync(outdir, { recursive: true, force: true });
const tests = process.argv.slice(2).map((file) => path.resolve(file));
await build({
  entryPoints: [...tests, ...programs],
  outdir,
  outbase: root,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  sourcesContent: false,
  plugins: [whereItStood],
});
for (const file of tests) {
  process.stdout.write(
    `${path.relative(process.cwd(), path.join(outdir, path.relative(root, file)).replace(/\.ts$/, '.mjs'))}\n`,
  );
}
