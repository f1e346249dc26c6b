import { Presets, SingleBar } from 'cli-progress';

import { showsUtf8 } from './output.ts';

export interface Progress {
  /** One more is done, or so many. */
  step(count?: number): void;
  /** Takes the bar away. */
  end(): void;
}

/** Shows a bar on stderr that counts clients; nothing where stderr is no terminal that moves its cursor. */
export function startProgress(label: string, total: number): Progress {
  if (process.env['TERM'] === 'dumb') return { step: () => undefined, end: () => undefined };
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
  return { step: (count = 1) => bar.increment(count), end: () => bar.stop() };
}
