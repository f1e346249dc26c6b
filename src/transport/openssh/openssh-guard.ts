import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What the ssh processes of this process share. */
export interface OpensshGuard {
  /** A path for a control socket that does not exist yet, in a folder that only we can enter. */
  newSocket(): string;
  /** Has a process group killed when this process has ended in any way; the function that is returned takes that back. */
  watch(pid: number): () => void;
}

/**
 * An ssh that waits for commands on its control socket does not notice that nobody will send any. So a shell reads
 * which groups there are, and where this process is gone, SIGKILL included, its input ends: then it gives them the time that
 * their last bytes may need, kills what is left, and removes the folder.
 */
const watchman =
  'l=;while read -r o g;do case $o in +)l="$l $g";;-)n=;for i in $l;do [ $i = $g ]||n="$n $i";done;l=$n;;esac;done;' +
  '[ -z "$l" ]||{ sleep 3;for i in $l;do kill -KILL -$i;done;};rm -rf "$1"';

/** sockaddr_un(7) takes 107 bytes, and ssh adds 17 to a name while it makes the socket. */
const maxFolderBytes = 80;

let current: OpensshGuard | null = null;

/** The guard of this process, made at its first use. Throws the system's error when there is no folder for it. */
export function opensshGuard(): OpensshGuard {
  current ??= startGuard();
  return current;
}

function startGuard(): OpensshGuard {
  const parent = tmpdir();
  const dir = mkdtempSync(path.join(Buffer.byteLength(parent) > maxFolderBytes - 10 ? '/tmp' : parent, 'fh-'));
  const shell: ChildProcess = spawn('/bin/sh', ['-c', watchman, 'fleet-health', dir], {
    // Of a group of its own, so that what ends ours does not end it as well.
    detached: true,
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const lost = (): void => {
    current = null;
  };
  shell.once('error', lost);
  shell.once('exit', lost);
  shell.stdin?.on('error', () => undefined);
  shell.unref();
  // Nobody waits for the guard: it ends when we have.
  (shell.stdin as unknown as { unref?: () => void }).unref?.();
  const tell = (line: string): void => void shell.stdin?.write(line);
  let sockets = 0;
  return {
    newSocket: () => {
      sockets += 1;
      return path.join(dir, String(sockets));
    },
    watch: (pid) => {
      tell(`+ ${pid}\n`);
      return () => tell(`- ${pid}\n`);
    },
  };
}
