import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';

import { listPrivateFiles, writePrivateFile } from './private-file.ts';

/** What the start of agent.cjs (bundle.mjs) leaves in `globalThis.fleetHealthCompiled` when it had to compile anew. */
interface Compiled {
  /** Where the compiled form belongs, beside the program. */
  readonly file: string;
  /** V8's compiled form of all that has run so far. */
  readonly code: () => Uint8Array;
}

/**
 * Keeps the compiled form of this program for the next start, which then takes a seventh less CPU time. Checked by its
 * digest when it is read, and by V8 for its version; without it the program is compiled as ever.
 */
export function keepCompiled(): void {
  const compiled = (globalThis as { fleetHealthCompiled?: Compiled }).fleetHealthCompiled;
  if (compiled === undefined) return;
  try {
    const code = compiled.code();
    const digest = createHash('sha256').update(code).digest();
    const dir = dirname(compiled.file);
    // Takes away what an earlier attempt left that was cut short.
    listPrivateFiles(dir);
    writePrivateFile(dir, basename(compiled.file), Buffer.concat([digest, code]), false);
  } catch {
    // A full disk: the next start compiles again.
  }
}
