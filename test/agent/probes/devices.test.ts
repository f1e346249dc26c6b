/**
 * Checks of devices, on files in the format of the kernel's documents and sources. All trees are invented: bonds by
 * https://docs.kernel.org/networking/bonding.html, arrays by https://docs.kernel.org/admin-guide/md.html, memory
 * controllers by https://docs.kernel.org/admin-guide/RAS/main.html, btrfs by
 * https://btrfs.readthedocs.io/en/latest/ch-sysfs.html, pools by spa_state_to_name of OpenZFS.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { devicePlaces } from '../../../agent/probes/devices.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { checkAwks, checkedMachine, inShort, type Files } from '../../support/clients/built-in-checks.ts';

type Short = ReturnType<typeof inShort>;
interface Case {
  readonly what: string;
  readonly files: Files;
  /** The files of an earlier visit. */
  readonly before?: Files;
  readonly checks: readonly Short[];
}

interface Slave {
  readonly name: string;
  readonly status: string;
  readonly aggregator?: number;
}

const aggregatorOf = ({ aggregator }: Slave): string =>
  aggregator === undefined ? '' : `Aggregator ID: ${aggregator}\nActor Churn State: none\n`;

function bond(mode: string, active: string | null, slaves: readonly Slave[], status = 'up'): Files {
  const parts = slaves.map(
    (slave) =>
      `Slave Interface: ${slave.name}\nMII Status: ${slave.status}\nSpeed: 1000 Mbps\nDuplex: full\n` +
      `Link Failure Count: 1\nPermanent HW addr: 52:54:00:12:34:56\nSlave queue ID: 0\n${aggregatorOf(slave)}`,
  );
  const head =
    `Ethernet Channel Bonding Driver: v6.1.0-18-amd64\n\nBonding Mode: ${mode}\n` +
    (active === null ? '' : `Primary Slave: None\nCurrently Active Slave: ${active}\n`) +
    `MII Status: ${status}\nMII Polling Interval (ms): 100\nUp Delay (ms): 0\nDown Delay (ms): 0\n`;
  return { 'proc/net/bonding/bond0': [head, ...parts].join('\n') };
}

const up = (name: string): Slave => ({ name, status: 'up' });
const down = (name: string): Slave => ({ name, status: 'down' });
const inGroup = (name: string, aggregator: number): Slave => ({ name, status: 'up', aggregator });
const backup = 'fault-tolerance (active-backup)';
const dynamic = (partner: string): string =>
  'IEEE 802.3ad Dynamic link aggregation\nTransmit Hash Policy: layer2 (0)\n\n802.3ad info\nLACP rate: slow\n' +
  `Active Aggregator Info:\n\tAggregator ID: 1\n\tNumber of ports: 2\n\tPartner Mac Address: ${partner}\n`;

/** Returns a bond without `miimon`, and with these lines behind. */
function unwatched(lines: string): Files {
  const [[file, text] = ['', '']] = Object.entries(bond(backup, 'eth0', [up('eth0'), up('eth1')]));
  return { [file]: text.replace('(ms): 100', '(ms): 0').replace('Down Delay (ms): 0\n', `$&${lines}`) };
}

const bonds: readonly Case[] = [
  {
    what: 'a bond whose interfaces are up',
    files: bond(backup, 'eth0', [up('eth0'), up('eth1')]),
    checks: [{ name: 'bond:bond0', exit: 0, output: '2 of 2 interfaces up, eth0 active|interfaces=2 down=0' }],
  },
  {
    what: 'ports of one aggregator with a partner',
    files: bond(dynamic('52:54:00:aa:bb:cc'), null, [inGroup('eth0', 1), inGroup('eth1', 1)]),
    checks: [{ name: 'bond:bond0', exit: 0, output: '2 of 2 interfaces up|interfaces=2 down=0' }],
  },
  {
    what: 'ports of two aggregators, of which one carries',
    files: bond(dynamic('52:54:00:aa:bb:cc'), null, [inGroup('eth0', 1), inGroup('eth1', 2)]),
    checks: [{ name: 'bond:bond0', exit: 1, output: '2 of 2 interfaces up, in 2 aggregators|interfaces=2 down=0' }],
  },
  {
    what: 'a port that is down has an aggregator of its own',
    files: bond(dynamic('52:54:00:aa:bb:cc'), null, [inGroup('eth0', 1), { ...inGroup('eth1', 2), status: 'down' }]),
    checks: [{ name: 'bond:bond0', exit: 1, output: '1 of 2 interfaces up, eth1 down|interfaces=2 down=1' }],
  },
  {
    what: 'ports without a partner',
    files: bond(dynamic('00:00:00:00:00:00'), null, [inGroup('eth0', 1), inGroup('eth1', 1)]),
    checks: [{ name: 'bond:bond0', exit: 1, output: '2 of 2 interfaces up, no partner|interfaces=2 down=0' }],
  },
  {
    what: 'an interface that is down',
    files: bond(backup, 'eth1', [down('eth0'), up('eth1')]),
    checks: [
      { name: 'bond:bond0', exit: 1, output: '1 of 2 interfaces up, eth0 down, eth1 active|interfaces=2 down=1' },
    ],
  },
  {
    what: 'an interface that comes back',
    files: bond(backup, 'eth1', [{ name: 'eth0', status: 'going back' }, up('eth1')]),
    checks: [
      { name: 'bond:bond0', exit: 1, output: '1 of 2 interfaces up, eth0 going back, eth1 active|interfaces=2 down=1' },
    ],
  },
  {
    what: 'no active interface',
    files: bond(backup, 'None', [up('eth0')]),
    checks: [{ name: 'bond:bond0', exit: 1, output: '1 of 1 interfaces up, none active|interfaces=1 down=0' }],
  },
  {
    what: 'a bond whose interfaces are all down',
    files: bond(backup, 'None', [down('eth0'), down('eth1')], 'down'),
    checks: [
      {
        name: 'bond:bond0',
        exit: 2,
        output: '0 of 2 interfaces up, eth0 down, eth1 down, none active|interfaces=2 down=2',
      },
    ],
  },
  {
    what: 'a bond whose links the kernel does not watch',
    files: unwatched(''),
    checks: [
      {
        name: 'bond:bond0',
        exit: 1,
        output: '2 of 2 interfaces up, but no link is watched: set miimon, eth0 active|interfaces=2 down=0',
      },
    ],
  },
  {
    what: 'a bond that asks its neighbours by ARP',
    files: unwatched('ARP Polling Interval (ms): 60\nARP Missed Max: 2\nARP IP target/s (n.n.n.n form): 192.0.2.1\n'),
    checks: [{ name: 'bond:bond0', exit: 0, output: '2 of 2 interfaces up, eth0 active|interfaces=2 down=0' }],
  },
  {
    what: 'the unused bond that the module makes when it is loaded',
    files: bond('load balancing (round-robin)', null, [], 'down'),
    checks: [{ name: 'bond:bond0', exit: 0, output: '0 of 0 interfaces up|interfaces=0 down=0' }],
  },
  {
    what: 'a bond that tells nothing',
    files: { 'proc/net/bonding/bond0': '' },
    checks: [{ name: 'bond:bond0', exit: 3, output: 'cannot be read' }],
  },
];

function array(name: string, changed: Readonly<Record<string, string>>): Files {
  const raid1 = {
    array_state: 'clean',
    metadata_version: '1.2',
    level: 'raid1',
    raid_disks: '2',
    degraded: '0',
    sync_action: 'idle',
    sync_completed: 'none',
    mismatch_cnt: '0',
  };
  const files = Object.entries({ ...raid1, ...changed }).filter(([, text]) => text !== '');
  return Object.fromEntries(files.map(([file, text]) => [`sys/block/${name}/md/${file}`, `${text}\n`]));
}
const noRedundancy = { degraded: '', sync_action: '', sync_completed: '', mismatch_cnt: '' };

const arrays: readonly Case[] = [
  {
    what: 'whole arrays, and disks that are none',
    files: {
      ...array('md0', {}),
      ...array('md127', { ...noRedundancy, level: 'raid0' }),
      'sys/block/sda/size': '1\n',
      'sys/block/mdx/size': '1\n',
    },
    checks: [
      { name: 'md:md0', exit: 0, output: 'raid1 clean|degraded=0 mismatch_cnt=0 disks=2' },
      { name: 'md:md127', exit: 0, output: 'raid0 clean' },
    ],
  },
  {
    what: 'an array without one of its disks',
    before: array('md0', {}),
    files: array('md0', { array_state: 'active', degraded: '1' }),
    checks: [
      {
        name: 'md:md0',
        exit: 2,
        output: 'raid1 active, 1 of 2 disks missing|degraded=1 mismatch_cnt=0 disks=1 most_disks=2',
      },
    ],
  },
  {
    what: 'a recovery, which is no end of the fault',
    before: array('md0', {}),
    files: array('md0', { degraded: '1', sync_action: 'recover', sync_completed: '1000 / 3000' }),
    checks: [
      {
        name: 'md:md0',
        exit: 2,
        output: 'raid1 clean, 1 of 2 disks missing, recover 33 %|degraded=1 mismatch_cnt=0 disks=1 most_disks=2',
      },
    ],
  },
  {
    what: 'a check, which is no fault',
    files: array('md0', { sync_action: 'check', sync_completed: '2093056 / 2094080', mismatch_cnt: '128' }),
    checks: [{ name: 'md:md0', exit: 0, output: 'raid1 clean, check 99 %|degraded=0 mismatch_cnt=128 disks=2' }],
  },
  {
    what: 'a resync that waits',
    files: array('md0', { array_state: 'read-auto', sync_action: 'resync' }),
    checks: [{ name: 'md:md0', exit: 0, output: 'raid1 read-auto, resync|degraded=0 mismatch_cnt=0 disks=2' }],
  },
  {
    what: 'an array that could not be started',
    files: array('md0', { ...noRedundancy, array_state: 'inactive', level: '' }),
    checks: [{ name: 'md:md0', exit: 2, output: 'inactive' }],
  },
  {
    what: 'a broken array without redundancy',
    files: array('md0', { ...noRedundancy, array_state: 'broken', level: 'raid0' }),
    checks: [{ name: 'md:md0', exit: 2, output: 'raid0 broken' }],
  },
  {
    what: 'a stopped array, and a container of other metadata with its array',
    files: {
      ...array('md0', { array_state: 'clear' }),
      ...array('md126', { metadata_version: 'external:/md127/0', level: 'raid5', raid_disks: '3' }),
      ...array('md127', { ...noRedundancy, array_state: 'inactive', metadata_version: 'external:imsm', level: '' }),
    },
    checks: [{ name: 'md:md126', exit: 0, output: 'raid5 clean|degraded=0 mismatch_cnt=0 disks=3' }],
  },
  {
    what: 'an array that tells nothing',
    files: { 'sys/block/md0/md/level': 'raid1\n' },
    checks: [{ name: 'md:md0', exit: 3, output: 'cannot be read' }],
  },
];

function controller(name: string, ce: string, ue: string): Files {
  const dir = `sys/devices/system/edac/mc/${name}`;
  return { [`${dir}/ce_count`]: ce, [`${dir}/ue_count`]: ue, [`${dir}/mc_name`]: 'Skylake Socket#0 IMC#0\n' };
}
const skylake = 'Skylake Socket#0 IMC#0: ';

const memories: readonly Case[] = [
  {
    what: 'memory with a few corrected errors of before',
    files: { ...controller('mc0', '5\n', '0\n'), 'sys/devices/system/edac/mc/power/control': 'auto\n' },
    checks: [
      {
        name: 'ecc:mc0',
        exit: 0,
        output: `${skylake}0 uncorrected and 5 corrected errors|uncorrected=0c corrected=5c`,
      },
    ],
  },
  {
    what: 'corrected errors that were added, in one of two controllers',
    before: { ...controller('mc0', '5\n', '0\n'), ...controller('mc1', '7\n', '0\n') },
    files: { ...controller('mc0', '9\n', '0\n'), ...controller('mc1', '7\n', '0\n') },
    checks: [
      {
        name: 'ecc:mc0',
        exit: 1,
        output:
          `${skylake}0 uncorrected and 9 corrected errors, ` +
          '4 corrected since the previous report|uncorrected=0c corrected=9c',
      },
      {
        name: 'ecc:mc1',
        exit: 0,
        output: `${skylake}0 uncorrected and 7 corrected errors|uncorrected=0c corrected=7c`,
      },
    ],
  },
  {
    what: 'counters that were reset',
    before: controller('mc0', '5\n', '0\n'),
    files: controller('mc0', '2\n', '0\n'),
    checks: [
      {
        name: 'ecc:mc0',
        exit: 0,
        output: `${skylake}0 uncorrected and 2 corrected errors|uncorrected=0c corrected=2c`,
      },
    ],
  },
  {
    what: 'an uncorrected error, also of before',
    before: controller('mc0', '0\n', '1\n'),
    files: controller('mc0', '0\n', '1\n'),
    checks: [
      {
        name: 'ecc:mc0',
        exit: 2,
        output: `${skylake}1 uncorrected and 0 corrected errors|uncorrected=1c corrected=0c`,
      },
    ],
  },
  {
    what: 'a controller that could not be read at one of two visits',
    before: controller('mc0', '', '0\n'),
    files: controller('mc0', '5\n', '0\n'),
    checks: [
      {
        name: 'ecc:mc0',
        exit: 0,
        output: `${skylake}0 uncorrected and 5 corrected errors|uncorrected=0c corrected=5c`,
      },
    ],
  },
  {
    what: 'a controller that tells nothing',
    files: controller('mc0', 'x\n', '0\n'),
    checks: [{ name: 'ecc:mc0', exit: 3, output: 'cannot be read' }],
  },
];

const uuid = '8f9a3d0e-6b1c-4c55-8a3e-52e1f5f0c001';
const errors = (counts: readonly number[]): string =>
  ['write', 'read', 'flush', 'corruption', 'generation'].map((kind, at) => `${kind}_errs ${counts[at]}\n`).join('');
const none = errors([0, 0, 0, 0, 0]);
/**
 * Returns the files of a btrfs file system. A device is a pair: the content of `missing`, and its error counts or null.
 */
function system(devices: Readonly<Record<string, readonly [string, string | null]>>, label = 'data'): Files {
  const files = Object.entries(devices).flatMap(([id, [missing, stats]]) => {
    const dir = `sys/fs/btrfs/${uuid}/devinfo/${id}`;
    return [[`${dir}/missing`, `${missing}\n`], ...(stats === null ? [] : [[`${dir}/error_stats`, stats]])];
  });
  return {
    ...(Object.fromEntries(files) as Files),
    [`sys/fs/btrfs/${uuid}/label`]: `${label}\n`,
    'sys/fs/btrfs/features/raid56': '0\n',
  };
}
const noFigures = 'write_errs=0c read_errs=0c flush_errs=0c corruption_errs=0c generation_errs=0c';
const someFigures = 'write_errs=3c read_errs=0c flush_errs=0c corruption_errs=12c generation_errs=0c';
const old = { 1: ['0', none], 10: ['0', errors([1, 0, 0, 7, 0])], 2: ['0', errors([2, 0, 0, 5, 0])] } as const;

const systems: readonly Case[] = [
  {
    what: 'file systems without errors, one of them without a label',
    files: {
      ...system({ 1: ['0', none], 2: ['0', none] }),
      'sys/fs/btrfs/9-0/devinfo/1/error_stats': none,
      'sys/fs/btrfs/9-0/devinfo/1/missing': '0\n',
    },
    checks: [
      { name: `btrfs:${uuid}`, exit: 0, output: `data: 2 devices|${noFigures}` },
      { name: 'btrfs:9-0', exit: 0, output: `1 device|${noFigures}` },
    ],
  },
  {
    what: 'errors of before',
    before: system(old),
    files: system(old),
    checks: [
      {
        name: `btrfs:${uuid}`,
        exit: 1,
        output:
          'data: 3 devices, device 10: 1 write 7 corruption errors, device 2: 2 write 5 corruption errors|' +
          someFigures,
      },
    ],
  },
  {
    what: 'errors that were added',
    before: system({ ...old, 10: ['0', none] }),
    files: system(old, ''),
    checks: [
      {
        name: `btrfs:${uuid}`,
        exit: 2,
        output:
          '3 devices, device 10: 1 write 7 corruption errors, device 2: 2 write 5 corruption errors, ' +
          `8 more errors since the previous report|${someFigures}`,
      },
    ],
  },
  {
    what: 'a missing device, whose counts are invalid',
    files: system({ 1: ['0', none], 2: ['1', 'invalid\n'] }),
    checks: [{ name: `btrfs:${uuid}`, exit: 2, output: `data: 2 devices, device 2 missing|${noFigures}` }],
  },
  {
    what: 'a kernel before 5.14',
    files: system({ 1: ['0', null] }),
    checks: [{ name: `btrfs:${uuid}`, exit: 0, output: 'data: 1 device, this kernel tells no errors' }],
  },
];

const pool = (name: string, state: string): Files => ({ [`proc/spl/kstat/zfs/${name}/state`]: state });
const pools: readonly Case[] = [
  {
    what: 'pools in each state, beside files that are no pool',
    files: {
      ...pool('a', 'ONLINE\n'),
      ...pool('b', 'DEGRADED\n'),
      ...pool('c d', 'SUSPENDED\n'),
      ...pool('e', 'FAULTED\n'),
      ...pool('f', ''),
      ...pool('h:i', 'OFFLINE\n'),
      'proc/spl/kstat/zfs/arcstats': '1 2 3\n',
      'proc/spl/kstat/zfs/g/io': '1\n',
    },
    checks: [
      { name: 'zfs:b', exit: 2, output: 'DEGRADED' },
      { name: 'zfs:c d', exit: 2, output: 'SUSPENDED' },
      { name: 'zfs:e', exit: 2, output: 'FAULTED' },
      { name: 'zfs:f', exit: 3, output: 'cannot be read' },
      { name: 'zfs:h:i', exit: 2, output: 'OFFLINE' },
      { name: 'zfs:a', exit: 0, output: 'ONLINE' },
    ],
  },
];

const cases = { bonds, arrays, memories, systems, pools };

/** Returns the case with names of devices that no other case has: one machine can then have the devices of all. */
function withOwnNames(one: Case, at: number): Case {
  const named = JSON.stringify(one)
    .replaceAll(/\b(bond|md|mc)(?=\d)/g, `$1${at + 1}`)
    .replaceAll(/(?<=52e1f5f0c00)1|(?<=9-)0/g, String(at));
  return JSON.parse(named) as Case;
}

/** Returns the last results of a machine that has the devices of all cases, and had those of before. */
async function visitAll(t: TestContext, list: readonly Case[]): Promise<readonly Short[]> {
  const machine = checkedMachine(t);
  await machine.visit(Object.assign({}, ...list.map(({ before }) => before)) as Files);
  return (await machine.visit(Object.assign({}, ...list.map(({ files }) => files)) as Files)).map(inShort);
}

for (const [kind, list] of Object.entries(cases)) {
  const named = list.map(withOwnNames);
  let visited: ReturnType<typeof visitAll> | null = null;
  for (const { what, checks } of named) {
    test(`${kind}: ${what}`, async (t) => {
      const names = new Set(checks.map(({ name }) => name));
      const found = (await (visited ??= visitAll(t, named))).filter(({ name }) => names.has(name));
      assert.deepEqual(sorted(found), sorted(checks));
    });
  }
  test(`${kind}: nothing else is a device`, async (t) => {
    assert.equal((await (visited ??= visitAll(t, named))).length, named.flatMap(({ checks }) => checks).length);
  });
}

for (const [kind, list] of Object.entries(cases)) {
  for (const [at, { what, files, before, checks }] of list.entries()) {
    const awk = checkAwks[at % checkAwks.length] ?? 'mawk';
    const only = { skip: skipUnlessWide };
    test(`${kind}: ${what}, on a machine of its own (${awk})`, only, async (t) => {
      const machine = checkedMachine(t, awk);
      if (before !== undefined) await machine.visit(before);
      assert.deepEqual((await machine.visit(files)).map(inShort), checks);
    });
  }
}

function sorted(checks: readonly Short[]): readonly Short[] {
  return checks.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

for (const awk of checkAwks) {
  test(`a machine with every device, and the visits that compare with a visit before (${awk})`, async (t) => {
    const machine = checkedMachine(t, awk);
    const all = Object.assign({}, ...Object.values(cases).map((list) => list[0]?.files)) as Files;
    const expected = Object.values(cases).flatMap((list) => list[0]?.checks ?? []);
    assert.deepEqual(sorted((await machine.visit(all)).map(inShort)), sorted(expected));
    const risen = { ...all, ...controller('mc0', '6\n', '0\n') };
    const found = [...(await machine.visit(risen, 5)), ...(await machine.visit(risen))];
    assert.deepEqual(
      found.filter(({ name }) => name === 'ecc:mc0').map(({ exit }) => exit),
      [1, 0],
    );
  });
}

test('both agents tell of every kind of devices, and of each a state is made', async (t) => {
  // A bond is a file of lines, of which the agents take some.
  const content = 'MII Status: 1\n1\n';
  const files = devicePlaces.flatMap(([, { folder, files: names }]) =>
    names.map((name) => [`${folder.slice(1)}/one${name.replaceAll('*', 'x')}`, content] as const),
  );
  const checks = await checkedMachine(t).visit(Object.fromEntries(files));
  assert.deepEqual(checks.map(({ name }) => name).toSorted(), devicePlaces.map(([kind]) => `${kind}:one`).toSorted());
});
