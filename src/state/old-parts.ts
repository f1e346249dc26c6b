import { lstatSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { partSuffix } from './durable-file.ts';

/** A younger one may be another program's, which is about to give it its name. */
const oldMs = 3_600_000;

/** Removes files that a killed program was writing, half a key among them, from these folders, not from what is below. Never throws: they are in nobody's way. */
export function removeOldParts(dirs: readonly string[], nowMs: number): void {
  for (const dir of dirs) {
    try {
      for (const name of readdirSync(dir)) {
        if (!name.endsWith(partSuffix)) continue;
        const file = path.join(dir, name);
        const facts = lstatSync(file);
        if (facts.isFile() && facts.mtimeMs < nowMs - oldMs) rmSync(file, { force: true });
      }
    } catch {
      // No folder, or nothing that may be removed there.
    }
  }
}
