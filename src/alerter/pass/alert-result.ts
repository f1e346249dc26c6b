import { processUse } from '../../platform/process-use.ts';
import type { AlertResult } from '../alert-options.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';

/** Returns the result of a pass that has done nothing. */
export function emptyResult(start: RunStart, outcome: AlertResult['outcome'], finishedAtMs: number): AlertResult {
  return {
    runId: start.id,
    outcome,
    exitStatus: 0,
    holder: null,
    startedAtMs: start.startedAtMs,
    finishedAtMs,
    reports: 0,
    visits: 0,
    composed: 0,
    sent: 0,
    putOff: 0,
    refused: 0,
    heldBack: [],
    more: false,
  };
}

/** Returns the row of `runs`. Its counts of clients are counts of mails here. */
export function runEndOf({ runId, outcome, finishedAtMs, composed, sent, putOff, refused }: AlertResult): RunEnd {
  return {
    id: runId,
    outcome,
    finishedAtMs,
    clients: composed,
    succeeded: sent,
    failed: refused,
    skipped: putOff,
    ...processUse(),
  };
}
