/** Two things of one name, for each reader of several: both are in the reports of both agents, each by a name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { withBuiltIn } from '../../../agent/checks/with-built-in.ts';
import { openSource } from '../../../agent/live/live-source.ts';
import { collect } from '../../../agent/probes/collect.ts';
import { devicePlaces } from '../../../agent/probes/devices.ts';
import { probes } from '../../../agent/probes/index.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import type { DeviceKind } from '../../../src/report/checks/devices.ts';
import type { WorkerReport } from '../../../src/report/report.ts';
import { statsOf } from '../../support/clients/built-in-checks.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

type Files = Readonly<Record<string, string>>;

interface Twins {
  readonly files: Files;
  /** The family with a row for each thing, its label, and the number of things. */
  readonly rows: readonly [family: string, label: string, count: number];
}

const id = (digit: string): string => digit.repeat(64);
const monitor = (name: string): Files => ({
  [`sys/class/hwmon/${name}/name`]: 'nvme\n',
  [`sys/class/hwmon/${name}/temp1_input`]: '40000\n',
  [`sys/class/hwmon/${name}/temp1_label`]: 'Composite\n',
  [`sys/class/hwmon/${name}/temp2_input`]: '41000\n',
  [`sys/class/hwmon/${name}/temp2_label`]: 'Composite\n',
});
const stat = (pid: number): string =>
  `${pid} (worker) R 1 1 1 0 -1 4194560 1 0 0 0 5 7 0 0 20 0 1 0 123 1000 200 18446744073709551615\n`;

/** The readers of several things. Names of what the kernel itself keeps apart differ in one character. */
const twins: Readonly<Record<string, Twins>> = {
  disks: {
    files: {
      'proc/self/mountinfo':
        '1 0 8:1 / / rw - ext4 x rw\n2 1 8:2 / /mnt/a rw - ext4 x rw\n3 1 8:3 / /mnt/a\\040 rw - ext4 x rw\n',
    },
    rows: ['disk', 'mount', 3],
  },
  network: {
    files: {
      'proc/net/dev': 'a\nb\n eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n eth0:1: 2 2 0 0 0 0 0 0 2 2 0 0 0 0 0 0\n',
      'sys/class/net/eth0/device/vendor': '',
      'sys/class/net/eth0:1/device/vendor': '',
    },
    rows: ['network', 'interface', 2],
  },
  disk_io: {
    files: {
      'proc/diskstats': '8 0 sda 1 0 8 1 1 0 8 1 0 1\n8 16 sdb 1 0 8 1 1 0 8 1 0 1\n',
      'sys/block/sda/device/model': 'x\n',
      'sys/block/sdb/device/model': 'x\n',
    },
    rows: ['disk_io', 'device', 2],
  },
  temperatures: {
    files: { ...monitor('hwmon0'), ...monitor('hwmon1') },
    rows: ['temperature', 'sensor', 4],
  },
  processes: { files: { 'proc/1/stat': stat(1), 'proc/22/stat': stat(22) }, rows: ['process_memory', 'pid', 2] },
};
/** The devices of each kind whose names become one name: those characters are none of a check's name. */
const pair = ['x "', 'x |'];
const proofs: Readonly<Record<DeviceKind, Files>> = {
  bond: { '': 'MII Status: down\n\nSlave Interface: eth0\nMII Status: down\n' },
  md: { '/md/array_state': 'clean\n', '/md/level': 'raid1\n', '/md/raid_disks': '2\n', '/md/degraded': '0\n' },
  ecc: { '/ce_count': '1\n', '/ue_count': '1\n', '/mc_name': 'x\n' },
  btrfs: { '/label': 'data\n', '/devinfo/1/missing': '1\n', '/devinfo/1/error_stats': 'write_errs 1\n' },
  zfs: { '/state': 'DEGRADED\n' },
  ext4: { '/errors_count': '1\n' },
};
const devices: Files = Object.fromEntries(
  devicePlaces.flatMap(([kind, { folder }]) =>
    pair.flatMap((name) =>
      Object.entries(proofs[kind as DeviceKind]).map(([file, text]) => [`${folder.slice(1)}/${name}${file}`, text]),
    ),
  ),
);
/** The probes with one thing, or with things that systemd and the request name. */
const single = 'services clock devices containers updates log cpu load memory swap kernel os uptime'.split(' ');

test('each reader has two things of one name here, or has one thing alone', () => {
  assert.deepEqual(probes.map(({ name }) => name).sort(), [...Object.keys(twins), ...single].sort());
});

const machine: Files = {
  'proc/uptime': '1000.00 1.00\n',
  'sys/fs/cgroup/cgroup.controllers': 'memory\n',
  // The short ids are the same.
  [`sys/fs/cgroup/system.slice/docker-${id('a')}.scope/memory.current`]: '1\n',
  [`sys/fs/cgroup/system.slice/docker-${id('b')}.scope/memory.current`]: '1\n',
  ...devices,
  ...Object.assign({}, ...Object.values(twins).map(({ files }) => files)),
};

const namesIn = (reports: readonly WorkerReport[], [family, label]: Twins['rows']): readonly unknown[] =>
  reports
    .flatMap(({ function_reports }) => function_reports)
    .flatMap(({ name, data }) => (name === family ? data.map((row) => row[label]) : []))
    .sort();

test('both things of one name are in the reports of both agents', async (t) => {
  const root = rootWith(tempFolder(t), machine);
  const { report } = await shellAgent(t).run({ root });
  const given = { options: {}, previous: null, bootId: null, monotonicMs: 1e6, deadlineMs: 5000 };
  const node = await collect({ source: openSource(root), ...given });
  for (const [probe, { rows }] of Object.entries(twins)) {
    const names = namesIn(node.workerReports, rows);
    assert.equal(new Set(names).size, rows[2], `${probe}: ${names.join()}`);
    assert.equal(names.length, rows[2], probe);
    assert.deepEqual(namesIn(report?.worker_reports ?? [], rows), names, `shell: ${probe}`);
  }
  const checks = withBuiltIn(null, node.checks).checks ?? [];
  const sorted = (of: readonly CheckResult[] = []): readonly string[] => of.map(({ name }) => name).sort();
  const wanted = devicePlaces.flatMap(([kind]) => [`${kind}:x _`, `${kind}:x _ 2`]);
  assert.deepEqual(
    sorted(checks),
    [...wanted, `container:${id('a').slice(0, 12)}`, `container:${id('b').slice(0, 12)}`].sort(),
  );
  assert.deepEqual(sorted(report?.checks), sorted(checks));
  // Each is a row of its own, with its own state.
  assert.deepEqual(new Set(statsOf(checks).map(({ check_name: name }) => name)).size, checks.length);
});

test('of results of one name each is told, whatever the length of the name', () => {
  const long = `md:${'n'.repeat(200)}`;
  const made = ['a', 'a', 'a 2', long, long].map((name, at) => ({
    ...{ name, state: at === 1 ? (2 as const) : (0 as const), text: String(at), perfdata: '' },
  }));
  const { checks = [] } = withBuiltIn(null, made);
  assert.deepEqual(
    checks.map(({ name, output }) => [name, output]),
    [
      ['a 2', '1'],
      ['a', '0'],
      ['a 2 2', '2'],
      [long.slice(0, 128), '3'],
      [`${long.slice(0, 124)} 2`, '4'],
    ],
  );
});
