import module from 'node:module';
import path from 'node:path';

import { findConfig } from '../config/find-config.ts';
import { usedStateFolder } from '../config/xml/last-good.ts';
import { makeOwnFolder } from '../state-folder/durable-file.ts';
import { statePaths } from '../state-folder/paths.ts';

/** The part of node:module since Node 22.1, which the declarations of Node 20 lack. */
interface CompileCache {
  readonly enableCompileCache?: (folder: string) => unknown;
}

/**
 * Makes Node keep V8's compiled form of the program, which saves a fifth of an `alert` with nothing to do. Keeps the
 * form in the state folder alone: Node's default is a guessable folder in /tmp, where somebody else could leave code
 * for this user to run.
 */
export function useCompileCache(args: readonly string[]): void {
  const stateDir = usedStateFolder(path.resolve(findConfig(configOf(args))));
  if (stateDir === null) return;
  const { compiled } = statePaths(stateDir);
  // Node makes a folder inside, which only the umask protects from others.
  const given = process.umask(0o077);
  try {
    makeOwnFolder(compiled);
    (module as CompileCache).enableCompileCache?.(compiled);
  } catch {
    // The disk is full or read-only: every start compiles the program.
  }
  process.umask(given);
}

/** Returns the value of `-c`; undefined if there is none. */
function configOf(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => /^(?:-c|--config)/.test(arg));
  const [, value] = /^(?:-c|--config=)(.+)$/s.exec(args[at] ?? '') ?? [];
  return at === -1 ? undefined : (value ?? args[at + 1]);
}
