import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import type { FleetError } from '../../errors.ts';
import { groupLives } from '../connection/kill-group.ts';

const lookMs = 50;
const mostLooks = 15;

/**
 * Whose fault on the way it was that an ssh ended, which `ask` reads from what the ssh of each machine wrote down; null:
 * nobody's there. An ssh on the way closes its end before it says why: it is waited for, three quarters of a second at
 * most, until all that `master` has started is gone. Never rejects.
 */
export async function lastFault(
  master: ChildProcess,
  ask: (() => FleetError | null) | null,
): Promise<FleetError | null> {
  for (let look = 0; ask !== null && look < mostLooks; look += 1) {
    const ended = !groupLives(master);
    const fault = ask();
    if (ended || fault !== null) return fault;
    await sleep(lookMs);
  }
  return null;
}
