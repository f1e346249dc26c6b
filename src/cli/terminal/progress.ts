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

type StartProgress = (label: string, total: number) => Progress;

/** Returns the function that shows a progress bar on stderr. Loads the bar only if the command shows progress. */
export async function progressOf(output: Pick<Output, 'json' | 'verbosity'>): Promise<StartProgress> {
  if (!showsProgress(output)) return () => noProgress;
  const { Presets, SingleBar } = await import('cli-progress');
  return (label, total) => {
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
  };
}
