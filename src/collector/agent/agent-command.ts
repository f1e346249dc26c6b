import { createHash } from 'node:crypto';

import { encodeRequest } from '../../report/agent-request.ts';
import { protocolVersion } from '../../report/wire.ts';
import type { AgentRequest } from '../../report/wire.ts';
import { uploadCommand, uploadShellCommand } from '../../loader/upload-agent.ts';
import { runCommand } from '../../loader/loader.ts';
import type { ShellStart } from '../../loader/loader.ts';
import type { AgentTask, Bundle } from './task.ts';

/** Reports that one visit takes at most, and their bytes: a spool that grew long comes home over several visits. */
export const maxReportsPerVisit = 100;
export const maxBytesPerVisit = 8 * 1024 * 1024;

/** The agent gives up so much before we do, that it can still say why. */
const agentReserveMs = 500;

/** The command line of one exec; `brought` is the program that stdin begins with. Throws FleetError `config-invalid`. */
export function agentCommand(options: AgentTask, marker: Buffer, brought: Bundle | null): string {
  const { client, bundles, agentTimeoutMs, collectorId } = options;
  const { agent, inventory } = bundles;
  const start = {
    client,
    marker: marker.toString('base64url'),
    killAfterSeconds: Math.ceil(agentTimeoutMs / 1000) + 1,
    node: options.node,
    request: encodeRequest(requestOf(options, marker)),
    runtimes: options.runtimes,
  };
  if (brought === null) {
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
  const lengthBytes = brought.packed().length;
  if (brought === bundles.shell) {
    return uploadShellCommand({ ...start, lengthBytes, collectorId, shell: shellStart(options, marker) });
  }
  const otherDigest = brought === agent ? inventory.digest : agent.digest;
  return uploadCommand({ ...start, lengthBytes, digest: brought.digest, otherDigest, collectorId });
}

/** The shell agent makes no inventory, and its reports are sealed only here. */
export function mayBeReadByShell({ kind, unsealed }: Pick<AgentTask, 'kind' | 'unsealed'>): boolean {
  return kind === 'visit' && unsealed === 'allow';
}

function shellStart({ client, bundles }: AgentTask, marker: Buffer): ShellStart {
  return {
    digest: bundles.shell.digest,
    marker: Array.from(marker, (byte) => byte.toString(8)).join('.'),
    folder: createHash('sha256').update(client).digest('hex').slice(0, 32),
  };
}

function requestOf(options: AgentTask, marker: Buffer): AgentRequest {
  return {
    v: protocolVersion,
    kind: options.kind,
    run: options.runId,
    client: options.client,
    ...(options.was === null ? {} : { was: options.was }),
    collector: options.collectorId,
    marker: marker.toString('base64url'),
    key: Buffer.from(options.publicKey).toString('base64url'),
    options: options.probeOptions,
    deadlineMs: Math.max(agentReserveMs, options.agentTimeoutMs - agentReserveMs),
    maxFrames: maxReportsPerVisit,
    maxBytes: maxBytesPerVisit,
  };
}
