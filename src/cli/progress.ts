import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** One more is done, or so many. */
  step(count?: number): void;
  /** Takes the bar away. */
  end(): void;
}

/** A bar on stderr that counts clients; nothing where stderr is no terminal. */
export function startProgress(label: string, total: number): Progress {
  const bar = new SingleBar(
    {
      format: `${label} [{bar}] {value}/{total} {duration_formatted}`,
      clearOnComplete: true,
      // The terminal is left as it is: a second Ctrl-C ends the process without putting anything back.
      hideCursor: false,
      linewrap: true,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return { step: (count = 1) => bar.increment(count), end: () => bar.stop() };
}
