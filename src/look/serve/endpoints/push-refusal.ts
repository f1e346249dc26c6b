import { FleetError } from '../../../platform/errors/errors.ts';
import { encodeAnswerHeader, encodeTime } from '../../../report/seal/push.ts';
import { type Answer, words } from '../answer.ts';

/** An answer that refuses a push, and the reason, which only the log contains. */
export interface Refusal {
  readonly answer: Answer;
  readonly reason: string;
}

const closing = { Connection: 'close', 'Cache-Control': 'no-store' } as const;
const later = { ...closing, 'Retry-After': '60' } as const;

/** Returns the common refusal of an unknown client, a wrong MAC and a damaged body. */
export function strange(reason: string): Refusal {
  return { answer: words(401, 'This is no push of a client that is enrolled here.\n', closing), reason };
}

/** Returns a permanent refusal of a push. */
export function refuse(status: number, reason: string): Refusal {
  return { answer: words(status, `${reason}.\n`, closing), reason };
}

/** Returns the refusal of a push that may be a recording. Its sender tries again with a later time than `newest`. */
export function refuseOld(newest: number, time: number, macOf: (body: Buffer) => string): Refusal {
  const body = encodeTime(newest);
  const reason =
    time > newest
      ? `its time ${time} is more than a day ahead of this machine: the clock of one of them is wrong`
      : `its time is not newer than ${newest}, that of its last push: a recording, or a clock that was set back`;
  return {
    answer: words(409, body.toString(), { ...closing, 'Fleet-Health': encodeAnswerHeader(macOf(body)) }),
    reason,
  };
}

/**
 * Returns the temporary refusal of a push or file that cannot be kept here: 507 beyond a bound of what waits, 503
 * if it cannot be written. Only the log has the path of the state folder. Throws `thrown` if it is no FleetError.
 */
export function refuseUnkept(thrown: unknown): Refusal {
  if (!(thrown instanceof FleetError)) throw thrown;
  if (thrown.code === 'spool-full' && thrown.cause === undefined) return refuseFull(thrown);
  return { ...refuseNow(503, 'Nothing can be kept here now'), reason: thrown.message };
}

/** Returns the refusal of a push or file for which there is no room here now. */
export function refuseFull(fault: FleetError): Refusal {
  return { ...refuse(507, 'There is no room for this now'), reason: fault.message };
}

/** Returns a temporary refusal of a push. */
export function refuseNow(status: 429 | 503, reason: string): Refusal {
  return { answer: words(status, `${reason}.\n`, later), reason };
}
