import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import type { FleetError } from '../../errors.ts';
import { groupLives } from '../connection/kill-group.ts';

const lookMs = 50;
const mostLooks = 15;

/**
 * Returns the fault of the machine on the route that made an ssh end. `ask` reads the fault from the logs of the
 * machines. An ssh on the route closes its end before it logs the reason. Therefore polls until a fault is logged or
 * all processes of `master` have ended, at most three quarters of a second. Returns null if no machine is at fault.
 * Never rejects.
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
