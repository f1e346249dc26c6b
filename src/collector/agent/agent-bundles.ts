/** src/collector/agent: the exec of a visit, and the stream of an agent, pushed ones too. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';

import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { agentBundlePath, inventoryBundlePath, shellAgentPath } from '../../state-folder/paths.ts';
import type { Bundle, Bundles } from './task.ts';

/** Reads the programs that are uploaded to clients. Throws FleetError `internal` if the package was not built. */
export function readBundles(
  agentPath = agentBundlePath,
  inventoryPath = inventoryBundlePath,
  shellPath = shellAgentPath,
): Bundles {
  const shell = readBundle(shellPath);
  return {
    agent: readBundle(agentPath),
    inventory: readBundle(inventoryPath),
    // A client without node may lack the programs to unpack anything.
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

/**
 * The largest program that is compressed at the best level. The last tenth costs 60 ms for the agent. The inventory is
 * seven times as long and would delay a run by 0.7 s instead of 40 ms.
 */
const maxBestBytes = 128 * 1024;

/** Compresses with brotli, which every node of an agent decodes: 9 % smaller than deflate. */
function compress(content: Buffer): Buffer {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: content.length > maxBestBytes ? 9 : constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  return brotliCompressSync(content, { params });
}

/** Returns a program with its digest. */
export function bundleOf(content: Buffer): Bundle {
  let packed: Buffer | null = null;
  return {
    content,
    digest: createHash('sha256').update(content).digest('hex'),
    packed: () => (packed ??= compress(content)),
  };
}
