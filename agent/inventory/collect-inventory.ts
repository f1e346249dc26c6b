import type { Collected, CollectOptions } from '../probes/collected.ts';
import { runProbes } from '../probes/collect.ts';
import { cpuModel } from './cpu-model.ts';
import { diskDevices } from './disk-devices.ts';
import { memoryModules } from './memory-modules.ts';
import { networkCards } from './network-cards.ts';
import { system } from './system.ts';
import { users } from './users.ts';

/**
 * What a machine is made of: families `system`, `virtual_machine`, `os_release`, `cpu_model`, `memory_module`,
 * `disk_device`, `network_card` and `user`. Never throws. The same machine gives the same facts in the same order, and
 * nothing that changes by itself is among them. What needs root or is not told is null with that reason.
 */
export async function collectInventory(options: CollectOptions): Promise<Collected> {
  const { workerReports } = await runProbes(options, [
    ...system,
    cpuModel,
    memoryModules,
    diskDevices,
    networkCards,
    users,
  ]);
  return { workerReports, counters: null };
}
