import type { Client } from '../../config/config.ts';
import type { ClientFacts } from '../../storage/store/storage.ts';
import type { CollectorRun } from '../collect-options.ts';
import type { AgentResult, ReceivedReport } from '../agent/agent-stream.ts';
import type { CaptureCosts } from '../agent/capture-costs.ts';
import type { AgentTask, Bundles } from '../agent/task.ts';
import { agentOwner } from '../../state-folder/collector-id.ts';
import type { RestrictedKeys } from './restricted-keys.ts';

type OfRun = 'config' | 'start' | 'keyRing' | 'dryRun' | 'signal' | 'now' | 'transportFor';

/** The context that all visits of a run share. Its signal is aborted with a FleetError when the run is to end. */
export interface VisitContext extends Pick<CollectorRun, OfRun> {
  readonly bundles: Bundles;
  /** The clients whose keys are restricted: no checks are requested there. */
  readonly restricted: Pick<RestrictedKeys, 'has'>;
  /** The costs of captures of clients without Node. */
  readonly captures: CaptureCosts;
  /** Called with the result of every visit's agent, complete or not. */
  readonly sawAgent: (client: string, result: AgentResult) => void;
  /** Called after an inventory of a client was stored safely. */
  readonly sawInventory?: ((client: string) => void) | undefined;
  /** Returns the digests of a client's stored state. Missing if a collector always needs the whole state. */
  readonly knownState?: ((client: string) => Promise<Readonly<Record<string, string>>>) | undefined;
  /** The facts; null while the database is away. Then no decision is made that needs facts. */
  readonly facts: ReadonlyMap<string, ClientFacts> | null;
  /** Stores one report safely. Its error becomes the visit's fault, and the report is not acknowledged. */
  readonly keep: (client: Client, report: ReceivedReport) => Promise<void>;
}

/** Returns the task of a client's agent, by its configuration and the run. */
export function taskOf(
  { client, config, restricted, start, keyRing, bundles }: VisitContext & { readonly client: Client },
  call: Pick<AgentTask, 'kind' | 'agentTimeoutMs'> & Partial<Pick<AgentTask, 'stamp' | 'shellState' | 'probeOptions'>>,
): AgentTask {
  const { node, unsealed } = client.ssh;
  return {
    client: client.name,
    was: client.was,
    probeOptions: client.probeOptions,
    checks: restricted.has(client) ? [] : client.checks.map(({ requested }) => requested),
    node,
    unsealed,
    runId: start.id,
    collectorId: agentOwner(start.collectorId, config.collector.sharedSite),
    publicKey: keyRing.sealing.publicKey,
    bundles,
    ...call,
  };
}
