import { type Answer, words } from '../answer.ts';

/** An answer that refuses a push, and the reason, which stands in the log alone. */
export interface Refusal {
  readonly answer: Answer;
  readonly reason: string;
}

const closing = { Connection: 'close', 'Cache-Control': 'no-store' } as const;
const later = { ...closing, 'Retry-After': '60' } as const;

/** Returns the same answer for an unknown client, a wrong MAC and a damaged body. */
export function strange(reason: string): Refusal {
  return { answer: words(401, 'This is no push of a client that is enrolled here.\n', closing), reason };
}

/** Refuses a push that can never be taken. */
export function refuse(status: number, reason: string): Refusal {
  return { answer: words(status, `${reason}.\n`, closing), reason };
}

/** Refuses a push that may be taken later. */
export function refuseNow(status: 429 | 503, reason: string): Refusal {
  return { answer: words(status, `${reason}.\n`, later), reason };
}
