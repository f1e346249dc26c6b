import { readFileSync } from 'node:fs';
import path from 'node:path';

import { packageDir } from '../../src/state-folder/paths.ts';

/** Returns the files that "Three walks" in docs/internals.md lists, by the heading. */
export function documentedWalks(): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync(path.join(packageDir, 'docs', 'internals.md'), 'utf8');
  const [, walks = ''] = text.split('\n## Three walks\n');
  const [part = ''] = walks.split(/^## /m);
  const sections = part.split(/^### /m).slice(1);
  return new Map(
    sections.map((section) => {
      const files = [...section.matchAll(/^\d+\. `([\w/-]+)`/gm)].map(([, file = '']) => file);
      return [section.slice(0, section.indexOf('\n')), files];
    }),
  );
}
