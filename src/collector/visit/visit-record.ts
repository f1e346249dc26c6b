import type { Client } from '../../config/config.ts';
import { errorTable, type FleetError } from '../../errors.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { AgentResult } from '../agent/agent-session.ts';
import { decidingCode, nextAttemptAtMs } from './backoff.ts';
import type { RuntimeWish } from '../runtimes/runtime-supply.ts';
import type { VisitContext } from './context.ts';

export interface VisitRecordOptions {
  readonly context: Pick<VisitContext, 'runId' | 'facts' | 'config'>;
  readonly client: Client;
  readonly found: {
    readonly connectMs: number | null;
    readonly bytesIn: number;
    readonly bytesOut: number;
    readonly result: AgentResult | null;
    readonly wish: RuntimeWish | null;
    readonly uploaded: boolean;
    readonly sealedTo: ReadonlySet<string>;
  };
  readonly fault: FleetError | null;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** The row of a visit that is over. */
export function recordOf({ context, client, found, fault, startedAtMs, durationMs }: VisitRecordOptions): VisitRecord {
  const facts = context.facts?.get(client.name);
  const { everyMs } = context.config;
  // A visit that went well may have something to say, too.
  const note = found.wish === null ? null : `it has no Node.js of its own, and ${found.wish.words}`;
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
    connectMs: found.connectMs,
    bytesIn: found.bytesIn,
    bytesOut: found.bytesOut,
    uploaded: found.uploaded,
    reader: found.result?.reader ?? null,
    bootId: found.result?.hello?.boot_id ?? null,
    sealedTo: isDrained(fault, found) ? [...found.sealedTo] : null,
    nextAttemptAtMs: nextAttemptAtMs({ code: decidingCode(fault), facts, startedAtMs, everyMs }),
    ...(fault === null || fault.advice === errorTable[fault.code].advice ? {} : { advice: fault.advice }),
  };
}

/** Nothing waits on the client any more but what is sealed to these keys from now on. */
function isDrained(fault: FleetError | null, { result, sealedTo }: VisitRecordOptions['found']): boolean {
  return fault === null && result?.end?.left === 0 && sealedTo.size > 0;
}
