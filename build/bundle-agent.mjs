// Bundles the programs that run on clients, two for node and one for sh. CommonJS, because an ESM bundle of systeminformation fails at its start
// with "Dynamic require"; minified, because every byte is uploaded once to every client.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { shellAgent } from './bundle-shell-agent.mjs';

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
  // A vm.Script, which the agent is, cannot import: what is loaded on demand is loaded by require.
  supported: { 'dynamic-import': false },
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

// Compiling takes the program that runs at every visit a seventh of its time, so it keeps what V8 made of it in a file
// beside its own (agent/start/compiled.ts). A file that is not what was written, by its digest, is not given to V8. Each of its
// parts asks for node:fs again, 26 times in all: `require` would take 0.1 ms for that, so it is asked once a module.
const startCompiled = (code) =>
  `${refuseOldNode}(function(f,c,v,n,d,s,b){
if(n)try{d=f.readFileSync(n);d=c.createHash("sha256").update(d.subarray(32)).digest().equals(d.subarray(0,32))?d.subarray(32):void 0}catch(e){d=void 0}
s=new v.Script(${JSON.stringify(code)},{filename:"agent.cjs",cachedData:d});
if(n&&(!d||s.cachedDataRejected))globalThis.fleetHealthCompiled={file:n,code:function(){return s.createCachedData()}};
b={"node:fs":f,"node:crypto":c};
s.runInThisContext()(function(m){return b[m]||(b[m]=require(m))},module,exports)
})(require("fs"),require("crypto"),require("vm"),typeof __filename=="string"&&/\\.[tw]\\.cjs$/.test(__filename)?__filename.slice(0,-3)+"cache":"");
`.replaceAll('\n', '');

// Compiled after the check of the version, so it may be written as the oldest node that passes it can read it.
const { outputFiles } = await build({
  ...options,
  entryPoints: ['agent/main.ts'],
  target: 'node18',
  write: false,
});
mkdirSync(outdir, { recursive: true });
writeFileSync(
  path.join(outdir, 'agent.cjs'),
  startCompiled(`(function(require,module,exports){${outputFiles[0].text}})`),
);
writeFileSync(path.join(outdir, 'agent.sh'), shellAgent(version));
