/** The parts of machines that the tests do not run on: systeminformation gives the facts of others. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';

import { cpuModel, diskDevices, memoryModules, networkCards } from '../../../agent/inventory/hardware.ts';
import type { Probe } from '../../../agent/probes/probe.ts';
import { information } from '../../../agent/probes/systeminformation.ts';
import type { FunctionReport, Row } from '../../../src/report/report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { rootWith } from '../../support/clients/shell-report.ts';
import { contextOf, familyOf, reasonOf } from '../probes/fixture-context.ts';

type Asked = 'blockDevices' | 'cpu' | 'diskLayout' | 'memLayout' | 'networkInterfaces';

/** Returns what a probe finds if systeminformation gives these answers. */
async function found(
  t: TestContext,
  probe: Probe,
  answers: Partial<Record<Asked, unknown>>,
  root = '/nowhere',
): Promise<readonly FunctionReport[]> {
  for (const [name, answer] of Object.entries(answers)) {
    t.mock.method(information, name as Asked, () => Promise.resolve(answer));
  }
  return (await probe.run(contextOf(root))).functions;
}

const processor = {
  ...{ manufacturer: 'AMD', brand: 'EPYC 7763', family: '25', model: '1', stepping: '1', revision: '0xa0011d5' },
  ...{ processors: 2, physicalCores: 8, cores: 16, speedMax: 3.25 },
};
const processors: readonly (readonly [what: string, cpu: Readonly<Record<string, unknown>>, row: Row])[] = [
  [
    'all facts, and the maker before the name',
    {},
    {
      ...{ manufacturer: 'AMD', model: 'AMD EPYC 7763', signature: '25/1/1', microcode: '0xa0011d5' },
      ...{ sockets: 2, cores: 8, threads: 16, maximum_megahertz: 3250 },
    },
  ],
  ['a name with its maker', { brand: 'AMD EPYC' }, { model: 'AMD EPYC' }],
  ['a name without a maker', { manufacturer: '' }, { manufacturer: null, model: 'EPYC 7763' }],
  ['a maker without a name', { brand: '' }, { manufacturer: 'AMD', model: null }],
  ['nothing', { revision: '', speedMax: 0, cores: 0 }, { microcode: null, maximum_megahertz: null, threads: null }],
];
for (const [what, cpu, row] of processors) {
  test(`the model of the processor: ${what}`, async (t) => {
    const functions = await found(t, cpuModel, { cpu: { ...processor, ...cpu } });
    for (const [field, value] of Object.entries(row)) {
      assert.equal(familyOf(functions, 'cpu_model').data[0]?.[field], value, field);
    }
  });
}

const module = {
  ...{ bank: 'DIMM 1', type: 'DDR4', formFactor: 'DIMM', manufacturer: 'Samsung', partNum: 'M393', serialNum: '1A' },
  ...{ size: 2 ** 34, clockSpeed: 3200 },
};
test('memory modules: those with a size and a fact of their own, by slot', async (t) => {
  const bare = { ...module, bank: '', type: '', formFactor: '' };
  const memLayout = [
    { ...module, bank: 'DIMM 2', serialNum: '2B' },
    module,
    ...[{ ...module, size: 0 }, bare],
    { ...bare, type: 'DDR5' },
    { ...bare, formFactor: 'SODIMM' },
  ];
  const { data } = familyOf(await found(t, memoryModules, { memLayout }), 'memory_module');
  assert.deepEqual(data[0], {
    ...{ slot: 'DIMM 1', type: 'DDR4', form: 'DIMM', manufacturer: 'Samsung', part: 'M393', serial: '1A' },
    ...{ size_bytes: 2 ** 34, megahertz: 3200 },
  });
  assert.deepEqual(
    data.map(({ slot, type, form, serial }) => [slot, type, form, serial]),
    [
      ['DIMM 1', 'DDR4', 'DIMM', '1A'],
      ['DIMM 2', 'DDR4', 'DIMM', '2B'],
      [null, 'DDR5', null, '1A'],
      [null, null, 'SODIMM', '1A'],
    ],
  );
});

test('a memory that systeminformation invents is no module', async (t) => {
  const memLayout = [{ ...module, bank: '', type: '', formFactor: '' }];
  const { data, unknown } = familyOf(await found(t, memoryModules, { memLayout }), 'memory_module');
  assert.deepEqual(data, []);
  assert.match(unknown?.[0]?.reason ?? '', /^not reported (?:by the machine|without root)$/);
});

const disk = { type: 'disk', model: 'own', serial: 's', protocol: 'sata', size: 1000 };
test('whole disks with the facts of their layout, or their own', async (t) => {
  const names = ['zram0', 'ram1', 'loop2', 'nbd3', 'sdb', 'zramx', 'nvme0n1'];
  const blockDevices = [
    ...names.map((name) => ({ ...disk, name })),
    ...[
      { ...disk, name: 'sdc', type: 'part' },
      { ...disk, name: 'sdd', size: 0 },
    ],
  ];
  const layout = {
    ...{ device: '/dev/sdb', vendor: 'Acme', name: 'Big', serialNum: '78', firmwareRevision: '1.0', type: 'HD' },
    ...{ interfaceType: 'SAS' },
  };
  const { data } = familyOf(await found(t, diskDevices, { blockDevices, diskLayout: [layout] }), 'disk_device');
  const own = { vendor: null, model: 'own', serial: 's', firmware: null, kind: null, interface: 'sata' };
  assert.deepEqual(data, [
    { device: 'nvme0n1', ...own, size_bytes: 1000 },
    {
      ...{ device: 'sdb', vendor: 'Acme', model: 'Big', serial: '78', firmware: '1.0', kind: 'HD', interface: 'SAS' },
      size_bytes: 1000,
    },
    { device: 'zramx', ...own, size_bytes: 1000 },
  ]);
});

test('a container has no hardware of its own', async (t) => {
  const root = rootWith(tempFolder(t), { 'run/systemd/container': 'lxc\n' });
  const blockDevices = [{ ...disk, name: 'sdb' }];
  for (const [family, functions] of [
    ['disk_device', await found(t, diskDevices, { blockDevices, diskLayout: [] }, root)],
    ['memory_module', await found(t, memoryModules, { memLayout: [module] }, root)],
  ] as const) {
    assert.deepEqual(familyOf(functions, family).data, []);
    assert.equal(reasonOf(functions, family, 'size_bytes'), 'a container sees that of its host');
  }
});

const card = (iface: string, more: Readonly<Record<string, unknown>> = {}) => ({
  ...{ iface, internal: false, ip4: '192.0.2.7', mac: '02:00:00:00:00:07', type: 'wired', mtu: 1500 },
  ...more,
});
const machines: Readonly<Record<string, readonly [answer: unknown, devices: readonly string[], wanted: unknown]>> = {
  'those of devices and bonds': [
    [card('veth1'), card('eth1'), card('bond0'), card('lo', { internal: true }), card('docker0')],
    ['eth1/device', 'bond0/bonding', 'lo/device'],
    ['bond0', 'eth1'],
  ],
  'without devices, those with names of cards': [
    ['br0', 'wlan0', 'eth0', 'ens3', 'host0', 'net0', 'tap0', 'venet0', 'xeth'].map((name) => card(name)),
    [],
    ['ens3', 'eth0', 'host0', 'net0', 'tap0', 'venet0', 'wlan0'],
  ],
  'a single one': [card('eth0'), [], ['eth0']],
};
for (const [what, [networkInterfaces, devices, wanted]] of Object.entries(machines)) {
  test(`network cards: ${what}`, async (t) => {
    const root = tempFolder(t);
    for (const place of devices) mkdirSync(`${root}/sys/class/net/${place}`, { recursive: true });
    const { data } = familyOf(await found(t, networkCards, { networkInterfaces }, root), 'network_card');
    assert.deepEqual(
      data.map((row) => row['interface']),
      wanted,
    );
    assert.deepEqual(
      { ...data[0], interface: '' },
      {
        ...{ interface: '', address: '192.0.2.7', mac: '02:00:00:00:00:07', type: 'wired', mtu: 1500 },
      },
    );
  });
}
