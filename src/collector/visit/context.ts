import type { Client, CollectorConfig } from '../../config/config.ts';
import type { ClientFacts } from '../../storage/store/storage.ts';
import type { Transport } from '../../transport/transport.ts';
import type { AgentResult, ReceivedReport } from '../agent/agent-session.ts';
import type { AgentTask, Bundles } from '../agent/task.ts';
import type { KnownKeys } from '../keys/key-ring.ts';
import type { RuntimeSupply } from '../runtimes/runtime-supply.ts';

/** The context that all visits of a run share. */
export interface VisitContext {
  readonly runId: string;
  readonly collectorId: string;
  readonly config: CollectorConfig;
  /** Raw, 32 bytes: reports are sealed to it. */
  readonly publicKey: Uint8Array;
  /** The keys that reports may be sealed to. */
  readonly keys: KnownKeys;
  readonly bundles: Bundles;
  /** null if no client asks for a runtime, or the runtimes cannot be read. */
  readonly runtimes: RuntimeSupply | null;
  readonly dryRun: boolean;
  /** Aborted with a FleetError when the run is to end. */
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly transportFor: (client: Client) => Transport;
  /** Called with the result of every visit's agent, how far it came. */
  readonly sawAgent: (client: string, result: AgentResult) => void;
  /** True if this run opens reports. Else `ingest` opens them later, and facts of reports come late. */
  readonly opens: boolean;
  /** null while the database is away. Nothing is decided then that needs facts. */
  readonly facts: ReadonlyMap<string, ClientFacts> | null;
  /** Makes one report safe. Its error is the visit's fault, and the report is not acknowledged. */
  readonly keep: (client: Client, report: ReceivedReport) => Promise<void>;
}

/** Returns the task of a client's agent, by its configuration and the run. */
export function taskOf(
  { client, runtimes, runId, collectorId, publicKey, bundles }: VisitContext & { readonly client: Client },
  call: Pick<AgentTask, 'kind' | 'agentTimeoutMs'>,
): AgentTask {
  const { node, unsealed, runtime } = client.ssh;
  return {
    ...call,
    client: client.name,
    was: client.was,
    probeOptions: client.probeOptions,
    node,
    unsealed,
    runtimes: runtime === 'bring' ? (runtimes?.ids ?? null) : null,
    runId,
    collectorId,
    publicKey,
    bundles,
  };
}
