import { Presets, SingleBar } from 'cli-progress';

import { showsUtf8 } from './output.ts';

export interface Progress {
  /** Counts one more. */
  step(): void;
  /** Shows that so many are done, the total at most. */
  to(count: number): void;
  /** Removes the bar. */
  end(): void;
}

/** Shows a progress bar on stderr, or nothing if stderr is no terminal that moves its cursor. */
export function startProgress(label: string, total: number): Progress {
  if (process.env['TERM'] === 'dumb') return { step: () => undefined, to: () => undefined, end: () => undefined };
  const bar = new SingleBar(
    {
      format: `${label} [{bar}] {value}/{total} {duration_formatted}`,
      clearOnComplete: true,
      // The terminal is left as it is: a second Ctrl-C ends the process without putting anything back.
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
