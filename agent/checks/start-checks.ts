import { existsSync } from 'node:fs';

import { checkFolders, nvidiaSmi } from './check-places.ts';
import type { ChecksOptions, ChecksPart } from './run-checks.ts';

/**
 * Runs the checks of this client. Returns null if there are none. Finding that out costs a look for two folders and
 * nvidia-smi.
 */
export function startChecks(options: ChecksOptions): Promise<ChecksPart> | null {
  const folders = checkFolders(process.env, options.root);
  const smi = (options.root ?? '') + nvidiaSmi;
  if (folders.length === 0 && options.requested.length === 0 && !existsSync(smi)) return null;
  return findAndRun(options, folders, smi);
}

/** Loads the code that finds and runs checks: a fifth of the agent, which most clients never need. */
async function findAndRun(options: ChecksOptions, folders: readonly string[], smi: string): Promise<ChecksPart> {
  const { runChecks } = await import('./run-checks.ts');
  return runChecks(options, folders, smi);
}
