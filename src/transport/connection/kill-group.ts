import type { ChildProcess } from 'node:child_process';

/** True if a child has ended, by itself or by a signal. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Sends a signal to the process group of a child that was started `detached`. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  // The id of a group whose leader has ended may belong to another group by now.
  if (child.pid === undefined || hasEnded(child)) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: no process is left in the group.
  }
}

/** True while a process is left in a child's group, even if the child itself has ended. */
export function groupLives(child: ChildProcess): boolean {
  if (child.pid === undefined) return false;
  try {
    process.kill(-child.pid, 0);
    return true;
  } catch {
    return false;
  }
}
