import { readFileSync } from 'node:fs';
import path from 'node:path';

import { packageDir } from '../../../src/state-folder/paths.ts';

export interface Question {
  readonly title: string;
  readonly sql: string;
}

/** The text of docs/sql.md. */
export const sqlDocument = readFileSync(path.join(packageDir, 'docs', 'sql.md'), 'utf8');

/** Returns the queries of docs/sql.md for a database, with those for both databases. */
export function questionsOf(kind: string): readonly Question[] {
  const blocks = sqlDocument.matchAll(/^```sql(?: (sqlite|mysql))?\n([\s\S]*?)^```/gm);
  return [...blocks].flatMap((block) => {
    const [, only, sql = ''] = block;
    if (only !== undefined && only !== kind) return [];
    const title =
      sqlDocument
        .slice(0, block.index)
        .match(/^##+ .*$/gm)
        ?.at(-1) ?? '';
    return [{ title: title.replace(/^#+ /, ''), sql: sql.trim().replace(/;$/, '') }];
  });
}
