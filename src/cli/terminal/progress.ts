import { Presets, SingleBar } from 'cli-progress';

import { showsUtf8 } from './output.ts';

export interface Progress {
  /** Adds one to the count. */
  step(): void;
  /** Sets the count, to the total at most. */
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
