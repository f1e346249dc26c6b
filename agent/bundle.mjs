// Bundles the two programs that run on clients. CommonJS, because an ESM bundle of systeminformation fails at its start
// with "Dynamic require"; minified, because every byte is uploaded once to every client.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

// Reached before the rest is run and in syntax that such a node still reads: `oldestNode` of src/transport/loader.ts.
const refuseOldNode =
  '"use strict";(function(v){if(v[0]<18||v[0]==18&&v[1]<15){console.error("node "+process.version+" is too old: "+' +
  'process.execPath);process.exit(86)}})(process.versions.node.split("."));';

await build({
  absWorkingDir: root,
  entryPoints: { agent: 'agent/main.ts', inventory: 'agent/inventory.ts' },
  outdir: process.argv[2] ?? 'dist/agent',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node12',
  banner: { js: refuseOldNode },
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  define: { AGENT_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
