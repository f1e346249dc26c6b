import { runProbes } from '../probes/collect.ts';
import type { Collected, CollectOptions } from '../probes/collected.ts';
import { portableDisks } from './disks.ts';
import { portableCpu, portableLoad, portableUptime } from './kernel-figures.ts';
import { portableMemory, portableSwap } from './memory.ts';
import { portableNetwork } from './network.ts';
import { portableOs } from './os.ts';
import { portableProcesses } from './processes.ts';

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
