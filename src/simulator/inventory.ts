import type { Row, WorkerReport } from '../report/report.ts';
import { worker } from './figures.ts';
import type { SimulatedClient } from './fleet-plan.ts';
import type { Personality } from './personality.ts';

const durationMs = 40;

/** Returns the inventory: the families of agent/inventory/collect-inventory.ts, the same at every visit. */
export function inventoryOf(client: SimulatedClient, personality: Personality): readonly WorkerReport[] {
  const { cpus, memoryBytes, mounts, interfaces, distribution, kernel, machineUuid } = personality;
  const [, release = ''] = /(\d[\d.]*)/.exec(distribution) ?? [];
  return [
    worker('system', durationMs, {
      system: {
        manufacturer: 'QEMU',
        model: 'Standard PC (Q35 + ICH9, 2009)',
        version: 'pc-q35-8.2',
        serial: machineUuid.slice(0, 8),
        uuid: machineUuid,
        bios_vendor: 'SeaBIOS',
        bios_version: '1.16.3',
        bios_date: '04/01/2014',
        memory_bytes: Math.round(memoryBytes / 2 ** 26) * 2 ** 26,
      },
    }),
    worker('virtualisation', durationMs, { virtual_machine: { virtualisation: 'kvm' } }),
    worker('os', durationMs, {
      os_release: {
        platform: 'linux',
        distribution: distribution.replace(/ \d.*$/, ''),
        release,
        kernel,
        architecture: 'x86_64',
        hostname: client.name,
        firmware: 'bios',
      },
    }),
    worker('cpu', durationMs, {
      cpu_model: {
        manufacturer: 'AMD',
        model: 'EPYC 9354',
        signature: '25/17/1',
        sockets: 1,
        cores: cpus,
        threads: cpus,
        maximum_megahertz: 3800,
      },
    }),
    worker('disks', durationMs, { disk_device: devicesOf(mounts) }),
    worker('network', durationMs, {
      network_card: interfaces.map((name, index) => ({
        interface: name,
        address: client.address,
        mac: `52:54:00:${machineUuid.slice(0, 2)}:${machineUuid.slice(2, 4)}:0${index}`,
        type: 'wired',
        mtu: 1500,
      })),
    }),
    worker('users', durationMs, { user: { user: 'root', home: '/root', shell: '/bin/bash', uid: 0 } }),
  ];
}

function devicesOf(mounts: Personality['mounts']): readonly Row[] {
  const deviceOf = (source: string): string => source.replace(/^\/dev\/|\d+$/g, '');
  return [...new Set(mounts.map(({ source }) => deviceOf(source)))].map((device) => ({
    device,
    kind: 'HD',
    size_bytes: mounts
      .filter(({ source }) => deviceOf(source) === device)
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }));
}
