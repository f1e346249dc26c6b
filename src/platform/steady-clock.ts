/**
 * A clock for one run: it is set by the machine's clock once, and goes on by the monotonic one. Milliseconds since 1970. When
 * the machine's clock leaps in the middle of a run, its times go on to be in order and its deadlines to be right; the next
 * run goes by the new time.
 */
export function steadyClock(): () => number {
  const startedAtMs = Date.now();
  const began = performance.now();
  return () => startedAtMs + Math.round(performance.now() - began);
}
