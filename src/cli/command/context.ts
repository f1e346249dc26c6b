import type { Output } from '../terminal/output.ts';

/** 0: all is well. 1: done, but something failed. 2: wrong usage or configuration. 3: could not be done. */
export type ExitStatus = 0 | 1 | 2 | 3;

/** The surroundings of a command: its output, its configuration, and the signal that ends it. */
export interface Context {
  readonly output: Output;
  /** The file that -c names; null: look in the usual places. */
  readonly configFile: string | null;
  /** Aborted by the first SIGINT or SIGTERM; the second ends the process. */
  readonly signal: AbortSignal;
}
