import { statSync } from 'node:fs';
import path from 'node:path';

import { FleetError } from '../../errors.ts';
import { fetchRuntime } from './fetch-runtime.ts';
import { askVersion, checkBinary, checkVersion, digestOf, extractNode, isOwnTarget } from './node-binary.ts';
import { compareRelease } from './release-digest.ts';
import { addRuntime, withScratch, type StoredRuntime } from './runtime-store.ts';
import type { RuntimeTarget } from './runtime-targets.ts';

/** The origin of a runtime. `version` is a range as npm takes it. */
export type RuntimeOrigin =
  | { readonly kind: 'self' }
  | {
      readonly kind: 'file';
      readonly file: string;
      /** SHASUMS256.txt of the release, to compare the archive with; null: none. */
      readonly shasums: string | null;
    }
  | { readonly kind: 'npm'; readonly version: string };

export interface TakeRuntimeOptions {
  readonly dir: string;
  readonly target: RuntimeTarget;
  readonly origin: RuntimeOrigin;
  /** Called when the binary is found right, before it is compressed, which takes a minute or two. */
  readonly onChecked: () => void;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/**
 * Takes a node from its origin, checks that it fits the target, and keeps it. Runs it where that can be tried, but none
 * of npm's, which only npm has compared with anything. Throws FleetError `runtime-invalid`, `runtime-unavailable` or
 * `state-unusable`.
 */
export async function takeRuntime(options: TakeRuntimeOptions): Promise<StoredRuntime> {
  const { dir, target, origin, nowMs, signal } = options;
  return await withScratch(dir, nowMs, async (scratch) => {
    const { file, version: said, source } = await fileFrom(origin, target, scratch, signal);
    const binary = path.join(scratch, 'node');
    await extractNode(file, binary, signal);
    checkBinary(binary, target, file);
    if (said !== null) checkVersion(said, file);
    const isTried = origin.kind !== 'npm' && isOwnTarget(target);
    const version = (isTried ? await askVersion(binary, file, signal) : null) ?? said;
    options.onChecked();
    const digest = await digestOf(binary);
    return await addRuntime({ dir, binary, target: target.name, version, digest, source, nowMs, signal });
  });
}

interface Found {
  readonly file: string;
  /** null if the binary has to be asked. */
  readonly version: string | null;
  readonly source: string;
}

async function fileFrom(
  origin: RuntimeOrigin,
  target: RuntimeTarget,
  scratch: string,
  signal: AbortSignal,
): Promise<Found> {
  if (origin.kind === 'npm') return await fetchRuntime(target, origin.version, scratch, signal);
  const file = origin.kind === 'self' ? process.execPath : origin.file;
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new FleetError({ code: 'runtime-invalid', stage: 'run', message: `${file} is not there, or no file` });
  }
  if (origin.kind === 'file' && origin.shasums !== null) {
    return { ...(await compareRelease(file, origin.shasums, target, scratch, signal)), source: file };
  }
  // Release archives are named for their version.
  const version = /node-v(\d+\.\d+\.\d+)-/.exec(path.basename(file))?.[1] ?? null;
  return { file, version: origin.kind === 'self' ? process.versions.node : version, source: file };
}
