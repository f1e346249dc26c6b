import type { ChildProcess } from 'node:child_process';

import { FleetError } from './errors/errors.ts';

/** True if a child has ended, by itself or by a signal. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/**
 * Sends a signal to the process group of a child that was started `detached`; 0 sends none. Returns false if no process
 * is left in the group. After its leader has ended, a group keeps its id only while one of its processes is left, for
 * instance a process that holds the child's output.
 */
export function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Kills the process group of a child that was started `detached`, unless the child has ended. */
export function killGroup(child: ChildProcess): void {
  if (!hasEnded(child)) signalGroup(child, 'SIGKILL');
}

/**
 * Returns a child that spawn has returned. Throws FleetError `descriptors-exhausted` if the child has no streams:
 * without a free file descriptor Node returns such a child, and reports the lack by an event alone.
 */
export function withStreams<Child extends ChildProcess>(child: Child): Child {
  if (Array.isArray(child.stdio)) return child;
  child.on('error', () => undefined);
  const message = 'no program can be started: too many open files';
  throw new FleetError({ code: 'descriptors-exhausted', stage: 'run', message });
}
