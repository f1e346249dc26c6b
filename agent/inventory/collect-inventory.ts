/** agent/inventory: the daily inventory. */
import { machine } from 'node:os';

import { runProbes } from '../probes/collect.ts';
import type { Collected, CollectOptions } from '../probes/collected.ts';
import { functionReport, missing, oneRow } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { information } from '../probes/systeminformation.ts';
import { isContainer, ofTheHost, virtualisationOf } from '../probes/virtualisation.ts';
import { cpuModel, diskDevices, memoryModules, networkCards } from './hardware.ts';
import { inOrder, inventoryMs, numberFact, textFact } from './inventory.ts';
import { poolsOfToday } from './pools.ts';
import { updatesOfToday } from './updates.ts';

/**
 * Collects the parts of a machine: families `system`, `virtual_machine`, `os_release`, `cpu_model`, `memory_module`,
 * `disk_device`, `network_card` and `user`. Never throws. The same machine gives the same facts in the same order;
 * values that change by themselves are left out. Keeps pending updates and the figures of ZFS pools for the checks of
 * visits. A value that needs root or is unknown is null with that reason.
 */
export async function collectInventory(options: CollectOptions): Promise<Collected> {
  const probes = [
    system,
    virtualisation,
    os,
    cpuModel,
    memoryModules,
    diskDevices,
    networkCards,
    users,
    updatesOfToday,
    poolsOfToday,
  ];
  const { workerReports } = await runProbes(options, probes);
  return { workerReports, counters: null, report: { name: 'Inventory report' } };
}

/** The step to which memory is rounded: the kernel's own part differs a little from boot to boot. */
const memoryStepBytes = 64 * 1024 * 1024;

const system: Probe = {
  name: 'system',
  deadlineMs: inventoryMs,
  run: async ({ source }) => {
    const [product, bios, board, memory] = await Promise.all([
      information.system(),
      information.bios(),
      information.baseboard(),
      information.mem(),
    ]);
    // A container sees the firmware of its host.
    const fact = isContainer(source) ? () => missing(ofTheHost) : textFact;
    return oneRow('system', {
      manufacturer: fact(product.manufacturer),
      model: fact(product.model),
      version: fact(product.version),
      serial: fact(product.serial),
      uuid: fact(product.uuid),
      bios_vendor: fact(bios.vendor),
      bios_version: fact(bios.version),
      bios_date: fact(bios.releaseDate),
      board_manufacturer: fact(board.manufacturer),
      board_model: fact(board.model),
      board_serial: fact(board.serial),
      memory_bytes: numberFact(Math.round(memory.total / memoryStepBytes) * memoryStepBytes),
    });
  },
};

const virtualisation: Probe = {
  name: 'virtualisation',
  deadlineMs: inventoryMs,
  run: async ({ source }) => {
    const { virtual, virtualHost } = await information.system();
    const found = virtualisationOf(source) ?? (virtual ? virtualHost?.toLowerCase() : undefined);
    return oneRow('virtual_machine', { virtualisation: textFact(found ?? '') });
  },
};

const os: Probe = {
  name: 'os',
  deadlineMs: inventoryMs,
  run: async () => {
    const osInfo = await information.osInfo();
    return oneRow('os_release', {
      platform: textFact(osInfo.platform),
      distribution: textFact(osInfo.distro),
      release: textFact(osInfo.release),
      codename: textFact(osInfo.codename),
      kernel: textFact(osInfo.kernel),
      // The machine name of `uname -m`.
      architecture: textFact(machine()),
      hostname: textFact(osInfo.hostname),
      build: textFact(osInfo.build),
      firmware: osInfo.uefi === null ? textFact('') : osInfo.uefi ? 'uefi' : 'bios',
    });
  },
};

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
      // An empty shell in /etc/passwd means /bin/sh.
      if (shell === undefined || user === '' || user.startsWith('#') || noLogin.test(shell)) return [];
      return [{ user, home, shell: shell === '' ? '/bin/sh' : shell, uid: Number(uid) }];
    });
    return { functions: [functionReport('user', inOrder(rows, 'user'))] };
  },
};
