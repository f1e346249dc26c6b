import type { ChildProcess } from 'node:child_process';

import { FleetError } from '../errors.ts';

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
