/**
 * Kills this process after so many milliseconds, whatever it is doing: a timer of its own would not fire while it is
 * busy or waits for the kernel. Costs a thread, so only where the client has no `timeout`.
 */
export async function startWatchdog(afterMs: number): Promise<void> {
  // Loaded here, because most clients never need it and loading it costs a tenth of a start of node.
  const { Worker } = await import('node:worker_threads');
  const source = `setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${afterMs})`;
  new Worker(source, { eval: true }).unref();
}
