// Bundles the programs that run on clients, two for node and one for sh. They are CommonJS, because an ESM bundle of
// systeminformation fails at its start with "Dynamic require". They are minified, because every byte is uploaded once
// to every client; rolldown makes them 5 % smaller than esbuild does.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { rolldown } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';

import { asciiOf } from './ascii.mjs';
import { captureAgent } from './bundle-capture.mjs';
import { computedTexts } from './computed-texts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

// The check runs before the rest, in syntax that such a node can still parse: `oldestNode` of
// src/transport/loader/loader.ts.
const refuseOldNode =
  '"use strict";(function(v){if(v[0]<18||v[0]==18&&v[1]<15){console.error("node "+process.version+" is too old: "+' +
  'process.execPath);process.exit(86)}})(process.versions.node.split("."));';

const define = { AGENT_VERSION: JSON.stringify(version) };
const outdir = path.resolve(root, process.argv[2] ?? 'dist/agent');

// Modules of Node that are loaded on demand need none of the helpers that rolldown adds for `import()` of CommonJS.
const plainRequire = (code) => code.replace(/await import\(('node:[^']+')\)/g, 'require($1)');

// The script for clients without Node is made of what probes name in `reads`; programs for Node do without.
function withoutReads(code) {
  const probes = parseAst(code, { lang: 'ts' }).body.flatMap((node) => node.declaration?.declarations ?? []);
  const reads = probes
    .flatMap(({ init }) => (init?.type === 'ObjectExpression' ? init.properties : []))
    .find(({ key }) => key?.name === 'reads');
  return reads === undefined ? code : code.slice(0, reads.start) + code.slice(reads.end).replace(/^\s*,/, '');
}

// agent.cjs is one part: what its parts would export to each other, and their quotes in quotes, are longer on the wire
// than V8 takes to skip the functions that a visit does not need.
function inOnePart(code) {
  const imports = [];
  const rest = code.replace(/^ *const (\{ \w+ \}) = await import\(('\.[^']+')\);$/gm, (_, names, file) => {
    imports.push(`import ${names} from ${file};`);
    return '';
  });
  return imports.join('') + rest;
}

// Calls functions of Node as those of their modules, which need no `this`: `(0,t.openSync)(` is `t.openSync(`.
const plainCalls = (code) =>
  code
    .replace(/\b(return|await|of|in|case|throw|else|typeof)\(0,(\w+\.\w+)\)\(/g, '$1 $2(')
    .replace(/(^|[^\w$)\]])\(0,(\w+\.\w+)\)\(/g, '$1$2(');

/** Bundles a program in parts: `./main`, and each module that it still imports on demand after `rewrite`. */
async function partsOf(input, rewrite) {
  const bundle = await rolldown({
    cwd: root,
    input: { main: input },
    platform: 'node',
    treeshake: { propertyReadSideEffects: false, unknownGlobalSideEffects: false },
    optimization: { inlineConst: { mode: 'all' } },
    transform: { target: 'node18', define },
    plugins: [
      computedTexts,
      {
        name: 'rewritten',
        transform: {
          filter: { id: /\.ts$/ },
          handler: (code, id) => {
            const own = id.includes('/agent/probes/') ? withoutReads(code) : code;
            return { code: plainRequire(rewrite(own)), moduleType: 'ts' };
          },
        },
      },
    ],
  });
  const { output } = await bundle.generate({
    format: 'cjs',
    esModule: false,
    // Code made by Function cannot import, so `require` loads the modules that are loaded on demand.
    dynamicImportInCjs: false,
    entryFileNames: '[name]',
    chunkFileNames: '[name]',
    comments: false,
    generatedCode: { symbols: false },
    minify: true,
  });
  await bundle.close();
  return output;
}

// The program is a string, so that a node that cannot parse its syntax can still run the check of the version. Each
// part of it is a string of its own, which V8 parses only if the module is needed.
const quoted = (code) => `'${asciiOf(plainCalls(code)).replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`;
const loadPart =
  'function load(name){if(!parts[name])return require(name);' +
  'if(!done[name])Function("require","exports",parts[name])(load,done[name]={});return done[name]}';
mkdirSync(outdir, { recursive: true });
for (const [file, output] of [
  ['agent.cjs', await partsOf('agent/main.ts', inOnePart)],
  ['inventory.cjs', await partsOf('agent/inventory.ts', (code) => code)],
]) {
  const [{ code }, ...others] = output;
  const parts = output.map((part) => `"./${part.fileName}":${quoted(part.code)}`);
  const start =
    others.length === 0
      ? `Function("require",${quoted(code)})(require);`
      : `var parts={${parts.join()}},done={};${loadPart}load('./main');`;
  writeFileSync(path.join(outdir, file), `${refuseOldNode}${start}\n`);
}
writeFileSync(path.join(outdir, 'agent.sh'), captureAgent(version));
