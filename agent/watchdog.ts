import { Worker } from 'node:worker_threads';

/**
 * Kills this process after so many milliseconds, whatever it is doing: a timer of its own would not fire while it is
 * busy or waits for the kernel. Costs a thread, so only where the client has no `timeout`.
 */
export function startWatchdog(afterMs: number): void {
  const source = `setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${afterMs})`;
  new Worker(source, { eval: true }).unref();
}
