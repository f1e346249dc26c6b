// Bundles the program into a few files. Node takes half a millisecond of CPU for every module it loads, and V8 reads every
// line of a file that it loads: so what any command line needs is one file, what a pass of the alerter with nothing to do
// needs is a second (it is a line of every minute in a crontab), what `collect` needs besides a third, and everything else
// a fourth.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build, transform } from 'esbuild';

import { bindChunk } from './bind-chunk.mjs';
import { minified, takeSsh2 } from './bundle-ssh2.mjs';
import { clientScripts } from './client-scripts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist');

/**
 * Packages that every command needs, ssh2 for `collect`, and those that a CommonJS file cannot load on each Node we run on:
 * they are taken into the files with all they need themselves, and their licences are put beside them.
 */
const taken = ['commander', 'picomatch', 'ssh2', 'string-width'];

const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const left = Object.keys(dependencies).filter((name) => !taken.includes(name));

/** Commander starts programs for commands that we do not have; what it would start them with takes 2 ms to load. */
const lazyChildProcess = {
  name: 'lazy-child-process',
  setup: ({ onLoad }) => {
    onLoad({ filter: /node_modules\/commander\/lib\/command\.js$/ }, async ({ path: file }) => {
      const text = readFileSync(file, 'utf8');
      const contents = text.replace(
        "const childProcess = require('node:child_process');",
        "const childProcess = { spawn: (...args) => require('node:child_process').spawn(...args) };",
      );
      if (contents === text) throw new Error('commander loads node:child_process in another way than it did');
      return { contents: await minified(contents) };
    });
  },
};

// esbuild splits ES modules only: chunks that import each other. They are turned into CommonJS one by one.
const { metafile, outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: { cli: 'src/cli.ts' },
  outdir: 'dist',
  chunkNames: '[hash]',
  bundle: true,
  splitting: true,
  write: false,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: [...left.flatMap((name) => [name, `${name}/*`]), 'cpu-features', 'ssh2/lib/protocol/crypto/*'],
  define: { 'import.meta.url': 'importMetaUrl' },
  plugins: [clientScripts, lazyChildProcess, takeSsh2],
  logLevel: 'warning',
  metafile: true,
});

/** Chunk (`./NAME`) -> its CommonJS code. Names stay as they are, for the stack that -v shows. */
const chunks = new Map();
for (const { path: file, text } of outputFiles) {
  const { code } = await transform(bindChunk(text), {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minifyWhitespace: true,
    minifySyntax: true,
    supported: { 'dynamic-import': false },
  });
  chunks.set(`./${path.basename(file)}`, code);
}

/** The chunks that those of some entry points are loaded with. */
function loadedWith(sources) {
  const found = new Set();
  const add = (output) => {
    if (found.has(output)) return;
    found.add(output);
    for (const { path: file, kind } of metafile.outputs[output].imports) {
      if (kind === 'import-statement' && metafile.outputs[file] !== undefined) add(file);
    }
  };
  for (const source of sources) {
    const output = Object.keys(metafile.outputs).find((name) => metafile.outputs[name].entryPoint === source);
    if (output === undefined) throw new Error(`${source} is not loaded on demand by anything`);
    add(output);
  }
  return [...found].map((output) => `./${path.basename(output)}`);
}

const always = loadedWith(['src/cli.ts']);
const idle = loadedWith([
  'src/cli/runs/alert.ts',
  'src/cli/runs/alert-lines.ts',
  'src/storage/dialects/sqlite/database.ts',
]);
const visiting = loadedWith([
  'src/cli/runs/collect.ts',
  'src/cli/runs/collect-lines.ts',
  'src/storage/dialects/sqlite/database.ts',
]);
const files = {};
const placed = new Set(always);
for (const [file, names] of [
  ['./alert.cjs', idle],
  ['./collect.cjs', visiting],
  ['./commands.cjs', [...chunks.keys()]],
]) {
  files[file] = names.filter((name) => !placed.has(name));
  for (const name of names) placed.add(name);
}

/** What a file holds: a function for each of its chunks. */
const table = (names) =>
  `{${names.map((name) => `${JSON.stringify(name)}:function(exports,require,module){${chunks.get(name)}}`)}}`;
const importMetaUrl = 'const importMetaUrl=require("url").pathToFileURL(__filename).href;';

files['./cli.cjs'] = always;
const place = Object.fromEntries(Object.entries(files).flatMap(([file, names]) => names.map((name) => [name, file])));
const texts = Object.fromEntries(
  Object.entries(files).map(([file, names]) => [file, `"use strict";${importMetaUrl}module.exports=${table(names)};`]),
);
// Loads a chunk once, from whichever file holds it; what is no chunk is a package or a part of Node.
texts['./cli.cjs'] += `
const tables={"./cli.cjs":module.exports},place=${JSON.stringify(place)},loaded={};
function load(name){
if(loaded[name])return loaded[name].exports;
const file=place[name];
if(!file)return require(name);
const table=tables[file]||(tables[file]=loadCompiled(file));
const module=loaded[name]={exports:{}};
table[name](module.exports,load,module);
return module.exports;
}
module.exports=load("./cli.js");`;

rmSync(path.join(dist, 'compiled'), { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const [file, text] of Object.entries(texts)) writeFileSync(path.join(dist, file), text);
const digestOf = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16);
await build({
  absWorkingDir: root,
  entryPoints: ['src/platform/load-compiled.ts'],
  outfile: 'dist/load-compiled.cjs',
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  define: {
    digests: JSON.stringify(Object.fromEntries(Object.entries(texts).map(([file, text]) => [file, digestOf(text)]))),
    'import.meta.dirname': '__dirname',
  },
  logLevel: 'warning',
});

// The way in stays a file of its own: an old Node must be able to read all of it to say that it is too old. It has no types to take out.
const source = readFileSync(path.join(root, 'src/fleet-health.cts'), 'utf8');
const wayIn = source.replace(
  "import('./cli.ts')",
  "Promise.resolve(require('./load-compiled.cjs').loadCompiled('./cli.cjs'))",
);
if (wayIn === source) throw new Error('fleet-health.cts does not start ./cli.ts');
writeFileSync(path.join(dist, 'fleet-health.cjs'), wayIn, { mode: 0o755 });

// The folders of what went into it: `node_modules/NAME/`, or `node_modules/@SCOPE/NAME/`.
const packages = new Set(
  Object.keys(metafile.inputs).flatMap((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []),
);
const licences = [...packages].sort().map((name) => {
  const dir = path.join(root, 'node_modules', name);
  const file = readdirSync(dir).find((one) => /^licen[cs]e/i.test(one));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  return `${name}\n\n${readFileSync(path.join(dir, file), 'utf8')}`;
});
writeFileSync(path.join(dist, 'LICENCES.txt'), licences.join('\n\n'));
