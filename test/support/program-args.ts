import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../..');
const compiled = path.join(root, 'dist', 'test');

/** Whether this test was made JavaScript by test/compile.mjs, after a build of the programs. */
export const isCompiledTest = path.resolve(process.argv[1] ?? '').startsWith(`${compiled}${path.sep}`);

/**
 * What `node` is given to start a TypeScript program of the tests: its compiled form beside a compiled test, because tsx
 * takes a second of CPU to translate what such a program imports; else the program through tsx.
 */
export function programArgs(file: string): readonly string[] {
  const made = path.join(compiled, path.relative(root, file).replace(/\.ts$/, '.mjs'));
  return isCompiledTest && existsSync(made) ? [made] : ['--import', 'tsx', file];
}
