/**
 * Makes plain JavaScript of the tests and of what they import, in dist/test/: `node test/compile.mjs [--share] TEST...`
 * prints the paths of what it made. A hundred modules a test file are then neither translated nor resolved anew by each
 * of 400 processes, and none of them needs a thread of loader hooks, which on Node 20 can wait for ever at its start.
 * With --share files share a process, some tens at a time.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build, transform } from 'esbuild';
import { tsImport } from 'tsx/esm/api';

import { importGraph } from './import-graph.mjs';

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
  'test/support/databases/run-server.ts',
].map((file) => path.join(root, file));

/** The slowest test files, the slowest first, most of it waiting: begun last, they would run alone at the end. */
const longest = [
  'test/end-to-end/hostile-floods.test.ts',
  'test/faults/faults.test.ts',
  'test/end-to-end/places.test.ts',
  'test/end-to-end/hostile-fleet.test.ts',
  'test/end-to-end/restricted-agents.test.ts',
  'test/collector/hostile-captures.test.ts',
  'test/wide/forgetting-database.test.ts',
  'test/look/serve/endpoints/events.test.ts',
  'test/documents/installation.test.ts',
  'test/wide/endpoints-on-databases.test.ts',
  'test/end-to-end/upgrade.test.ts',
  'test/alerter/model/model.test.ts',
  'test/wide/forwarding-kills.test.ts',
  'test/simulator/simulator.test.ts',
  'test/alerter/alerter-crashes.test.ts',
  'test/collector/hostile-memory.test.ts',
  'test/wide/night.test.ts',
  'test/wide/shared-collectors.test.ts',
  'test/documents/quick-start.test.ts',
  'test/documents/pages.test.ts',
  'test/end-to-end/two-alerters.test.ts',
  'test/end-to-end/forwarding.test.ts',
  'test/end-to-end/state-kills.test.ts',
  'test/collector/dead-fleet.test.ts',
  'test/wide/package.test.ts',
  'test/wide/rpm.test.ts',
  'test/wide/scanner.test.ts',
  'test/wide/shared-alerts.test.ts',
  'test/walks/walks.test.ts',
  'test/alerter/cause/planted.test.ts',
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
  'test/end-to-end/secrets.test.ts',
  'test/end-to-end/storage-faults.test.ts',
  'test/cli/clients/cleanup.test.ts',
  'test/agent/capture/awkward-machines.test.ts',
].map((file) => path.join(root, file));

/**
 * Returns the path of a test's JavaScript below outdir, without its ending. Node runs test files in the order of their
 * paths.
 */
function placeOf(file) {
  const index = longest.indexOf(file);
  const rank = index === -1 ? 'then' : `first-${String(index).padStart(2, '0')}`;
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

/** Files of one process: more would save little, and leave a core idle at the end. */
const filesOfProcess = 24;

/**
 * Returns the tests that may share a process, in the order of their paths: a `require` loads them and what they import,
 * no suite of theirs begins its servers when it is read, and they do not say `// Runs alone: REASON`.
 * test/share-process.mjs says what they leave.
 */
async function findShareable(tests) {
  const inputs = await importGraph(tests);
  const awaiting = await findAwaiting(Object.keys(inputs));
  const found = new Map();
  const isLoadable = (file) => {
    if (found.has(file)) return found.get(file);
    // Modules that import each other are as loadable as the others of them.
    found.set(file, true);
    const imported = inputs[file].imports.filter(({ external }) => !external);
    found.set(file, !awaiting.has(file) && imported.every(({ path: name }) => isLoadable(name)));
    return found.get(file);
  };
  const isShareable = (file) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    const isBegun = /\b(?:describe|suite)\(.*\basync\b/.test(text);
    return !isBegun && !/^\/\/ Runs alone: /m.test(text) && isLoadable(file);
  };
  return tests.filter((file) => isShareable(path.relative(root, file))).sort();
}

/** Returns the files whose module awaits: a `require` does not wait for it. */
async function findAwaiting(files) {
  const ours = files.filter((file) => /^(?:test|src|agent|build|bench)\/.*\.ts$/.test(file));
  const awaits = async (file) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    if (!/\bawait\b/.test(text)) return false;
    // Only a module can await: esbuild refuses to make anything else of it.
    return transform(text, { loader: 'ts', format: 'cjs', logLevel: 'silent' }).then(
      () => false,
      () => true,
    );
  };
  const found = await Promise.all(ours.map(async (file) => ((await awaits(file)) ? [file] : [])));
  return new Set(found.flat());
}

/** Returns the processes that tests share: the name of each, and its files, which load much the same of a room. */
function processesOf(shareable) {
  const count = Math.ceil(shareable.length / filesOfProcess);
  return Array.from({ length: count }, (_, index) => ({
    name: `shared-${String(index + 1).padStart(2, '0')}.test`,
    files: shareable.slice(index * filesOfProcess, (index + 1) * filesOfProcess),
  }));
}

/** The first module of a process that tests share. A `require` of a file runs it there, inside of its suite. */
const sharedProcesses = {
  name: 'shared-processes',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^shared-\d+\.test$/ }, ({ path: name }) => ({ path: name, namespace: 'shared' }));
    onLoad({ filter: /./, namespace: 'shared' }, ({ path: name }) => {
      const files = processes.find((process) => process.name === name)?.files ?? [];
      const lines = files.map(
        (file) => `share(${JSON.stringify(path.relative(root, file))}, () => require(${JSON.stringify(file)}));\n`,
      );
      const share = path.join(root, 'test', 'share-process.mjs');
      return { contents: `import { share } from ${JSON.stringify(share)};\n${lines.join('')}`, resolveDir: root };
    });
  },
};

rmSync(outdir, { recursive: true, force: true });
const isSharing = process.argv[2] === '--share';
const tests = process.argv.slice(isSharing ? 3 : 2).map((file) => path.resolve(file));
const processes = isSharing ? processesOf(await findShareable(tests)) : [];
await build({
  entryPoints: [
    ...tests.map((file) => ({ in: file, out: placeOf(file) })),
    ...processes.map(({ name }) => ({ in: name, out: path.join('then', name) })),
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
  plugins: [sharedProcesses, packages, textsOfPages, whereItStood],
});
const compiled = (place) => path.relative(process.cwd(), path.join(outdir, `${place}.mjs`));
const shared = processes.map(({ name, files }) => ({
  compiled: compiled(path.join('then', name)),
  files: files.map((file) => ({ name: path.relative(root, file), compiled: compiled(placeOf(file)) })),
}));
// For test/run-files.mjs.
mkdirSync(outdir, { recursive: true });
writeFileSync(path.join(outdir, 'shared.json'), JSON.stringify(shared));
const inShared = new Set(processes.flatMap(({ files }) => files));
const own = tests.filter((file) => !inShared.has(file)).map((file) => compiled(placeOf(file)));
process.stdout.write([...own, ...shared.map((process) => process.compiled)].map((file) => `${file}\n`).join(''));
