import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';

import { FleetError, messageOf } from '../errors.ts';
import { agentBundlePath, inventoryBundlePath, shellAgentPath } from '../paths.ts';
import type { Bundle, Bundles } from './agent-session.ts';

/** Reads the programs that are brought to clients. Throws FleetError `internal` when the package was not built. */
export function readBundles(
  agentPath = agentBundlePath,
  inventoryPath = inventoryBundlePath,
  shellPath = shellAgentPath,
): Bundles {
  const shell = readBundle(shellPath);
  return {
    agent: readBundle(agentPath),
    inventory: readBundle(inventoryPath),
    // A client without node cannot be expected to unpack anything.
    shell: { ...shell, packed: () => shell.content },
  };
}

function readBundle(path: string): Bundle {
  try {
    return bundleOf(readFileSync(path));
  } catch (thrown) {
    const message = `the agent is not there, was the package built? ${messageOf(thrown)}`;
    throw new FleetError({ code: 'internal', stage: 'run', message, cause: thrown });
  }
}

/** A program with its digest. */
export function bundleOf(content: Buffer): Bundle {
  let packed: Buffer | null = null;
  return {
    content,
    digest: createHash('sha256').update(content).digest('hex'),
    packed: () => (packed ??= deflateRawSync(content, { level: 9 })),
  };
}
