import type { PlaceNames } from './places.ts';
import { openPlace } from './places.ts';
import { listPrivateFiles, removeFile, writePrivateFile } from './private-file.ts';

/** What the bootstrap of src/loader/loader.ts leaves in `globalThis.fleetHealth` for an agent that was brought. */
export interface Brought {
  /** This program's own bytes; their length and digest were checked. */
  readonly source: Uint8Array;
  /** SHA-256 in hexadecimal digits: of this program, and of the other one that stays. */
  readonly digest: string;
  readonly other: string;
}

/** How this agent is ended when it hangs: by `timeout`, or by its own watchdog. */
export type Guard = 't' | 'w';

const agentPattern = /^([0-9a-f]{64})\.[tw]\.cjs$/;

/**
 * Keeps this program in the first place that takes it, and removes those of other versions from all of them. The name
 * remembers whether this machine's `timeout` takes the form we need, so that no visit has to find out again.
 */
export function install(brought: Brought, guard: Guard, roots: readonly string[], names: PlaceNames): void {
  const kept = { dir: '', name: `${brought.digest}.${guard}.cjs` };
  const below = [names.machine, names.collector];
  for (const root of roots) {
    const dir = kept.dir === '' ? openPlace(root, below, true) : null;
    if (dir === null) continue;
    try {
      writePrivateFile(dir, kept.name, brought.source, true);
      kept.dir = dir;
    } catch {
      // The next place: this disk is full or read-only.
    }
  }
  for (const root of roots) {
    const dir = openPlace(root, below, false);
    if (dir === null) continue;
    for (const name of listPrivateFiles(dir)) {
      const digest = agentPattern.exec(name)?.[1];
      const isKept = digest === brought.other || (dir === kept.dir && name === kept.name);
      if (digest !== undefined && !isKept) removeFile(`${dir}/${name}`);
    }
  }
}
