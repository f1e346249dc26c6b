import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** PATH in the launchers of restricted keys, which tests replace by their own. */
export const launcherPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A shell command by which a script passes for a node. */
export const saysVersion = 'printf v22.1.0 >&3';

/** Texts of programs that have the name of node and are none, by what they do. */
export const impostors: Readonly<Record<string, string>> = {
  'ends well and says nothing': 'exit 0',
  'ends well and prints a version': 'echo v22.1.0',
  'ends well and prints many bytes': 'yes node | head -c 20000',
  'fails and says nothing': 'exit 1',
  'explains its use': 'echo "usage: node CALL" >&2; exit 2',
  'is a shim without a version': 'echo "No version is set for command node" >&2; exit 126',
  'is a shim without its manager': 'exec /nowhere/manager exec node "$@"',
  'ends as an absent agent does': 'exit 81',
  'reads its input to the end': 'cat >/dev/null',
  'asks a question': 'echo "Call:"; read -r call',
  'is killed': 'kill -9 $$',
  'ends as a node that is too old': 'exit 86',
};

/** Texts of programs that have the name of timeout and start nothing. */
export const otherTimeouts: readonly string[] = ['exit 0', 'echo "$@"', 'cat', 'exit 3'];

/** Writes a shell script in place of a node. Returns its path. */
export function fakeNode(dir: string, text: string): string {
  mkdirSync(dir, { recursive: true });
  const file = path.join(dir, 'node');
  writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return file;
}
