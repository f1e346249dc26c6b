import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Every node that a login could find on this machine. */
export const everyNode: readonly string[] = [
  ...new Set(
    ['/usr/local/bin', '/usr/local/sbin', '/usr/bin', '/usr/sbin', '/opt/homebrew/bin', '/snap/bin']
      .concat(...['/opt', '/usr/local'].map((dir) => readdirSync(dir).map((name) => path.join(dir, name, 'bin'))))
      .flatMap((dir) => [path.join(dir, 'node'), path.join(dir, 'nodejs')])
      .filter((file) => existsSync(file)),
  ),
];
