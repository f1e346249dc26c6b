import { emptyReport, functionReport, oneRow } from '../probes/function-report.ts';
import { physicalInterfaces } from '../probes/network.ts';
import type { Probe } from '../probes/probe.ts';
import { plausiblePositive, plausibleText } from '../probes/plausible.ts';
import { information } from '../probes/systeminformation.ts';
import { isContainer, ofTheHost } from '../probes/virtualisation.ts';
import { inOrder, inventoryMs, notReported, numberFact, textFact } from './inventory.ts';

/** The model of the processors, which are all alike. */
export const cpuModel: Probe = {
  name: 'cpu',
  deadlineMs: inventoryMs,
  run: async () => {
    const cpu = await information.cpu();
    return oneRow('cpu_model', {
      manufacturer: textFact(cpu.manufacturer),
      model: textFact(wholeName(cpu)),
      // Some CPUs have family 6 and model 0, so placeholders are not filtered here.
      signature: [cpu.family, cpu.model, cpu.stepping].join('/'),
      microcode: textFact(cpu.revision),
      sockets: numberFact(cpu.processors),
      cores: numberFact(cpu.physicalCores),
      threads: numberFact(cpu.cores),
      maximum_megahertz: numberFact(Math.round(cpu.speedMax * 1000)),
    });
  },
};

/** Returns a name like `AMD EPYC 7763`: systeminformation removes the manufacturer from the model's name. */
function wholeName({ manufacturer, brand }: { readonly manufacturer: string; readonly brand: string }): string {
  const maker = plausibleText(manufacturer);
  return maker === null || plausibleText(brand) === null || brand.includes(maker) ? brand : `${maker} ${brand}`;
}

/** The installed memory modules. */
export const memoryModules: Probe = {
  name: 'memory',
  deadlineMs: inventoryMs,
  run: async ({ source }) => {
    if (isContainer(source)) return { functions: [emptyReport('memory_module', 'size_bytes', ofTheHost)] };
    const slots = await information.memLayout();
    // Without access to the firmware systeminformation invents a module of the whole memory without other facts.
    const modules = slots.filter(
      ({ size, type, bank, formFactor }) =>
        plausiblePositive(size) !== null && [type, bank, formFactor].some((text) => plausibleText(text) !== null),
    );
    if (modules.length === 0) return { functions: [emptyReport('memory_module', 'size_bytes', notReported())] };
    const rows = modules.map((module) => ({
      slot: textFact(module.bank),
      type: textFact(module.type),
      form: textFact(module.formFactor),
      manufacturer: textFact(module.manufacturer),
      part: textFact(module.partNum),
      serial: textFact(module.serialNum),
      size_bytes: numberFact(module.size),
      megahertz: numberFact(module.clockSpeed),
    }));
    return { functions: [functionReport('memory_module', inOrder(rows, 'slot'))] };
  },
};

/** The whole disks, without partitions, volumes and disks in memory. */
export const diskDevices: Probe = {
  name: 'disks',
  deadlineMs: inventoryMs,
  run: async ({ source }) => {
    if (isContainer(source)) return { functions: [emptyReport('disk_device', 'size_bytes', ofTheHost)] };
    const [devices, layouts] = await Promise.all([information.blockDevices(), information.diskLayout()]);
    const disks = devices.filter(
      ({ type, name, size }) =>
        type === 'disk' && !/^(zram|ram|loop|nbd)\d/.test(name) && plausiblePositive(size) !== null,
    );
    const rows = disks.map((disk) => {
      const layout = layouts.find(({ device }) => device === `/dev/${disk.name}`);
      return {
        device: disk.name,
        vendor: textFact(layout?.vendor),
        model: textFact(layout?.name ?? disk.model),
        serial: textFact(layout?.serialNum ?? disk.serial),
        firmware: textFact(layout?.firmwareRevision),
        // The rotation flag of block devices is a guess in virtual machines.
        kind: textFact(layout?.type),
        interface: textFact(layout?.interfaceType ?? disk.protocol),
        size_bytes: numberFact(disk.size),
      };
    });
    return { functions: [functionReport('disk_device', inOrder(rows, 'device'))] };
  },
};

/** The physical interfaces and bonds, without values that change often: speeds, link states and IPv6 addresses. */
export const networkCards: Probe = {
  name: 'network',
  deadlineMs: inventoryMs,
  run: async ({ source }) => {
    const answer = await information.networkInterfaces();
    const found = (Array.isArray(answer) ? answer : [answer]).filter(({ internal }) => !internal);
    const physical =
      process.platform === 'linux'
        ? physicalInterfaces(
            found.map(({ iface }) => iface),
            source,
          )
        : found.filter((one) => !one.virtual).map(({ iface }) => iface);
    const rows = found
      .filter(({ iface }) => physical.includes(iface))
      .map((one) => ({
        interface: one.iface,
        address: textFact(one.ip4),
        mac: textFact(one.mac),
        type: textFact(one.type),
        mtu: numberFact(one.mtu),
      }));
    return { functions: [functionReport('network_card', inOrder(rows, 'interface'))] };
  },
};
