import type { ChildProcess } from 'node:child_process';

/** True when a child has ended, by itself or not. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Sends a signal to a child that was started `detached`, and to everything that it has started in its group. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  // The number of a group whose leader has ended may belong to somebody else by now.
  if (child.pid === undefined || hasEnded(child)) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: nobody is left in the group.
  }
}

/** True while anything is left of what a child has started in its group, which the child itself may have left. */
export function groupLives(child: ChildProcess): boolean {
  if (child.pid === undefined) return false;
  try {
    process.kill(-child.pid, 0);
    return true;
  } catch {
    return false;
  }
}
