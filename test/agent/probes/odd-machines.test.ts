/**
 * Figures of odd machines: forms that the test suites of node_exporter, procfs and psutil know, written anew by the
 * documents of the kernel.
 */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';

import { collect } from '../../../agent/probes/collect.ts';
import { openSource } from '../../../agent/live/live-source.ts';
import { cpu } from '../../../agent/probes/cpu.ts';
import { disks } from '../../../agent/probes/disks.ts';
import { diskIo } from '../../../agent/probes/disk-io.ts';
import { kernel } from '../../../agent/probes/kernel.ts';
import { load } from '../../../agent/probes/load.ts';
import { usageFacts } from '../../../agent/probes/mount-figures.ts';
import { reachableMounts } from '../../../agent/probes/mountinfo.ts';
import { fileSystems } from '../../../agent/probes/reported-mounts.ts';
import { memory } from '../../../agent/probes/memory.ts';
import { network } from '../../../agent/probes/network.ts';
import type { Probe } from '../../../agent/probes/probe.ts';
import { swap } from '../../../agent/probes/swap.ts';
import { temperatures } from '../../../agent/probes/temperatures.ts';
import { uptime } from '../../../agent/probes/uptime.ts';
import { metricOf } from '../../../src/report/metrics.ts';
import { rootWith, rowsOf, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { contextOf, familyOf, onlyRow, reasonOf } from './fixture-context.ts';
import { run, type Files } from './files-in-memory.ts';

const card = (name: string, line: string, more: Files = {}): Files => ({
  '/proc/net/dev': `Inter-|   Receive\n face |bytes    packets\n${line}\n`,
  [`/sys/class/net/${name}/device/vendor`]: '1',
  ...more,
});
const sixteen = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16';
const speedOf = (name: string, megabits: string): Files => ({ [`/sys/class/net/${name}/speed`]: megabits });
const speed = (megabits: string): Files => card('eth0', `eth0: ${sixteen}`, speedOf('eth0', megabits));
const whole = { '/sys/block/sda/device/vendor': '1', '/sys/block/cciss!c0d0/device/vendor': '1' };
const sensor = (file: string, text = '45000\n'): Files => ({ [`/sys/class/hwmon/${file}`]: text });

const lxc = { '/run/systemd/container': 'lxc\n' };
const firstProcess = (start: number, threads = 1): Files => ({
  '/proc/1/stat': `1 (init) S 0 1 1 0 -1 4194560 1 0 0 0 5 7 0 0 20 0 ${threads} 0 ${start} 1000 200 1844\n`,
});
const over = (file: string): Files => ({
  '/proc/self/mountinfo': `40 20 0:50 ${file} ${file} rw - fuse.lxcfs lxcfs rw\n`,
});
const caches =
  'Active(file): 1700000 kB\nInactive(file): 2600000 kB\nSReclaimable: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n';

interface Odd {
  readonly what: string;
  readonly probe: Probe;
  readonly files: Files;
  /** The rows of the family, with these fields. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly family?: string;
}

const machines: readonly Odd[] = [
  {
    what: 'a load average beside the last process',
    probe: load,
    files: { '/proc/loadavg': '0.21 0.37 0.39 1/719 19737\n' },
    rows: [{ load1: 0.21, load5: 0.37, load15: 0.39 }],
  },
  ...(
    [
      ['that of its host, with 4312 tasks', '21.5 20.1 19.9 5/4312 880123\n', null],
      ['its own, as lxcfs can count it', '1.5 1.1 0.9 5/180 123\n', 1.5],
    ] as const
  ).map(([whose, text, load1]) => ({
    what: `the load of a container: ${whose}`,
    probe: load,
    files: { '/proc/loadavg': text, ...lxc, ...firstProcess(1, 170) },
    rows: [{ load1 }],
  })),
  {
    what: 'the load of gVisor, which counts nothing',
    probe: load,
    files: { '/proc/loadavg': '0.00 0.00 0.00 0/0 0\n' },
    rows: [{ load1: null, load15: null }],
  },
  ...(
    [
      ['that of its host: the time of its first process', firstProcess(8_000_000), 10_000],
      ['its own, by lxcfs', { ...firstProcess(8_000_000), ...over('/proc/uptime') }, 90_000],
      ['its own, by the kernel', firstProcess(9_100_000), 90_000],
      ['that of its host, with a first process that nobody may see', {}, null],
    ] as const
  ).map(([whose, files, seconds]) => ({
    what: `the uptime of a container: ${whose}`,
    probe: uptime,
    files: { '/proc/uptime': '90000.00 1.00\n', ...lxc, ...files },
    rows: [{ seconds }],
  })),
  {
    what: 'a host beside whose first process there is time',
    probe: uptime,
    files: { '/proc/uptime': '90000.00 1.00\n', ...firstProcess(800) },
    rows: [{ seconds: 90_000 }],
  },
  {
    what: 'an uptime of years',
    probe: uptime,
    files: { '/proc/uptime': '394371600.10 1.00\n' },
    rows: [{ seconds: 394_371_600.1 }],
  },
  {
    what: 'CPUs of which some are offline, in any order',
    probe: cpu,
    files: {
      '/proc/stat': 'cpu  9 9 9 9 9 9 9 0 0 0\ncpu3 4 4 4 4 4 4 4 0 0 0\ncpu0 5 5 5 5 5 5 5 0 0 0\nintr 1 2 3\n',
    },
    rows: [{ cpus: 2, used_percent: null }],
  },
  {
    what: 'memory of a kernel before 3.14, without enough to estimate',
    probe: memory,
    files: { '/proc/meminfo': 'MemTotal: 100 kB\nMemFree: 20 kB\nBuffers: 5 kB\nHugePages_Total: 0\n' },
    rows: [{ total_bytes: 102_400, available_bytes: null, used_percent: null }],
  },
  ...(
    [
      ['has a cache', caches, 6_144_000 * 1024, 32.57],
      ['has none', '', 6_144_000 * 1024, 99.81],
    ] as const
  ).map(([what, more, total, percent]) => ({
    what: `a container of which MemAvailable is MemFree ${what}`,
    probe: memory,
    files: {
      '/proc/meminfo': `MemTotal: 6144000 kB\nMemFree: 11956 kB\nMemAvailable: 11956 kB\n${more}`,
      '/proc/sys/vm/min_free_kbytes': '67584\n',
    },
    rows: [{ total_bytes: total, used_percent: percent }],
  })),
  {
    what: 'a machine without swap',
    probe: swap,
    files: { '/proc/meminfo': 'SwapTotal: 0 kB\nSwapFree: 0 kB\n' },
    rows: [{ total_bytes: 0, used_bytes: 0, used_percent: null }],
  },
  ...['0 kB\nSwapFree: 18446744073709551488 kB\n', '1048576 kB\nSwapFree: 1048580 kB\n'].map((free) => ({
    what: `swap of lxcfs of which more is free than there is: ${free.replaceAll('\n', ' ')}`,
    probe: swap,
    files: { '/proc/meminfo': `SwapTotal: ${free}` },
    rows: [{ used_bytes: null, used_percent: null }],
  })),
  ...(
    [
      ['some of it', { max: '1073741824', current: '536870912' }, [2 ** 30, 2 ** 29, 50]],
      ['as much as there is', { max: 'max', current: '1048576' }, [8_000_000 * 1024, 2 ** 20, 0.01]],
      ['more than there is', { max: '1099511627776', current: '0' }, [8_000_000 * 1024, 0, 0]],
      ['none', { max: '0', current: '0' }, [0, 0, null]],
      ['what nobody tells', {}, [null, null, null]],
    ] as const
  ).map(([what, figures, [total, used, percent]]) => ({
    what: `a container on a host with swap, of which it may have ${what}`,
    probe: swap,
    files: {
      '/proc/meminfo': 'SwapTotal: 8000000 kB\nSwapFree: 100000 kB\n',
      ...lxc,
      ...Object.fromEntries(
        Object.entries(figures).map(([name, text]) => [`/sys/fs/cgroup/memory.swap.${name}`, `${text}\n`]),
      ),
    },
    rows: [{ total_bytes: total, used_bytes: used, used_percent: percent }],
  })),
  ...[{ ...lxc, ...over('/proc/meminfo') }, { '/proc/vz/x': '' }, {}].map((files) => ({
    what: `swap that is its own, with ${Object.keys(files).join(', ')}`,
    probe: swap,
    files: { '/proc/meminfo': 'SwapTotal: 8000000 kB\nSwapFree: 2000000 kB\n', ...files },
    rows: [{ used_percent: 75 }],
  })),
  {
    what: 'open files with tabs between them, and no limit of connections',
    probe: kernel,
    files: { '/proc/sys/fs/file-nr': '1024\t0\t1631329\n', '/proc/sys/net/netfilter/nf_conntrack_max': '0\n' },
    rows: [{ open_files_percent: 0.06, conntrack_percent: null, oom_kills: null }],
  },
  {
    what: 'an interface without a blank behind its name, and an alias',
    probe: network,
    files: card('vlan.10:1', `vlan.10:1:${sixteen}`),
    rows: [{ interface: 'vlan.10:1', link_up: null, speed_bits_per_s: null }],
  },
  ...['-1\n', '0\n', '65535\n', '4294967295\n'].map((megabits) => ({
    what: `a link speed of ${megabits.trim()}, which means that nobody knows`,
    probe: network,
    files: speed(megabits),
    rows: [{ interface: 'eth0', speed_bits_per_s: null }],
  })),
  {
    what: 'a tunnel, whose driver always tells 10 Mbit/s',
    probe: network,
    files: { '/proc/net/dev': `tap0: ${sixteen}\n`, ...speedOf('tap0', '10\n'), '/sys/class/net/tap0/tun_flags': '' },
    rows: [{ interface: 'tap0', speed_bits_per_s: null }],
  },
  {
    what: 'sensors and chips without a name',
    probe: temperatures,
    files: { ...sensor('hwmon0/name', '\n'), ...sensor('hwmon0/temp1_input'), ...sensor('hwmon0/temp1_label', '\n') },
    rows: [{ sensor: 'hwmon0/temp1' }],
  },
  {
    what: 'a thermal zone in whole degrees, and one near the freezing point',
    probe: temperatures,
    files: {
      '/sys/class/thermal/thermal_zone0/temp': '65\n',
      '/sys/class/thermal/thermal_zone1/temp': '1500\n',
      '/sys/class/thermal/thermal_zone2/temp': '-65\n',
    },
    rows: [
      { sensor: 'thermal/thermal_zone0', celsius: null },
      { sensor: 'thermal/thermal_zone1', celsius: 1.5 },
      { sensor: 'thermal/thermal_zone2', celsius: null },
    ],
  },
  { what: 'a fast link', probe: network, files: speed('400000\n'), rows: [{ speed_bits_per_s: 4e11 }] },
  {
    what: 'the interfaces of a container: of systemd-nspawn, also with MACVLAN, of rootless Podman, and of OpenWrt',
    probe: network,
    files: {
      '/proc/net/dev': ['lo', 'host0', 'mv-eno1', 'tap0', 'wan', 'docker0']
        .map((name) => `${name}: ${sixteen}\n`)
        .join(''),
    },
    rows: ['host0', 'mv-eno1', 'tap0', 'wan'].map((name) => ({ interface: name })),
  },
  {
    what: 'disks with the columns of a new kernel, partitions of an old one, and a controller with a slash',
    probe: diskIo,
    files: {
      ...whole,
      '/proc/diskstats':
        ' 104 0 cciss/c0d0 1 2 3 4 5 6 7 8 0 9 10\n   8 0 sda 10 1 20 5 30 2 40 6 0 7 11 1 2 3 4 5 6\n' +
        '   8 1 sda1 35486 38030 4096 12\n   7 0 loop0 1 1 1 1 1 1 1 1 1 1 1\n',
    },
    rows: [
      { device: 'cciss/c0d0', reads: 1, read_bytes: 1536, busy_ms: 9, busy_percent: null },
      { device: 'sda', reads: 10, reads_merged: 1, read_bytes: 10_240, write_bytes: 20_480, write_ms: 6, busy_ms: 7 },
    ],
  },
  {
    what: 'sensors of Linux 3.10, whose files are those of the device',
    probe: temperatures,
    files: { ...sensor('hwmon0/device/temp2_input'), ...sensor('hwmon0/device/name', 'coretemp\n') },
    rows: [{ sensor: 'coretemp/temp2', celsius: 45 }],
  },
  {
    what: 'three sensors of one name',
    probe: temperatures,
    files: {
      ...sensor('hwmon0/name', 'nvme\n'),
      ...(Object.assign(
        {},
        ...['temp1', 'temp2', 'temp3'].flatMap((name) => [
          sensor(`hwmon0/${name}_input`),
          sensor(`hwmon0/${name}_label`, 'Sensor\n'),
        ]),
      ) as Files),
    },
    rows: ['temp1', 'temp2', 'temp3'].map((name) => ({ sensor: `nvme/hwmon0/Sensor/${name}`, celsius: 45 })),
  },
  {
    what: 'inputs that are not connected',
    probe: temperatures,
    files: {
      ...sensor('hwmon0/temp1_input', '127000\n'),
      ...sensor('hwmon0/temp2_input', '-128000\n'),
      ...sensor('hwmon0/temp3_input', ''),
    },
    rows: [{ celsius: null }, { celsius: null }, { celsius: null }],
  },
];

for (const { what, probe, files, rows } of machines) {
  test(`odd machines: ${what}`, () => {
    const data = run(probe, files).functions[0]?.data ?? [];
    const fields = rows.map((row) => Object.keys(row));
    const found = data.map((row, at) => Object.fromEntries((fields[at] ?? []).map((field) => [field, row[field]])));
    assert.deepEqual(found, rows);
  });
}

test('odd machines: a virtual card is faster than the speed that it tells', () => {
  const counts = (bytes: number): string => `eth0: ${bytes} 2 0 0 0 0 0 0 ${bytes} 2 0 0 0 0 0 0`;
  for (const megabits of ['10', '1000', '10000']) {
    const at = (bytes: number): Files => card('eth0', counts(bytes), speedOf('eth0', megabits));
    const { counters = null } = run(network, at(0));
    const { functions } = run(network, at(4e10), { counters, elapsedMs: 10_000 });
    assert.equal(onlyRow(functions, 'network')['rx_bytes_per_s'], 4e9, megabits);
  }
});

test('odd machines: a kernel that tells no CPU times has no shares', () => {
  const files = { '/proc/stat': 'cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n' };
  const { counters = null } = run(cpu, files);
  const { functions } = run(cpu, files, { counters, elapsedMs: 10_000 });
  assert.equal(onlyRow(functions, 'cpu')['used_percent'], null);
  assert.equal(reasonOf(functions, 'cpu', 'used_percent'), 'the kernel tells no CPU times');
});

test('odd machines: images that are always full have no shares, beside a disk that fills', () => {
  const full = { bsize: 4096, blocks: 100, bfree: 0, bavail: 0, files: 100, ffree: 0 };
  const share = (fstype: string, mode: string, usage = full): unknown =>
    typeof usageFacts([usage], fstype, mode)['used_percent'] === 'number';
  const images = ['squashfs', 'iso9660', 'erofs', 'overlay', 'btrfs', 'composefs', 'fuse', 'fuse.squashfuse'];
  for (const fstype of images) assert.equal(share(fstype, 'ro'), false, fstype);
  for (const fstype of ['ext4', 'xfs', 'zfs']) assert.equal(share(fstype, 'ro'), true, fstype);
  for (const fstype of ['overlay', 'btrfs', 'ext4', 'xfs', 'fuse.glusterfs'])
    assert.equal(share(fstype, 'rw'), true, fstype);
  for (const fstype of ['overlay', 'btrfs']) assert.equal(share(fstype, 'ro', { ...full, bfree: 9, bavail: 9 }), true);
  const some = { ...full, bfree: 1, bavail: 1 };
  const onLoop = (mode: string, source: string, usage = some): unknown =>
    typeof usageFacts([usage], 'ext4', mode, source)['used_percent'];
  assert.equal(onLoop('ro', '/dev/loop7'), 'object');
  assert.equal(onLoop('rw', '/dev/loop7'), 'number');
  assert.equal(onLoop('ro', '/dev/sda1'), 'number');
});

test('odd machines: a disk of which the kernel counts nothing has no rates, and no 0 since its boot', () => {
  const files = {
    '/proc/diskstats': `8 0 sda ${'0 '.repeat(11)}\n8 16 sdb 1 0 8 1 ${'0 '.repeat(7)}\n`,
    '/sys/block/sda/device': '',
    '/sys/block/sdb/device': '',
  };
  const { functions } = run(diskIo, files);
  const rows = functions[0]?.data.map((row) => [row['device'], row['reads'], row['writes'], row['busy_percent']]);
  assert.deepEqual(rows, [
    ['sda', null, null, null],
    ['sdb', 1, 0, null],
  ]);
  assert.equal(reasonOf(functions, 'disk_io', 'reads'), 'the kernel counts nothing of it');
});

test('odd machines: bytes of 0 behind the text of a file take nothing of it', async (t) => {
  const zeros = '\0'.repeat(3000);
  const root = rootWith(tempFolder(t), {
    'proc/meminfo': `MemTotal: 100 kB\nMemAvailable: 40 kB\n${zeros}`,
    'proc/loadavg': `1 2 3 4/5 6\n${zeros}`,
  });
  const { report } = await shellAgent(t).run({ root });
  const families = report?.worker_reports.flatMap(({ function_reports }) => function_reports) ?? [];
  for (const functions of [families, (await memory.run(contextOf(root))).functions])
    assert.equal(onlyRow(functions, 'memory')['used_percent'], 60);
  assert.equal(onlyRow(families, 'load')['load1'], 1);
});

test('odd machines: a sensor that cannot be read is unknown in both agents', async (t) => {
  const root = tempFolder(t);
  for (const folder of ['sys/class/hwmon/hwmon0', 'sys/class/hwmon/hwmon1/device']) {
    rootWith(root, { [`${folder}/name`]: `${folder.length}\n`, [`${folder}/temp2_input`]: '45000\n' });
    // Reading it is an error.
    symlinkSync('/proc/self/mem', `${root}/${folder}/temp1_input`);
  }
  const { report } = await shellAgent(t).run({ root });
  const { functions } = await temperatures.run(contextOf(root));
  const rows = familyOf(functions, 'temperature').data;
  assert.deepEqual(
    rows.map(({ sensor: name, celsius }) => [name, celsius]),
    [
      ['22/temp1', null],
      ['22/temp2', 45],
      ['29/temp1', null],
      ['29/temp2', 45],
    ],
  );
  assert.match(String(reasonOf(functions, 'temperature', 'celsius')), /^EIO: /);
  assert.deepEqual(report && rowsOf(report, 'temperature'), rows);
});

test('odd machines: a pool of ZFS has the name of its root dataset, however short the path of another is', () => {
  const mount = (id: number, path: string, source: string): string =>
    `${id} 1 0:${id} / ${path} rw - zfs ${source} rw\n`;
  const pool = mount(30, '/mnt/tank', 'tank');
  const named = (text: string): unknown => fileSystems(reachableMounts(text), [], () => true)[0]?.mount;
  assert.equal(named(mount(31, '/a', 'tank/a') + pool), '/mnt/tank');
  assert.equal(named(pool + mount(31, '/', 'tank/root')), '/');
  assert.equal(named(mount(31, '/longer', 'tank/b') + mount(32, '/a', 'tank/a')), '/a');
});

/** The lines of mountinfo, and the mounts that have a row. */
const trees: readonly (readonly [what: string, lines: readonly string[], rows: readonly string[]])[] = [
  [
    'file systems of OpenVZ, each without a device',
    ['20 1 0:35 / / rw - simfs /dev/simfs rw', '21 20 0:36 / /opt/backup rw - simfs /dev/simfs rw'],
    ['/', '/opt/backup'],
  ],
  [
    'the drives of Windows in WSL 1',
    ['2 2 0:2 / / rw - wslfs rootfs rw', '4 2 0:15 / /mnt/c rw - drvfs C:\\134 rw'],
    ['/', '/mnt/c'],
  ],
  [
    'the drives of Windows in WSL 2, once each',
    [
      '60 1 8:32 / / rw - ext4 /dev/sdc rw',
      '62 60 0:30 / /usr/lib/wsl/drivers ro - 9p drivers ro,aname=drivers',
      '63 60 0:31 / /init rw - 9p tools rw',
      '65 60 0:50 / /mnt/c rw - 9p C:\\134 rw,aname=drvfs;path=C:\\134',
      '66 60 0:51 / /mnt/share rw - 9p share rw',
    ],
    ['/', '/mnt/c', '/mnt/share'],
  ],
  [
    'the volume of a pod, which has another path after each restart',
    [
      '20 1 8:1 / / rw - ext4 /dev/sda1 rw',
      '22 20 8:16 / /var/lib/kubelet/pods/2f2f3a4a/volumes/kubernetes.io~csi/pvc-1/mount rw - ext4 /dev/sdb rw',
      `21 20 8:16 / /var/lib/kubelet/plugins/kubernetes.io/csi/x/${'0'.repeat(64)}/globalmount rw - ext4 /dev/sdb rw`,
    ],
    ['/', `/var/lib/kubelet/plugins/kubernetes.io/csi/x/${'0'.repeat(64)}/globalmount`],
  ],
];
for (const [what, lines, rows] of trees) {
  test(`odd machines: ${what}`, () => {
    const found = fileSystems(reachableMounts(lines.join('\n')), [], () => true);
    assert.deepEqual(
      found.map(({ mount }) => mount),
      rows,
    );
  });
}

test('odd machines: a device that nobody can write to has no share, one mounted read-only has', async (t) => {
  const [fixed, plain] = ['a read-only image cannot fill', undefined];
  const cases = [
    ['/dev/mapper/usr', 'ro', '1', fixed],
    ['/dev/dm-0', 'ro', '1', fixed],
    ['/dev/mapper/usr', 'ro', '0', plain],
    ['/dev/mapper/usr', 'rw', '1', plain],
    ['/dev/mapper/other', 'ro', '1', plain],
    ['/dev/sda1', 'ro', '1', plain],
  ] as const;
  for (const [source, mode, readOnly, reason] of cases) {
    const root = rootWith(tempFolder(t), {
      'proc/self/mountinfo': `20 1 254:0 / / ${mode} - ext4 ${source} ${mode}\n`,
      'sys/block/dm-0/ro': `${readOnly}\n`,
      'sys/block/dm-0/dm/name': 'usr\n',
    });
    const { functions } = await disks.run(contextOf(root));
    assert.equal(reasonOf(functions, 'disk', 'used_percent'), reason, `${source} ${mode} ${readOnly}`);
    assert.ok(Number(onlyRow(functions, 'disk')['size_bytes']) > 0);
  }
});

test('odd machines: a mount whose name is not UTF-8 has figures', async (t) => {
  const root = tempFolder(t);
  mkdirSync(Buffer.concat([Buffer.from(`${root}/d`), Buffer.from([0xe9])]));
  rootWith(root, { 'proc/self/mountinfo': Buffer.from('30 1 8:1 / /d\xe9 rw - ext4 /dev/sda1 rw\n', 'latin1') });
  const { functions } = await disks.run(contextOf(root));
  const [row] = functions[0]?.data ?? [];
  assert.equal(row?.['mount'], '/d\ufffd');
  assert.ok(Number(row['size_bytes']) > 0, JSON.stringify(functions));
});

test('odd machines: a file system of 8 EiB is no implausible one', () => {
  assert.ok((metricOf('disk', 'size_bytes')?.maximum ?? 0) > 9_007_199_254_739_968 * 1024);
});

test('odd machines: what a machine does not tell is unknown, and no 0', async (t) => {
  const kernel = {
    'proc/net/dev': '',
    'proc/diskstats': '',
    'proc/meminfo': 'MemTotal: 4 kB\n',
    'proc/loadavg': '',
    'proc/vmstat': '',
    'proc/stat': 'cpu\ncpu0\n',
    'proc/uptime': '',
    'proc/22/stat': '22 (a) R',
    'proc/sys/kernel/osrelease': 'x\n',
    'run/systemd/system/x': '',
    'sys/fs/cgroup/memory.max': 'max\n',
    'sys/fs/cgroup/cpu.max': 'max 100000\n',
  };
  const options = { units: ['a'], processes: ['a'], mounts: ['/a'] };
  const given = { options, previous: null, bootId: null, monotonicMs: 1e6, deadlineMs: 5000 };
  for (const files of [{}, kernel]) {
    const root = rootWith(tempFolder(t), files);
    const { workerReports } = await collect({ source: openSource(root), ...given });
    const zeros = workerReports.flatMap(({ function_reports }) =>
      function_reports.flatMap(({ name, data }) =>
        data.flatMap((row) => Object.entries(row).flatMap(([field, value]) => (value === 0 ? `${name}.${field}` : []))),
      ),
    );
    assert.deepEqual(zeros, []);
  }
});
