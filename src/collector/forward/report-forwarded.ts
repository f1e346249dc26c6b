import { FleetError } from '../../errors.ts';
import { isLineDue } from '../../notify/hourly-line.ts';
import { counted, namedUpTo } from '../../text/numbers.ts';
import type { PassOptions } from '../collect-options.ts';
import type { Forwarding } from './forward.ts';
import type { SiteFacts } from './site-facts.ts';

/** The clients that the line about refused reports names. */
const mostNamed = 5;

export interface Forwarded {
  readonly pass: PassOptions;
  readonly facts: SiteFacts;
  readonly sent: Forwarding;
  readonly faults: FleetError[];
  readonly url: string;
}

/**
 * Reports the result of forwarding. A broken link is a fault once an hour, because cron mails every line. Refused
 * clients are a fault once an hour too, but do not fail the run.
 */
export function reportForwarded({ pass, facts, sent, faults, url }: Forwarded): void {
  const { observe, start } = pass;
  const { fault, reports, left, refused } = sent;
  const { failures, loggedAtMs, refused: before, slow = [], refusedLoggedAtMs = null } = facts.link();
  const isRefusalDue = isLineDue({ loggedAtMs: refusedLoggedAtMs }, start.startedAtMs);
  const note = (message: string): void => observe({ kind: 'note', message });
  if (reports > 0 || left > 0) note(`${counted(reports, 'report')} forwarded to ${url}, ${left} wait`);
  if (refused.length > 0 && fault === null) {
    const message = `${url} refuses reports of ${namedUpTo(mostNamed, refused)}`;
    if (isRefusalDue) observe({ kind: 'fault', fault: refusedFault(message) });
    else note(`still: ${message}`);
  }
  if (fault === null) {
    const lineAtMs = refused.length === 0 ? null : isRefusalDue ? start.startedAtMs : refusedLoggedAtMs;
    facts.setLink({ failures: 0, loggedAtMs: null, refused, refusedLoggedAtMs: lineAtMs });
    return;
  }
  faults.push(fault);
  const isDue = isLineDue({ loggedAtMs }, start.startedAtMs);
  // The speed of a link that returns refusals has not changed.
  const isWell = sent.isRefused;
  const later = { failures: isWell ? failures : failures + 1, loggedAtMs: isDue ? start.startedAtMs : loggedAtMs };
  facts.setLink({
    ...later,
    refusedLoggedAtMs,
    refused: [...new Set([...refused, ...(isWell ? [] : (before ?? []))])],
    slow: [...new Set([...slow, ...(sent.slow === null ? [] : [sent.slow])])],
  });
  if (isDue) observe({ kind: 'fault', fault });
  else note(`still: ${fault.message} (${fault.code})`);
}

function refusedFault(message: string): FleetError {
  const advice =
    'Its config.xml has to give them transport="forward" and the label of this site, and the file of <forward key> ' +
    'has to be of its newest keys: push-refused in the log of `fleet-health serve` there says which it is.';
  return new FleetError({ code: 'push-failed', stage: 'run', message, advice });
}
