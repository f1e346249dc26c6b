import { FleetError } from '../../platform/errors/errors.ts';
import { counted, namedUpTo } from '../../text/numbers.ts';
import type { CollectorRun } from '../collect-options.ts';
import type { Forwarding } from './forward.ts';

/** The clients that the line about refused reports names. */
const maxNamed = 5;

export interface Forwarded {
  readonly observe: CollectorRun['observe'];
  readonly sent: Forwarding;
  readonly faults: FleetError[];
  /** null: another program carries the files. */
  readonly url: string | null;
}

/** Reports the result of forwarding. Refused clients are a fault that does not fail the run. */
export function reportForwarded({ observe, sent, faults, url }: Forwarded): void {
  const { fault, reports, left, refused } = sent;
  if (url === null) {
    const waiting = `${counted(left, 'report')} ${left === 1 ? 'waits' : 'wait'}`;
    if (left > 0) observe({ kind: 'note', message: `${waiting} to be carried to the other collector` });
    return;
  }
  if (reports > 0 || left > 0) {
    observe({ kind: 'note', message: `${counted(reports, 'report')} forwarded to ${url}, ${left} wait` });
  }
  if (fault !== null) {
    faults.push(fault);
    observe({ kind: 'fault', fault });
  } else if (refused.length > 0) observe({ kind: 'fault', fault: refusedFault(url, refused) });
}

function refusedFault(url: string, refused: readonly string[]): FleetError {
  const advice =
    'Its config.xml has to give them transport="forward" and the label of this site, and its disk has to have room: ' +
    'push-refused in the log of `fleet-health serve` there says which it is.';
  const message = `${url} refuses reports of ${namedUpTo(maxNamed, refused)}`;
  return new FleetError({ code: 'report-foreign', stage: 'run', message, advice });
}
