import type { Client } from '../../config/config.ts';
import type { AgentTask } from '../agent/task.ts';
import type { VisitContext } from './context.ts';

export interface TaskOptions extends Pick<AgentTask, 'kind' | 'agentTimeoutMs'> {
  readonly context: VisitContext;
  readonly client: Client;
}

/** What is asked of the agent of a client, by its configuration and the run. */
export function taskOf({ context, client, kind, agentTimeoutMs }: TaskOptions): AgentTask {
  return {
    client: client.name,
    was: client.was,
    kind,
    runId: context.runId,
    collectorId: context.collectorId,
    publicKey: context.publicKey,
    probeOptions: client.probeOptions,
    bundles: context.bundles,
    node: client.ssh.node,
    unsealed: client.ssh.unsealed,
    runtimes: client.ssh.runtime === 'bring' ? (context.runtimes?.ids ?? null) : null,
    agentTimeoutMs,
  };
}
