/**
 * Returns a clock for one run, in milliseconds since 1970. It starts at the machine's time and continues by the
 * monotonic clock. If the machine's clock is set during a run, the run's times stay in order and its deadlines right;
 * the next run uses the new time.
 */
export function steadyClock(): () => number {
  const startedAtMs = Date.now();
  const began = performance.now();
  return () => startedAtMs + Math.round(performance.now() - began);
}
