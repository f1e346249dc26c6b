import type { Collected, CollectOptions } from './collected.ts';
import { runProbes } from './collect.ts';
import { cpuModel } from './inventory/cpu-model.ts';
import { diskDevices } from './inventory/disk-devices.ts';
import { memoryModules } from './inventory/memory-modules.ts';
import { networkCards } from './inventory/network-cards.ts';
import { system } from './inventory/system.ts';
import { users } from './inventory/users.ts';

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
