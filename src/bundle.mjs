// Bundles the program. One file, because Node takes half a millisecond of CPU for every module it loads and a line of every
// minute in a crontab loads a hundred; what a command does not need is in it but not run.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist');

/**
 * Packages that every command needs, and those that a CommonJS file cannot load on each Node we run on: they are taken into
 * the file with all they need themselves, and their licences are put beside it.
 */
const taken = ['commander', 'picomatch', 'string-width'];

const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const left = Object.keys(dependencies).filter((name) => !taken.includes(name));

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/cli.ts'],
  outfile: 'dist/cli.cjs',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  external: left.flatMap((name) => [name, `${name}/*`]),
  banner: { js: 'const importMetaUrl = require("url").pathToFileURL(__filename).href;' },
  define: { 'import.meta.url': 'importMetaUrl' },
  // Names stay as they are, for the stack that -v shows.
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
  metafile: true,
});

// The way in stays a file of its own: an old Node must be able to read all of it to say that it is too old. It has no types to take out.
const source = readFileSync(path.join(root, 'src/fleet-health.cts'), 'utf8');
const start = source.replace("import('./cli.ts')", "Promise.resolve(require('./cli.cjs'))");
if (start === source) throw new Error('fleet-health.cts does not start ./cli.ts');
writeFileSync(path.join(dist, 'fleet-health.cjs'), start, { mode: 0o755 });

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
