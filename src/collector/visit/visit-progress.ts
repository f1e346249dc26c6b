import type { Client } from '../../config/config.ts';
import { errorTable, type FleetError, type Stage } from '../../platform/errors/errors.ts';
import type { RunStart } from '../../storage/store/run.ts';
import type { StateAttempt } from '../../storage/store/run.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { Connection, Dialled, PolledConnection } from '../../transport/transport.ts';
import type { AgentResult } from '../agent/agent-stream.ts';
import { decidingCode, nextAttemptAtMs } from './login-backoff.ts';
import type { VisitContext } from './context.ts';

/** The findings of a visit so far, which remain if the visit is cut off. */
export class VisitProgress {
  stage: Stage = 'connect';
  connection: Connection | PolledConnection | null = null;
  connectMs: number | null = null;
  /** The IP address that was dialled last; null if it is not known. */
  dialled: Dialled | null = null;
  bytesIn = 0;
  bytesOut = 0;
  result: AgentResult | null = null;
  uploaded = false;
  /** True once the agent has sent its last frame. Later faults do not fail the visit. */
  delivered = false;
  /** The attempt to get a state report; null if none was made. */
  state: StateAttempt | null = null;
  /** True if the stamp was that of the newest state report. */
  stateSame = false;
  /** The ids of the keys to which the received reports are sealed. */
  readonly sealedTo = new Set<string>();
  /** The first fault of a received report that was not acknowledged. */
  anomaly: FleetError | null = null;

  /** Removes the connection from the visit, and counts its bytes. */
  takeConnection(): Connection | PolledConnection | null {
    const { connection } = this;
    if (connection === null) return null;
    const bytes = connection.bytes();
    this.bytesIn += bytes.in;
    this.bytesOut += bytes.out;
    this.connection = null;
    return connection;
  }

  closeConnection(): void {
    this.takeConnection()?.destroy();
  }
}

interface EndedVisit extends Pick<VisitRecord, 'startedAtMs' | 'durationMs'> {
  readonly context: Pick<VisitContext, 'facts' | 'config'> & { readonly start: Pick<RunStart, 'id'> };
  readonly client: Client;
  readonly progress: Readonly<VisitProgress>;
  readonly fault: FleetError | null;
}

/** Returns the row of a visit that is over. */
export function recordOf({ context, client, progress, fault, startedAtMs, durationMs }: EndedVisit): VisitRecord {
  const { result, sealedTo } = progress;
  const isDrained = fault === null && result?.end?.left === 0 && sealedTo.size > 0;
  const facts = context.facts?.get(client.name);
  const { everyMs } = context.config.collector;
  return {
    runId: context.start.id,
    client: client.name,
    address: client.address,
    startedAtMs,
    durationMs,
    ok: fault === null,
    stage: fault?.stage ?? null,
    code: fault?.code ?? null,
    message: fault?.message ?? null,
    connectMs: progress.connectMs,
    bytesIn: progress.bytesIn,
    bytesOut: progress.bytesOut,
    uploaded: progress.uploaded,
    reader: result?.reader ?? null,
    bootId: result?.hello?.boot_id ?? null,
    ...(progress.state === null ? {} : { state: progress.state }),
    ...(progress.stateSame ? { stateSame: true } : {}),
    // No report waits on a drained client. Later reports are sealed to these keys.
    sealedTo: isDrained ? [...sealedTo] : null,
    nextAttemptAtMs: nextAttemptAtMs({ code: decidingCode(fault), facts, startedAtMs, everyMs }),
    ...(fault === null || fault.advice === errorTable[fault.code].advice ? {} : { advice: fault.advice }),
  };
}
