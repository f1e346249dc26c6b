/** Mounts that only a test's own processes see, and that end with them, however the test ends. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { whereIs } from './shell-client.ts';

const namespace = ['unshare', '-m', '-p', '-f', '--kill-child', '--propagation', 'private'] as const;

/**
 * Returns the reason that no file systems can be made and mounted here; `null` if they can. With CI set that is an
 * error.
 */
export function mountsMissing(): string | null {
  const script = `set -e; cd "$(mktemp -d)"; trap 'cd /; rm -rf "$OLDPWD"' EXIT
    truncate -s 1M image; mkfs.ext4 -qF image; mkdir at; mount -o loop image at; umount at`;
  const [program, ...args] = namespace;
  const made = process.getuid?.() === 0 && spawnSync(program, [...args, 'sh', '-c', script]).status === 0;
  const reason = made ? null : 'needs root, mount namespaces and loop devices';
  if (reason !== null && process.env['CI']) throw new Error(reason);
  return reason;
}

export interface Mounted {
  /** The words of a command that runs a program among the mounts. */
  readonly within: readonly [string, ...string[]];
  /** Returns the output of a program that runs among the mounts. */
  readonly output: (...command: readonly string[]) => string;
}

/** The environment with the machine's own tools, whatever precedes them in PATH. */
const env = { ...process.env, LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/**
 * Runs a shell text that mounts, in a separate namespace. Its functions: `image NAME SIZE TYPE [OPTIONS]` mounts a new
 * file system on the folder NAME; `odd_fuse NAME BSIZE FRSIZE BLOCKS FREE` mounts one of odd-fuse.mjs. `$1` is the
 * folder.
 */
export async function mounted(context: TestContext, dir: string, script: string): Promise<Mounted> {
  const [program, ...args] = namespace;
  const prelude = readFileSync(path.join(import.meta.dirname, 'mounted.sh'), 'utf8');
  const text = `${prelude}\n${script}\necho ready\nexec cat >/dev/null`;
  const fuse = path.join(import.meta.dirname, 'odd-fuse.mjs');
  const holder = spawn(program, [...args, 'sh', '-ec', text, 'sh', dir, process.execPath, fuse], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  holder.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  context.after(async () => {
    holder.stdin.end();
    if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit');
  });
  let said = '';
  for await (const chunk of holder.stdout) {
    said += String(chunk);
    if (said.endsWith('ready\n')) break;
  }
  if (!said.endsWith('ready\n')) throw new Error(`the mounts could not be made: ${complaint}`);
  const [inner = ''] = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').split(' ');
  const within = [whereIs('nsenter') ?? 'nsenter', '-t', inner, '-m', '--'] as const;
  return {
    within,
    output: (...command) => {
      const [file, ...rest] = [...within, ...command] as [string, ...string[]];
      const { stdout, stderr, status } = spawnSync(file, rest, {
        encoding: 'utf8',
        env,
      });
      if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
      return stdout;
    },
  };
}
