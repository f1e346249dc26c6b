// Bundles the two programs that run on clients. CommonJS, because an ESM bundle of systeminformation fails at its start
// with "Dynamic require"; minified, because every byte is uploaded once to every client.
import { build } from 'esbuild';

const version = JSON.parse(await (await import('node:fs/promises')).readFile('package.json', 'utf8')).version;

await build({
  entryPoints: { agent: 'agent/main.ts', inventory: 'agent/inventory.ts' },
  outdir: 'dist/agent',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  define: { AGENT_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
