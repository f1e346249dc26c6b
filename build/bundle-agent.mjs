// Bundles the programs that run on clients, two for node and one for sh. CommonJS, because an ESM bundle of
// systeminformation fails at its start with "Dynamic require"; minified, because every byte is uploaded once to every
// client.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { shellAgent } from './bundle-shell-agent.mjs';
import { computedTexts } from './computed-texts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

// Reached before the rest is run and in syntax that such a node still reads: `oldestNode` of src/loader/loader.ts.
const refuseOldNode =
  '"use strict";(function(v){if(v[0]<18||v[0]==18&&v[1]<15){console.error("node "+process.version+" is too old: "+' +
  'process.execPath);process.exit(86)}})(process.versions.node.split("."));';

const options = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node12',
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  // Code made by Function cannot import: modules that are loaded on demand are loaded by require.
  supported: { 'dynamic-import': false },
  plugins: [computedTexts],
  define: { AGENT_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
};
const outdir = path.resolve(root, process.argv[2] ?? 'dist/agent');

await build({
  ...options,
  entryPoints: ['agent/inventory.ts'],
  outfile: path.join(outdir, 'inventory.cjs'),
  banner: { js: refuseOldNode },
});

// The program is a string, so that a node that cannot parse its syntax still reads and runs the check of the version.
const { outputFiles } = await build({
  ...options,
  entryPoints: ['agent/main.ts'],
  target: 'node18',
  write: false,
});
// In single quotes: esbuild writes double ones, and each escaped quote is a byte more to upload.
const code = outputFiles[0].text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n');
mkdirSync(outdir, { recursive: true });
writeFileSync(
  path.join(outdir, 'agent.cjs'),
  `${refuseOldNode}Function("require","module","exports",'${code}')(require,module,exports);\n`,
);
writeFileSync(path.join(outdir, 'agent.sh'), shellAgent(version));
