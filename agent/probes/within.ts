/** Returns the result; null if it takes too long. Drops a later result. */
export function within<T>(running: Promise<T>, allowedMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, allowedMs, null)));
  return Promise.race([running, late]).finally(() => clearTimeout(timer));
}
