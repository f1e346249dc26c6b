import { readFileSync } from 'node:fs';
import path from 'node:path';

import { buildSync } from 'esbuild';

const dir = path.join(import.meta.dirname, 'browser');

function bundledStyle(file: string): string {
  const built = buildSync({
    stdin: { contents: readFileSync(path.join(dir, file), 'utf8'), loader: 'css', resolveDir: dir },
    bundle: true,
    minify: true,
    write: false,
  });
  return built.outputFiles[0]?.text.trim() ?? '';
}

/** The style of the pages. The build puts the texts into the bundle in place of this file. */
export const styleText = bundledStyle('page.css');

/** The style of a server's pages: `styleText` and the rules that only these pages use. */
export const liveStyleText = bundledStyle('live.css');

/** The licence of uPlot, which every copy of the program has to contain. */
const licence = readFileSync(path.join(import.meta.dirname, '../../../node_modules/uplot/LICENSE'), 'utf8').trim();

/** The program that runs in the browser, with uPlot and its licence. */
export const scriptText =
  buildSync({
    entryPoints: [path.join(dir, 'main.ts')],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2020',
    charset: 'utf8',
    banner: { js: `/*! uPlot\n\n${licence}\n*/` },
  }).outputFiles[0]?.text.trim() ?? '';
