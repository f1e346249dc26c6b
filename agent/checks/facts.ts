import { within } from '../probes/within.ts';
import { errorCode } from '../probes/source.ts';
import { linesOfCertificates, linesOfServer } from './certificates.ts';
import type { CheckOutcome } from './run-check.ts';
import { linesOfTextfiles } from './textfiles.ts';

/**
 * Returns the result of a check that is no program: `connect HOST:PORT SERVERNAME WARNING CRITICAL`, `file GLOB ''
 * WARNING CRITICAL` or `textfile DIR STALE METRICS`. Never rejects.
 */
export async function readFacts(command: readonly string[], timeoutMs: number): Promise<CheckOutcome> {
  const [kind, target = '', more = '', warning, critical] = command;
  const outcome = (exit: number | null, output: string): CheckOutcome => {
    return { exit, why: exit === null ? 'timeout' : null, output: Buffer.from(output), hanging: null };
  };
  const limits = kind === 'textfile' ? [`stale=${more}`] : [`warning=${warning}`, `critical=${critical}`];
  try {
    const reading =
      kind === 'textfile'
        ? linesOfTextfiles(target, warning)
        : kind === 'file'
          ? linesOfCertificates(target)
          : linesOfServer(target, more, timeoutMs);
    const lines = await within(reading, timeoutMs);
    return lines === null ? outcome(null, '') : outcome(0, [...limits, ...lines].join('\n'));
  } catch (error) {
    return outcome(3, `cannot read ${target}: ${errorCode(error)}`);
  }
}
