import path from 'node:path';

import { askVersion, checkBinary, checkVersion, digestOf, extractNode, isOwnTarget } from './node-binary.ts';
import { fileFrom, type RuntimeOrigin } from './runtime-origin.ts';
import { addRuntime, withScratch, type StoredRuntime } from './runtime-store.ts';
import type { RuntimeTarget } from './runtime-targets.ts';

export interface TakeRuntimeOptions {
  readonly dir: string;
  readonly target: RuntimeTarget;
  readonly origin: RuntimeOrigin;
  /** Called once the binary is checked, before its compression, which takes a minute or two. */
  readonly onChecked: () => void;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/**
 * Takes a node from its origin, checks that it fits the target, and keeps it. Runs the binary if this machine can. Does
 * not run a binary from npm, which only npm has verified. Throws FleetError `runtime-invalid`, `runtime-unavailable` or
 * `state-unusable`.
 */
export async function takeRuntime(options: TakeRuntimeOptions): Promise<StoredRuntime> {
  const { dir, target, origin, nowMs, signal } = options;
  return await withScratch(dir, nowMs, async (scratch) => {
    const { file, version: claimed, source } = await fileFrom(origin, target, scratch, signal);
    const binary = path.join(scratch, 'node');
    await extractNode(file, binary, signal);
    checkBinary(binary, target, file);
    if (claimed !== null) checkVersion(claimed, file);
    const isTried = origin.kind !== 'npm' && isOwnTarget(target);
    const version = (isTried ? await askVersion(binary, file, signal) : null) ?? claimed;
    options.onChecked();
    const digest = await digestOf(binary);
    return await addRuntime({ dir, binary, target: target.name, version, digest, source, nowMs, signal });
  });
}
