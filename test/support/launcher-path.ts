import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** PATH in the launchers of restricted keys, which tests replace by their own. */
export const launcherPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Writes a shell script in place of a node. Returns its path. */
export function fakeNode(dir: string, text: string): string {
  mkdirSync(dir, { recursive: true });
  const file = path.join(dir, 'node');
  writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return file;
}
