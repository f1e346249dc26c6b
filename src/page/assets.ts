import { readFileSync } from 'node:fs';
import path from 'node:path';

import { buildSync } from 'esbuild';

const dir = path.join(import.meta.dirname, 'browser');

/** The style of the pages. The build puts both texts into the bundle in place of this file. */
export const styleText =
  buildSync({
    stdin: { contents: readFileSync(path.join(dir, 'page.css'), 'utf8'), loader: 'css', resolveDir: dir },
    bundle: true,
    minify: true,
    write: false,
  }).outputFiles[0]?.text.trim() ?? '';

/** The program that runs in the browser, with uPlot. */
export const scriptText =
  buildSync({
    entryPoints: [path.join(dir, 'main.ts')],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2020',
    charset: 'utf8',
  }).outputFiles[0]?.text.trim() ?? '';
