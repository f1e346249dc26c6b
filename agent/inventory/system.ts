import { machine } from 'node:os';

import { functionReport } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { virtualisationOf } from '../probes/virtualisation.ts';
import { information } from '../probes/systeminformation.ts';
import { inventoryMs, toldNumber, toldText } from './inventory.ts';

/** The step to which memory is rounded: the kernel's own part differs a little from boot to boot. */
const memoryStepBytes = 64 * 1024 * 1024;

const hardware: Probe = {
  name: 'system',
  deadlineMs: inventoryMs,
  run: async () => {
    const [product, bios, board, memory] = await Promise.all([
      information.system(),
      information.bios(),
      information.baseboard(),
      information.mem(),
    ]);
    return {
      functions: [
        functionReport('system', [
          {
            manufacturer: toldText(product.manufacturer),
            model: toldText(product.model),
            version: toldText(product.version),
            serial: toldText(product.serial),
            uuid: toldText(product.uuid),
            bios_vendor: toldText(bios.vendor),
            bios_version: toldText(bios.version),
            bios_date: toldText(bios.releaseDate),
            board_manufacturer: toldText(board.manufacturer),
            board_model: toldText(board.model),
            board_serial: toldText(board.serial),
            memory_bytes: toldNumber(Math.round(memory.total / memoryStepBytes) * memoryStepBytes),
          },
        ]),
      ],
    };
  },
};

const virtualisation: Probe = {
  name: 'virtualisation',
  deadlineMs: inventoryMs,
  run: async ({ source }) => {
    const { virtual, virtualHost } = await information.system();
    const found = virtualisationOf(source) ?? (virtual ? virtualHost?.toLowerCase() : undefined);
    return { functions: [functionReport('virtual_machine', [{ virtualisation: toldText(found ?? '') }])] };
  },
};

const operatingSystem: Probe = {
  name: 'os',
  deadlineMs: inventoryMs,
  run: async () => {
    const os = await information.osInfo();
    return {
      functions: [
        functionReport('os_release', [
          {
            platform: toldText(os.platform),
            distribution: toldText(os.distro),
            release: toldText(os.release),
            codename: toldText(os.codename),
            kernel: toldText(os.kernel),
            // The machine name of `uname -m`.
            architecture: toldText(machine()),
            hostname: toldText(os.hostname),
            build: toldText(os.build),
            firmware: os.uefi === null ? toldText('') : os.uefi ? 'uefi' : 'bios',
          },
        ]),
      ],
    };
  },
};

/** The probes of the whole machine: its hardware, its virtualisation and its operating system. */
export const system: readonly Probe[] = [hardware, virtualisation, operatingSystem];
