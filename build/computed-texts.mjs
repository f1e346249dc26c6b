// Puts texts that files of src compute from other files into bundles, in place of these files: the shortened scripts for
// clients, and the style and the program of the pages. Needs tsx, which loads those files.
import { pathToFileURL } from 'node:url';

export const computedTexts = {
  name: 'computed-texts',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/src\/(?:report\/client-scripts|page\/assets)\.ts$/ }, async ({ path: file }) => ({
      contents: Object.entries(await import(pathToFileURL(file).href))
        .map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};`)
        .join('\n'),
    }));
  },
};
