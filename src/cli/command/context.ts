import type { Output } from '../terminal/output.ts';

/** 0 all well; 1 done, but something failed; 2 usage or configuration; 3 could not be done. */
export type ExitStatus = 0 | 1 | 2 | 3;

/** What cli.ts hands to every command. */
export interface Context {
  readonly output: Output;
  /** What -c named; null: look in the usual places. */
  readonly configFile: string | null;
  /** Aborted by the first SIGINT or SIGTERM; the second ends the process. */
  readonly signal: AbortSignal;
}
