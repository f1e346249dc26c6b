import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { isOwnTarget } from '../../src/collector/runtimes/node-binary.ts';
import type { RuntimeCopy, StoredRuntime } from '../../src/collector/runtimes/runtime-store.ts';
import { runtimeTargets } from '../../src/collector/runtimes/runtime-targets.ts';
import { tempFolder } from './temp-folder.ts';

/** The target of this machine; `null` if the machine is not supported. */
export const ownTarget = runtimeTargets.find(isOwnTarget) ?? null;

const quickly = { xz: ['-0', '-T0'], zstd: ['-1', '-q'], gzip: ['-1'] } as const;

/**
 * Returns the node that runs the tests as a runtime with these copies, compressed as fast as possible. Removes it after
 * the tests.
 */
export function ownRuntime(codecs: readonly (keyof typeof quickly)[]): StoredRuntime {
  const dir = tempFolder();
  const node = process.execPath;
  const copies = codecs.map((codec): RuntimeCopy => {
    const file = path.join(dir, `node.${codec}`);
    const stdout = openSync(file, 'w');
    execFileSync(codec, [...quickly[codec], '-c', node], { stdio: ['ignore', stdout, 'inherit'] });
    closeSync(stdout);
    return { codec, sizeBytes: statSync(file).size, file };
  });
  const sizeBytes = statSync(node).size;
  return {
    target: ownTarget?.name ?? 'none',
    version: process.versions.node,
    digest: createHash('sha256').update(readFileSync(node)).digest('hex'),
    sizeBytes,
    addedAtMs: 0,
    source: 'self',
    copies: [...copies, { codec: 'raw', sizeBytes, file: node }],
  };
}
