import { runProbes } from './collect.ts';
import type { Collected, CollectOptions } from './collected.ts';
import { portableDisks } from './portable/disks.ts';
import { portableCpu, portableLoad, portableUptime } from './portable/kernel-figures.ts';
import { portableMemory, portableSwap } from './portable/memory.ts';
import { portableNetwork } from './portable/network.ts';
import { portableOs } from './portable/os.ts';
import { portableProcesses } from './portable/processes.ts';

/**
 * The metrics of every visit on systems other than Linux, over Node's own os module and systeminformation: the same
 * families and fields as `collect`, less services, temperatures and what else such systems do not tell. Never throws.
 */
export async function collectPortable(options: CollectOptions): Promise<Collected> {
  return runProbes(options, [
    portableDisks,
    portableCpu,
    portableLoad,
    portableMemory,
    portableSwap,
    portableNetwork,
    portableOs,
    portableUptime,
    portableProcesses,
  ]);
}
