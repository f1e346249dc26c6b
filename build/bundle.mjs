// Bundles the program into dist/: one file for all commands, since Node takes half a millisecond of CPU for
// each module that it loads. A command's own modules run when the command is used (esbuild keeps what
// `import()` loads lazy).
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { computedTexts } from './computed-texts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist');

/** Packages that every command needs, and ES modules that `require` cannot load on each supported Node. */
const bundled = ['commander', 'picomatch', 'string-width'];

const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const external = Object.keys(dependencies).filter((name) => !bundled.includes(name));

mkdirSync(dist, { recursive: true });

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { cli: 'src/cli.ts', 'compile-cache': 'src/cli/compile-cache.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  external,
  // Names stay as they are, for the stack that -v shows.
  minifyWhitespace: true,
  minifySyntax: true,
  define: { 'import.meta.url': 'importMetaUrl' },
  plugins: [computedTexts],
  banner: { js: 'const importMetaUrl=require("url").pathToFileURL(__filename).href;' },
  logLevel: 'warning',
  metafile: true,
});

// V8 keeps a source of one-byte characters in half the memory. esbuild escapes others, but not in regular expressions.
const other = /.{0,60}\P{ASCII}/u.exec(readFileSync(path.join(dist, 'cli.cjs'), 'utf8'));
if (other !== null) throw new Error(`dist/cli.cjs is not ASCII: write \\u in the regular expression ${other[0]}`);

// The start stays a file of its own: an old Node must be able to parse it to say that it is too old. It has no types.
const source = readFileSync(path.join(root, 'src/fleet-health.cts'), 'utf8');
const start = source.replaceAll(/import\('\.\/(?:cli\/)?([\w-]+)\.ts'\)/g, "Promise.resolve(require('./$1.cjs'))");
writeFileSync(path.join(dist, 'fleet-health.cjs'), start, { mode: 0o755 });

// The folders of the packages in it: `node_modules/NAME/`, or `node_modules/@SCOPE/NAME/`.
const packages = new Set(
  Object.keys(metafile.inputs).flatMap((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []),
);
// Part of the text of the pages' program.
packages.add('uplot');
const licences = [...packages].sort().map((name) => {
  const dir = path.join(root, 'node_modules', name);
  const file = readdirSync(dir).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  return `${name}\n\n${readFileSync(path.join(dir, file), 'utf8')}`;
});
writeFileSync(path.join(dist, 'LICENCES.txt'), licences.join('\n\n'));
