import type { Client } from '../../config/config.ts';
import { asFleetError, messageOf, type FleetError } from '../../errors.ts';
import { withTimeout } from '../../platform/deadline.ts';
import { minuteMs } from '../../platform/units.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { agentOwner } from '../../state/collector-id.ts';
import type { CollectEvent } from '../collect-options.ts';
import type { StoredRuntime } from '../runtimes/runtime-store.ts';
import type { RuntimeSupply } from '../runtimes/runtime-supply.ts';
import { transferRuntime } from '../runtimes/runtime-transfer.ts';
import { fullTimeouts } from '../visit/adaptive-timeouts.ts';
import type { VisitContext } from '../visit/context.ts';
import { visit } from '../visit/visit.ts';
import { runWorkQueue, type Limit } from './work-queue.ts';

export interface RuntimeUploadsOptions {
  readonly context: VisitContext;
  readonly limitsOf: (client: Client) => readonly Limit[];
  readonly observe: (event: CollectEvent) => void;
  /** Called with the final outcome. */
  readonly settle: (record: VisitRecord) => void;
}

interface Upload {
  readonly client: Client;
  readonly runtime: StoredRuntime;
  readonly record: VisitRecord;
}

/** The number of concurrent transfers, which share the collector's uplink. Each holds at most a window in memory. */
const transfersAtATime = 4;
/** The time after which the next run resumes the transfers: the alerter waits for the end of this run. */
const longestMs = 2 * minuteMs;

/** Uploads runtimes to clients after all visits, so that no visit waits for 30 MB of another client. */
export function createRuntimeUploads({ context, limitsOf, observe, settle }: RuntimeUploadsOptions) {
  const awaited: Upload[] = [];

  const settleUpload = async ({ client, record }: Upload, outcome: 'uploaded' | FleetError | null): Promise<void> => {
    if (record.ok) return;
    if (outcome === 'uploaded') settle({ ...(await visit(context, client)).record, uploaded: true });
    else if (outcome === null) settle(record);
    else settle({ ...record, stage: outcome.stage, code: outcome.code, message: outcome.message });
  };

  return {
    /** Returns true if the visit's outcome is settled later, because the visit failed for want of the runtime. */
    take: (client: Client, record: VisitRecord, runtime: StoredRuntime | null): boolean => {
      if (runtime === null || context.dryRun) return false;
      awaited.push({ client, runtime, record });
      return !record.ok;
    },
    /** Uploads the runtimes, and repeats the visits that failed for want of them. */
    run: async (): Promise<void> => {
      const supply = context.runtimes;
      if (awaited.length === 0 || supply === null) return;
      const notBegun = await withTimeout({ timeoutMs: longestMs, signal: context.signal }, (signal) =>
        runWorkQueue({
          items: awaited,
          concurrency: transfersAtATime,
          limitsOf: ({ client }) => limitsOf(client),
          isSlow: () => false,
          signal,
          work: async (upload, leave) =>
            settleUpload(upload, await uploadOne({ context, supply, observe, signal, leave }, upload)),
        }),
      );
      for (const upload of notBegun) await settleUpload(upload, null);
    },
  };
}

interface Uploading extends Pick<RuntimeUploadsOptions, 'context' | 'observe'> {
  readonly supply: RuntimeSupply;
  readonly signal: AbortSignal;
  readonly leave: () => void;
}

/** Returns the fault of an upload; null if the time limit interrupted it. */
async function uploadOne(
  { context, supply, observe, signal, leave }: Uploading,
  { client, runtime }: Upload,
): Promise<'uploaded' | FleetError | null> {
  const { start, config, now } = context;
  const collectorId = agentOwner(start.collectorId, config.collector.sharedSite);
  const began = performance.now();
  const note = (message: string): void => observe({ kind: 'note', message });
  const remember = (hopeless: boolean): void => {
    try {
      supply.attempts.note(client.name, { digest: runtime.digest, hopeless, nowMs: now() });
    } catch (thrown) {
      note(`it cannot be noted that ${client.name} was sent a runtime: ${messageOf(thrown)}`);
    }
  };
  try {
    const { tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs } = fullTimeouts(config.collector);
    const transport = context.transportFor(client);
    const connection = await transport.connect({ tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs, signal });
    leave();
    const sent = await transferRuntime({ connection, client: client.name, collectorId, runtime, signal }).catch(
      (thrown: unknown) => {
        connection.destroy();
        throw thrown;
      },
    );
    // Cleared once the runtime answers: a runtime that breaks at every visit must not be uploaded at every visit.
    remember(false);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const what = `${(sent.sentBytes / 2 ** 20).toFixed(1)} MiB as ${sent.codec} in ${seconds} s`;
    note(`${client.name} was sent Node.js ${runtime.version ?? ''} (${what})`);
    await connection.leave();
    return 'uploaded';
  } catch (thrown) {
    // The next run resumes the transfer.
    if (signal.aborted) return null;
    const fault = asFleetError(thrown, { code: 'upload-failed', stage: 'upload', client: client.name });
    // A machine that cannot run the runtime, or has no space for it, will not have changed by the next run.
    remember(fault.stage === 'upload' && !fault.retryable);
    note(`${fault.message} (${fault.code})`);
    return fault;
  }
}
