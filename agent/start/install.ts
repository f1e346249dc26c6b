import { type PlaceNames, openPlace } from './places.ts';
import { isWritten, listPrivateFiles, removeFile } from './private-file.ts';

/**
 * An agent that was uploaded for this visit. src/transport/loader/upload-agent.cjs puts it into
 * `globalThis.fleetHealthUploaded`.
 */
export interface UploadedAgent {
  /** The bytes of this program, whose length and digest are checked. */
  readonly source: Uint8Array;
  /** The SHA-256 of this program in hexadecimal digits. */
  readonly digest: string;
  /** The SHA-256 of the other program, which is not removed. */
  readonly other: string;
}

/** The guard that ends this agent if it hangs: `t` timeout(1), `w` its own watchdog. */
export type Guard = 't' | 'w';

const agentPattern = /^([0-9a-f]{64})\.[tw]\.cjs$/;

/**
 * Writes this program to the first writable place, and removes programs of other versions from all places. The file
 * name holds the guard, so that later visits do not have to detect the syntax of this machine's `timeout` again.
 */
export function install(uploaded: UploadedAgent, guard: Guard, roots: readonly string[], names: PlaceNames): void {
  const kept = { dir: '', name: `${uploaded.digest}.${guard}.cjs` };
  const below = [names.machine, names.collector];
  for (const root of roots) {
    const dir = kept.dir === '' ? openPlace(root, below, true) : null;
    // A disk may be full or read-only: the next place follows.
    if (dir !== null && isWritten(dir, kept.name, uploaded.source, true)) kept.dir = dir;
  }
  for (const root of roots) {
    const dir = openPlace(root, below, false);
    if (dir === null) continue;
    for (const name of listPrivateFiles(dir)) {
      const digest = agentPattern.exec(name)?.[1];
      const isKept = digest === uploaded.other || (dir === kept.dir && name === kept.name);
      if (digest !== undefined && !isKept) removeFile(`${dir}/${name}`);
    }
  }
}
