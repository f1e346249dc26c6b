// Puts texts that files of src compute from other files into bundles, in place of these files: the shortened scripts
// and the awk program for clients, and the style and the program of the pages. Needs tsx, which loads those files.
import { pathToFileURL } from 'node:url';

import { shortenAwk } from './shorten-awk.mjs';

const files = /\/src\/(?:report\/(?:client-scripts|log-program)|page\/assets)\.ts$/;

const textOf = (name, text) => JSON.stringify(name === 'logProgram' ? shortenAwk(text) : text);

export const computedTexts = {
  name: 'computed-texts',
  setup: ({ onLoad }) => {
    onLoad({ filter: files }, async ({ path: file }) => ({
      contents: Object.entries(await import(pathToFileURL(file).href))
        .map(([name, text]) => `export const ${name} = ${textOf(name, text)};`)
        .join('\n'),
    }));
  },
};
