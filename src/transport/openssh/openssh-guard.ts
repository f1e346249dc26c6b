import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { withStreams } from '../../platform/child-process.ts';

/** The control sockets and the watchdog that all ssh processes of this process share. */
export interface OpensshGuard {
  /** Returns the path of a new control socket, in a folder that only this user can enter. */
  newSocket(): string;
  /**
   * Registers a process group to be killed once this process has ended, however it ends. The returned function cancels
   * the registration.
   */
  watch(pid: number): () => void;
}

/**
 * The watchdog, a shell script. An ssh that waits on its control socket does not notice that this process is gone. The
 * shell reads the process groups from its stdin, which closes when this process ends, even by SIGKILL. The shell then
 * gives the groups 3 seconds to send their last bytes, kills them, and removes the folder.
 */
const watchman =
  'l=;while read -r o g;do case $o in +)l="$l $g";;-)n=;for i in $l;do [ $i = $g ]||n="$n $i";done;l=$n;;esac;done;' +
  '[ -z "$l" ]||{ sleep 3;for i in $l;do kill -KILL -$i;done;};rm -rf "$1"';

/**
 * The longest folder name, in bytes. sockaddr_un(7) takes 107 bytes, and ssh appends 17 to the name while it creates
 * the socket.
 */
const maxFolderBytes = 80;

let current: OpensshGuard | null = null;

/**
 * Returns the guard of this process. Starts it at its first use. Throws the system's error if its folder cannot be
 * created.
 */
export function opensshGuard(): OpensshGuard {
  current ??= startGuard();
  return current;
}

function startGuard(): OpensshGuard {
  const parent = tmpdir();
  const dir = mkdtempSync(path.join(Buffer.byteLength(parent) > maxFolderBytes - 10 ? '/tmp' : parent, 'fh-'));
  const shell: ChildProcess = withStreams(
    spawn('/bin/sh', ['-c', watchman, 'fleet-health', dir], {
      // A process group of its own, so that a signal to this process's group does not end the guard.
      detached: true,
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
    }),
  );
  const lost = (): void => {
    current = null;
  };
  shell.once('error', lost);
  shell.once('exit', lost);
  shell.stdin?.on('error', () => undefined);
  shell.unref();
  // The guard must not keep this process alive. It ends after this process.
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
