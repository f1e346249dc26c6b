import type { Collected, CollectOptions } from '../probes/collected.ts';
import { runProbes } from '../probes/collect.ts';
import { functionReport } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { cpuModel, diskDevices, memoryModules, networkCards } from './hardware.ts';
import { inOrder, inventoryMs } from './inventory.ts';
import { system } from './system.ts';

/**
 * Collects the parts of a machine: families `system`, `virtual_machine`, `os_release`, `cpu_model`, `memory_module`,
 * `disk_device`, `network_card` and `user`. Never throws. The same machine gives the same facts in the same order;
 * values that change by themselves are left out. A value that needs root or is unknown is null with that reason.
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

const maxPasswdBytes = 256 * 1024;
const noLogin = /\/(nologin|false|sync|halt|shutdown|true|git-shell)$/;

/** The local accounts with a login shell in /etc/passwd. Current logins are no part of an inventory. */
export const users: Probe = {
  name: 'users',
  deadlineMs: inventoryMs,
  run: ({ source }) => {
    const lines = source.readStart('/etc/passwd', maxPasswdBytes).split('\n');
    const rows = lines.flatMap((line) => {
      const [user = '', , uid = '', , , home = '', shell] = line.split(':');
      // An empty shell in /etc/passwd stands for /bin/sh.
      if (shell === undefined || user === '' || user.startsWith('#') || noLogin.test(shell)) return [];
      return [{ user, home, shell: shell === '' ? '/bin/sh' : shell, uid: Number(uid) }];
    });
    return { functions: [functionReport('user', inOrder(rows, 'user'))] };
  },
};
