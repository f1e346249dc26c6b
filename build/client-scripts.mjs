// Puts the shortened scripts for clients into bundles, in place of the file that reads them. Needs tsx, which
// loads that file.
import * as scripts from '../src/report/client-scripts.ts';

export const clientScripts = {
  name: 'client-scripts',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/src\/report\/client-scripts\.ts$/ }, () => ({
      contents: Object.entries(scripts)
        .map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};`)
        .join('\n'),
    }));
  },
};
