import { setFlagsFromString } from 'node:v8';

/** True for the V8 releases of Node 20 to 26. Others may report an unknown option on stderr, which cron would mail. */
const isKnown = ['11', '12', '13', '14'].includes(process.versions.v8.split('.', 1)[0] ?? '');

/** The growth before a collection. 30 takes 5 % less memory with 1,000 visits in flight, and 7 % more CPU time. */
const growingPercent = 50;

/**
 * Runs the work while V8 collects garbage whenever its heap has grown by half. By default V8 waits for growth by a
 * factor of up to four: 10,000 visits with 25 MB of live objects leave 150 MB of garbage. Resident memory of that run
 * is 190 MB instead of 300, of a run with 1,000 visits in flight 250 instead of 370, for 2 to 5 % more CPU time.
 * Alerting a million rows takes 156 MB instead of 196.
 *
 * Resets the option at the end. V8 accepts the program's compile cache (compile-cache.ts), which is written at the
 * exit, only with the options of its creation.
 */
export async function withBoundedHeap<T>(work: () => Promise<T>): Promise<T> {
  if (!isKnown) return work();
  setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
  try {
    return await work();
  } finally {
    setFlagsFromString('--heap-growing-percent=0');
  }
}

/**
 * Runs the work while V8's young generation stays as small as at the start, 1 MB, and the heap is bounded too. By
 * default it grows to three times 16 MB and stays so. A server after 1,000 requests has 107 MB of resident memory
 * instead of 139, and one of 10,000 clients 136 instead of 153, for up to a tenth more CPU time.
 */
export async function withSmallHeap<T>(work: () => Promise<T>): Promise<T> {
  if (!isKnown) return work();
  setFlagsFromString('--semi-space-growth-factor=1');
  try {
    return await withBoundedHeap(work);
  } finally {
    setFlagsFromString('--semi-space-growth-factor=2');
  }
}
