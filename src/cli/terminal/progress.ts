import { Presets, SingleBar } from 'cli-progress';

import { type Output, showsUtf8 } from './output.ts';

export interface Progress {
  /** Adds one to the count. */
  step(): void;
  /** Sets the count, to the total at most. */
  to(count: number): void;
  /** Removes the bar. */
  end(): void;
}

/** The progress of a command that shows none. */
export const noProgress: Progress = { step: () => undefined, to: () => undefined, end: () => undefined };

/** True if a command shows progress: not with --json, if quiet, or if stderr is no terminal that moves its cursor. */
export function showsProgress({ json, verbosity }: Pick<Output, 'json' | 'verbosity'>): boolean {
  return !json && verbosity !== 'quiet' && process.stderr.isTTY && process.env['TERM'] !== 'dumb';
}

/** Shows a progress bar on stderr if the command shows progress. */
export function startProgress(output: Pick<Output, 'json' | 'verbosity'>, label: string, total: number): Progress {
  if (!showsProgress(output)) return noProgress;
  const bar = new SingleBar(
    {
      format: `${label} [{bar}] {value}/{total} {duration_formatted}`,
      clearOnComplete: true,
      // The cursor stays visible: a second Ctrl-C ends the process without restoring the terminal.
      hideCursor: false,
      linewrap: true,
    },
    showsUtf8() ? Presets.shades_classic : Presets.legacy,
  );
  bar.start(total, 0);
  return {
    step: () => bar.increment(),
    to: (count) => bar.update(Math.min(count, total)),
    end: () => bar.stop(),
  };
}
