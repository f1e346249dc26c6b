import type { Client } from '../../config/config.ts';
import type { FleetError } from '../../errors.ts';
import { asFleetError, messageOf } from '../../errors.ts';
import type { CollectEvent } from '../collect-options.ts';
import { fullPatience } from '../visit/patience.ts';
import { transferRuntime } from '../runtimes/runtime-transfer.ts';
import type { TransferLimits } from '../runtimes/runtime-transfer.ts';
import type { StoredRuntime } from '../runtimes/runtime-store.ts';
import type { RuntimeSupply } from '../runtimes/runtime-supply.ts';
import { runSchedule } from './schedule.ts';
import type { Limit } from './schedule.ts';
import type { VisitContext } from '../visit/context.ts';
import { describeSize } from '../../text/numbers.ts';

/** A client that is to be brought a runtime, once all have been visited. */
export interface AwaitedRuntime {
  readonly client: Client;
  readonly runtime: StoredRuntime;
  /** Called once it was brought, or with why it was not; null: the round ended before. */
  readonly done: (outcome: 'brought' | FleetError | null) => Promise<void>;
}

export interface RuntimeRoundOptions {
  readonly context: Pick<VisitContext, 'collectorId' | 'config' | 'signal' | 'now' | 'transportFor'>;
  readonly supply: RuntimeSupply;
  readonly awaited: readonly AwaitedRuntime[];
  readonly limitsOf: (client: Client) => readonly Limit[];
  readonly observe: (event: CollectEvent) => void;
  readonly limits?: Partial<TransferLimits>;
  /** Default: two minutes. */
  readonly longestMs?: number;
}

/** So many transfers at a time: they share the collector's uplink, and each holds no more than a window in memory. */
const transfersAtATime = 4;
/** What is not done by then goes on in the next run where it was: the alerter waits for the end of this one. */
const longestMs = 120_000;

/** Takes runtimes to the clients that await one, after the visits and within what is left of the run. Never rejects. */
export async function bringRuntimes(options: RuntimeRoundOptions): Promise<void> {
  const { context, awaited } = options;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(options.longestMs ?? longestMs)]);
  const notBegun = await runSchedule({
    items: awaited,
    concurrency: transfersAtATime,
    limitsOf: ({ client }) => options.limitsOf(client),
    isSlow: () => false,
    signal,
    work: async (one, leave) => {
      const outcome = await bringOne(options, one, signal, leave);
      await one.done(outcome);
    },
  });
  for (const { done } of notBegun) await done(null);
}

async function bringOne(
  { context, supply, observe, limits }: RuntimeRoundOptions,
  { client, runtime }: AwaitedRuntime,
  signal: AbortSignal,
  leave: () => void,
): Promise<'brought' | FleetError | null> {
  const { collectorId, config, now } = context;
  const began = performance.now();
  const note = (hopeless: boolean): void => {
    try {
      supply.attempts.note(client.name, { digest: runtime.digest, hopeless, nowMs: now() });
    } catch (thrown) {
      observe({
        kind: 'note',
        message: `it cannot be noted that ${client.name} was brought a runtime: ${messageOf(thrown)}`,
      });
    }
  };
  try {
    const { tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs } = fullPatience(config);
    const transport = context.transportFor(client);
    const connection = await transport.connect({ tcpTimeoutMs, connectTimeoutMs, channelTimeoutMs, signal });
    leave();
    const sent = await transferRuntime({
      connection,
      client: client.name,
      collectorId,
      runtime,
      signal,
      ...(limits === undefined ? {} : { limits }),
    }).catch((thrown: unknown) => {
      connection.destroy();
      throw thrown;
    });
    // Until it has answered: one that breaks at every visit must not be brought at every visit.
    note(false);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const what = `${describeSize(sent.sentBytes)} as ${sent.codec} in ${seconds} s`;
    observe({ kind: 'note', message: `${client.name} was brought Node.js ${runtime.version ?? ''} (${what})` });
    await connection.leave();
    return 'brought';
  } catch (thrown) {
    // What the end of the round broke off is gone on with in the next run.
    if (signal.aborted) return null;
    const fault = asFleetError(thrown, { code: 'upload-failed', stage: 'upload', client: client.name });
    // A machine that cannot run it, or has no place for it, will not have changed at the next run.
    note(fault.stage === 'upload' && !fault.retryable);
    observe({ kind: 'note', message: `${fault.message} (${fault.code})` });
    return fault;
  }
}
