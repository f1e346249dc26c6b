import { createLog, type Log } from '../../log.ts';
import type { Output } from './output.ts';

/** A log whose lines go where the command's output goes: events to stdout, problems to stderr. */
export function createOutputLog(output: Output, now: () => number): Log {
  return createLog({
    level: output.verbosity,
    out: (line) => output.print(line.trimEnd()),
    err: (line) => output.complain(line.trimEnd()),
    now,
  });
}
