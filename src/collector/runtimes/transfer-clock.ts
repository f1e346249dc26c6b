/** One clock for work that goes through steps, each with a time of its own. */
export interface TransferClock {
  /** Rejects when a step took too long, or with the signal's reason. */
  readonly over: Promise<never>;
  /** A step begins, which may take so long; `soFar` is what has been done when it does not end. */
  readonly give: (ms: number, soFar: string) => void;
  readonly end: () => void;
}

/** `late` makes the error of a step that took too long. */
export function startClock(signal: AbortSignal, late: (soFar: string) => Error): TransferClock {
  let timer: NodeJS.Timeout | undefined;
  let refuse: (reason: unknown) => void = () => undefined;
  const over = new Promise<never>((_resolve, reject) => (refuse = reject));
  over.catch(() => undefined);
  const onAbort = (): void => refuse(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return {
    over,
    give: (ms, soFar) => {
      clearTimeout(timer);
      timer = setTimeout(() => refuse(late(soFar)), ms);
    },
    end: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}
