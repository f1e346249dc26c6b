// Bundles the program into dist/: the start, and parts/ with the code that several commands share and the code of one
// command. V8 reads the whole of a file before it runs a line of it, so a command loads only the parts that it needs.
// `node build/bundle.mjs FOLDER` leaves dist/ as it is, and writes the parts as they are before their characters are
// escaped, with their source maps, into that folder: test/walks says by them which file of src/ a function comes from.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { rolldown } from 'rolldown';

import { asciiOf } from './ascii.mjs';
import { computedTexts } from './computed-texts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [, , maps] = process.argv;
const dist = path.join(root, 'dist');
const parts = path.join(dist, 'parts');

/** Packages that every command needs, and ES modules that `require` cannot load on each supported Node. */
const bundled = ['commander', 'fast-xml-parser', 'picomatch', 'string-width', 'valibot'];

const { dependencies, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const external = Object.keys(dependencies).filter((name) => !bundled.includes(name));

const bundle = await rolldown({
  cwd: root,
  input: {
    cli: 'src/cli.ts',
    'agent-cli': 'src/agent-cli.ts',
    'compile-cache': 'src/cli/compile-cache.ts',
    'capture-worker': 'src/collector/agent/capture-worker.ts',
    'look-process': 'src/cli/serve/look-process.ts',
  },
  platform: 'node',
  external: (id) => external.some((name) => id === name || id.startsWith(`${name}/`)),
  transform: { target: 'node20', define: { AGENT_VERSION: JSON.stringify(version) } },
  plugins: [computedTexts],
  // A module may be loaded late by one command and at once by another.
  checks: { ineffectiveDynamicImport: false },
});
const { output } = await bundle.generate({
  format: 'cjs',
  sourcemap: maps === undefined ? false : 'hidden',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name].cjs',
  // Functions and classes keep their names for the stack that -v shows, and `require` for build/packages/, which looks
  // for the packages that a part loads.
  minify: { compress: true, mangle: { keepNames: true, reserved: ['require', 'require$1'] }, codegen: true },
});

if (maps !== undefined) {
  for (const { fileName, code, source } of output) writeFileSync(path.join(maps, fileName), code ?? source);
  process.exit();
}

// Nothing of an earlier build stays, but for the compiled tests.
for (const name of existsSync(dist) ? readdirSync(dist) : []) {
  if (name !== 'test') rmSync(path.join(dist, name), { recursive: true, force: true });
}
mkdirSync(parts, { recursive: true });
for (const { fileName, code } of output) writeFileSync(path.join(parts, fileName), asciiOf(code));

// The starts stay files of their own: an old Node must be able to parse them to report that it is too old. They have no
// types.
for (const name of ['fleet-health', 'fleet-health-agent']) {
  const source = readFileSync(path.join(root, `src/${name}.cts`), 'utf8');
  const start = source.replaceAll(
    /import\('\.\/(?:cli\/)?([\w-]+)\.ts'\)/g,
    "Promise.resolve(require('./parts/$1.cjs'))",
  );
  writeFileSync(path.join(dist, `${name}.cjs`), start, { mode: 0o755 });
}

// The folders of the bundled packages: `node_modules/NAME/`, or `node_modules/@SCOPE/NAME/`.
const files = output.flatMap(({ moduleIds }) => moduleIds);
const packages = new Set(files.flatMap((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
// uplot is part of the text of the pages' program.
packages.add('uplot');
const licences = [...packages].sort().map((name) => {
  const dir = path.join(root, 'node_modules', name);
  const file = readdirSync(dir).find((entry) => /^licen[cs]e/i.test(entry));
  if (file !== undefined) return `${name}\n\n${readFileSync(path.join(dir, file), 'utf8')}`;
  const { license, author } = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'));
  if (license !== 'MIT') throw new Error(`${name} has no licence file`);
  return `${name}\n\nMIT licence, ${author}\n`;
});
writeFileSync(path.join(dist, 'LICENCES.txt'), licences.join('\n\n'));
