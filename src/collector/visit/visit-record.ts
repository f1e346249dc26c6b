import type { Client } from '../../config/config.ts';
import { errorTable, type FleetError } from '../../errors.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { decidingCode, nextAttemptAtMs } from './backoff.ts';
import type { VisitContext } from './context.ts';
import type { Progress } from './visit-progress.ts';

export interface VisitRecordOptions {
  readonly context: Pick<VisitContext, 'runId' | 'facts' | 'config'>;
  readonly client: Client;
  readonly progress: Readonly<Progress>;
  readonly fault: FleetError | null;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** Returns the row of a visit that is over. */
export function recordOf(options: VisitRecordOptions): VisitRecord {
  const { context, client, progress, fault, startedAtMs, durationMs } = options;
  const { result, wish, sealedTo } = progress;
  // A successful visit may have a message, too.
  const note = wish === null ? null : `it has no Node.js of its own, and ${wish.words}`;
  const isDrained = fault === null && result?.end?.left === 0 && sealedTo.size > 0;
  const facts = context.facts?.get(client.name);
  const { everyMs } = context.config;
  return {
    runId: context.runId,
    client: client.name,
    address: client.address,
    startedAtMs,
    durationMs,
    ok: fault === null,
    stage: fault?.stage ?? null,
    code: fault?.code ?? null,
    message: fault?.message ?? note,
    connectMs: progress.connectMs,
    bytesIn: progress.bytesIn,
    bytesOut: progress.bytesOut,
    uploaded: progress.uploaded,
    reader: result?.reader ?? null,
    bootId: result?.hello?.boot_id ?? null,
    // No report waits on a drained client. Later ones are sealed to these keys.
    sealedTo: isDrained ? [...sealedTo] : null,
    nextAttemptAtMs: nextAttemptAtMs({ code: decidingCode(fault), facts, startedAtMs, everyMs }),
    ...(fault === null || fault.advice === errorTable[fault.code].advice ? {} : { advice: fault.advice }),
  };
}
