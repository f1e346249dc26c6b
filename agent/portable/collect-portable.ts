import { runProbes } from '../probes/collect.ts';
import type { Collected, CollectOptions } from '../probes/collected.ts';
import { portableDisks } from './disks.ts';
import { portableCpu, portableLoad, portableUptime } from './kernel-figures.ts';
import { portableMemory, portableSwap } from './memory.ts';
import { portableNetwork } from './network.ts';
import { portableOs } from './os.ts';
import { portableProcesses } from './processes.ts';

/**
 * Collects the metrics of a visit on systems other than Linux, by Node's os module and systeminformation. Returns the
 * families and fields of `collect`, without services, temperatures and other values unknown there. Never throws.
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
