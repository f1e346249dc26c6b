import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../../..');
/** The folder for the output of test/compile.mjs. */
export const compiledTests = path.join(root, 'dist', 'test');

/** True if test/compile.mjs compiled this test, which it does after a build of the programs. */
export const isCompiledTest = path.resolve(process.argv[1] ?? '').startsWith(`${compiledTests}${path.sep}`);

/**
 * Returns the arguments with which `node` starts a TypeScript program of the tests: its compiled form beside a compiled
 * test, else the program through tsx, which takes a second of CPU to translate the program's imports.
 */
export function programArgs(file: string): readonly string[] {
  const made = path.join(compiledTests, path.relative(root, file).replace(/\.ts$/, '.mjs'));
  return isCompiledTest && existsSync(made) ? [made] : ['--import', 'tsx', file];
}
