// Puts texts that files of src compute from other files into bundles, in place of these files: the shortened scripts
// and the awk program for clients, and the style and the program of the pages. Needs tsx, which loads the files of src.
import { pathToFileURL } from 'node:url';

import { shortenAwk } from './shorten-awk.mjs';

const files = /\/src\/(?:report\/(?:client-scripts|log-program)|look\/page\/assets)\.ts$/;

const textOf = (name, text) => JSON.stringify(name === 'logProgram' ? shortenAwk(text) : text);

const contentsOf = async (file) =>
  Object.entries(await import(pathToFileURL(file).href))
    .map(([key, text]) => `export const ${key} = ${textOf(key, text)};`)
    .join('\n');

/** The plugin for rolldown. */
export const computedTexts = {
  name: 'computed-texts',
  load: { filter: { id: files }, handler: async (file) => ({ code: await contentsOf(file), moduleType: 'js' }) },
};
