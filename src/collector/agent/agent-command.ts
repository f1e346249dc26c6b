import { createHash } from 'node:crypto';

import { encodeRequest } from '../../report/agent-request.ts';
import { protocolVersion, type AgentRequest } from '../../report/wire.ts';
import { runCommand, uploadCommand, uploadShellCommand, type ShellStart } from '../../transport/loader/loader.ts';
import type { AgentTask, Bundle } from './task.ts';

/** The most reports of one visit: several visits empty a long spool. */
export const maxReportsPerVisit = 100;
export const maxBytesPerVisit = 8 * 1024 * 1024;

/** The agent gives up this much earlier than the collector, so that it can still send the reason. */
const agentReserveMs = 500;

/**
 * Returns the command line of one exec. `uploaded` is the program at the beginning of stdin. Throws FleetError
 * `config-invalid`.
 */
export function agentCommand(options: AgentTask, marker: Buffer, uploaded: Bundle | null): string {
  const { client, bundles, agentTimeoutMs, collectorId } = options;
  const { agent, inventory } = bundles;
  const start = {
    client,
    marker: marker.toString('base64url'),
    killAfterSeconds: Math.ceil(agentTimeoutMs / 1000) + 1,
    node: options.node,
    request: encodeRequest(requestOf(options, marker)),
  };
  if (uploaded === null) {
    const shell = mayBeReadByShell(options) ? shellStart(options, marker) : null;
    const { digest: agentDigest } = agent;
    return runCommand({
      ...start,
      kind: options.kind,
      agentDigest,
      inventoryDigest: inventory.digest,
      collectorId,
      shell,
    });
  }
  const lengthBytes = uploaded.packed().length;
  if (uploaded === bundles.shell) {
    return uploadShellCommand({ ...start, lengthBytes, collectorId, shell: shellStart(options, marker) });
  }
  const otherDigest = uploaded === agent ? inventory.digest : agent.digest;
  return uploadCommand({ ...start, lengthBytes, digest: uploaded.digest, otherDigest });
}

/** True if the shell agent may answer: it makes no inventory, and its reports are sealed only by the collector. */
export function mayBeReadByShell({ kind, unsealed }: Pick<AgentTask, 'kind' | 'unsealed'>): boolean {
  return kind === 'visit' && unsealed === 'allow';
}

function shellStart({ client, bundles }: AgentTask, marker: Buffer): ShellStart {
  return {
    digest: bundles.shell.digest,
    marker: Array.from(marker, (byte) => byte.toString(8)).join('.'),
    folder: clientFolder(client),
  };
}

/** Returns the name of a client's folder on the client, as agent/spool/visit.ts does. */
function clientFolder(client: string): string {
  return createHash('sha256').update(client).digest('hex').slice(0, 32);
}

function requestOf(options: AgentTask, marker: Buffer): AgentRequest {
  return {
    v: protocolVersion,
    kind: options.kind,
    run: options.runId,
    client: options.client,
    ...(options.was === null ? {} : { was: options.was, formerFolder: clientFolder(options.was) }),
    collector: options.collectorId,
    marker: marker.toString('base64url'),
    key: Buffer.from(options.publicKey).toString('base64url'),
    options: options.probeOptions,
    ...(options.checks.length === 0 || options.kind !== 'visit' || options.shellState === true
      ? {}
      : { checks: options.checks }),
    ...(options.stamp === true ? { stamp: true } : {}),
    ...(options.shellState === true ? { state: true } : {}),
    deadlineMs: Math.max(agentReserveMs, options.agentTimeoutMs - agentReserveMs),
    maxFrames: maxReportsPerVisit,
    maxBytes: maxBytesPerVisit,
  };
}
