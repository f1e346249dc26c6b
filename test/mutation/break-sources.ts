import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Break } from './find-breaks.ts';

/** The environment variable with the id of the break that is in force. */
export const breakVariable = 'FLEET_HEALTH_BREAK';

/** The environment variable with the file to which processes add the ids of the breaks that they came by. */
export const reachedVariable = 'FLEET_HEALTH_BREAKS_REACHED';

/**
 * Added to each source with breaks. It is a declaration, so that it is there before the first line of a module runs.
 */
const isBroken = `
function __isBroken(id) {
  const state = (globalThis.__breaks ??= { id: Number(process.env.${breakVariable} ?? -1), reached: new Set() });
  if (process.env.${reachedVariable} && !state.reached.has(id)) {
    state.reached.add(id);
    process.getBuiltinModule('node:fs').appendFileSync(process.env.${reachedVariable}, id + '\\n');
  }
  return state.id === id;
}
`;

/**
 * Writes all breaks into the sources of a copy of the project, each behind a question whether it is in force: so all
 * are built once, and not once each.
 */
export function breakSources(copy: string, breaks: readonly Break[]): void {
  for (const file of new Set(breaks.map((one) => one.file))) {
    const here = breaks.filter((one) => one.file === file).sort((a, b) => b.start - a.start);
    let text = readFileSync(path.join(copy, file), 'utf8');
    for (const one of here) text = text.slice(0, one.start) + conditional(one) + text.slice(one.end);
    // A file keeps its first comment, which tests of the tree read.
    const unchecked = text.replace(/^(?:\/\*\*[\s\S]*?\*\/\n)?/, '$&// @ts-nocheck\n');
    writeFileSync(path.join(copy, file), unchecked + isBroken);
  }
}

function conditional({ id, kind, before, after }: Break): string {
  if (kind === 'statement') return `{ if (!__isBroken(${id})) { ${before} } }`;
  if (kind === 'entry')
    return `...(__isBroken(${id}) ? ${after} : ${after === '[]' ? `[${before}]` : `{ ${before} }`})`;
  return `(__isBroken(${id}) ? ${after} : ${before})`;
}
