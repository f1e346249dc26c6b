import { functionReport } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { plausiblePositive } from '../probes/plausible.ts';
import { information } from '../probes/systeminformation.ts';
import { inOrder, inventoryMs, toldNumber, toldText } from './inventory.ts';

/** Whole disks; no partitions, no volumes, nothing that lives in memory. */
export const diskDevices: Probe = {
  name: 'disks',
  deadlineMs: inventoryMs,
  run: async () => {
    const [devices, layouts] = await Promise.all([information.blockDevices(), information.diskLayout()]);
    const disks = devices.filter(
      ({ type, name, size }) =>
        type === 'disk' && !/^(zram|ram|loop|nbd)\d/.test(name) && plausiblePositive(size) !== null,
    );
    const rows = disks.map((disk) => {
      const layout = layouts.find(({ device }) => device === `/dev/${disk.name}`);
      return {
        device: disk.name,
        vendor: toldText(layout?.vendor),
        model: toldText(layout?.name ?? disk.model),
        serial: toldText(layout?.serialNum ?? disk.serial),
        firmware: toldText(layout?.firmwareRevision),
        // What block devices say of rotation is a guess in virtual machines.
        kind: toldText(layout?.type),
        interface: toldText(layout?.interfaceType ?? disk.protocol),
        size_bytes: toldNumber(disk.size),
      };
    });
    return { functions: [functionReport('disk_device', inOrder(rows, 'device'))] };
  },
};
