import { setMaxListeners } from 'node:events';

import { FleetError } from '../../platform/errors/errors.ts';

/**
 * Lets a command go on whose output cannot be written: the clients are visited, and mails are sent, while the disk of
 * the log is full. Returns a function that returns the first fault, FleetError `output-unwritable`; null if there is
 * none, or if the reader has closed its pipe (`| head`).
 */
export function surviveUnwritableOutput(): () => FleetError | null {
  let fault: FleetError | null = null;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return;
      const message = `what this command prints cannot be written: ${error.message}`;
      fault ??= new FleetError({ code: 'output-unwritable', stage: 'run', message, cause: error });
    });
  }
  return () => fault;
}

/** Handles SIGINT and SIGTERM: the first aborts with FleetError `interrupted`, the second ends the process at once. */
export function heedSignals(abort: AbortController): void {
  // Every visited client listens to the signal; Node would warn from the eleventh listener on.
  setMaxListeners(0, abort.signal);
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(1);
      abort.abort(new FleetError({ code: 'interrupted', stage: 'run', message: `ended by ${name}` }));
    });
  }
}

/** Resolves when all written data has left this process, or cannot leave it. */
export function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}
