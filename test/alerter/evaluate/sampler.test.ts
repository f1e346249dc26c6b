import assert from 'node:assert/strict';
import { test } from 'node:test';

import { observe, reportOf, said, type Row } from '../support/observe.ts';
import { diskRow, networkRow } from '../support/rows.ts';

const gib = 2 ** 30;

interface Case {
  readonly name: string;
  readonly alerts: string;
  readonly row: Row;
  readonly said: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: 'cpu holds at its limit',
    alerts: '<alert type="cpu" limit="90%"/>',
    row: { row: { cpu_percent: 90 } },
    said: ['cpu: critical (90 %; at least 90 %)'],
  },
  {
    name: 'a limit is shown as it was written, with more decimals than values have',
    alerts:
      '<alert type="swap" limit="0.95"/><alert type="load" limit="1.125"/><alert type="clock-offset" limit="0.25"/>',
    row: { row: { swap_percent: 0.987, load5: 5, cpus: 4, clockOffsetMs: 300 } },
    said: [
      'swap: critical (1 %; at least 0.95 %)',
      'load: critical (1.25 per CPU; at least 1.125 per CPU)',
      'clock-offset: warning (0.3s ahead; at least 0.25s)',
    ],
  },
  {
    name: 'cpu below its limit is clear two points further down',
    alerts: '<alert type="cpu" limit="90%"/>',
    row: { row: { cpu_percent: 88 } },
    said: ['cpu: none, not clear (88 %; at least 90 %)'],
  },
  {
    name: 'a value that is not known is unknown, never 0',
    alerts:
      '<alert type="cpu" limit="90%"/><alert type="memory" op="lt" limit="10%"/><alert type="swap" op="le" limit="1%"/>',
    row: { row: { cpu_percent: null, memory_percent: null, swap_percent: null } },
    said: [
      'cpu: unknown (unknown; at least 90 %)',
      'memory: unknown (unknown; less than 10 %)',
      'swap: unknown (unknown; at most 1 %)',
    ],
  },
  {
    name: 'memory is used percent',
    alerts: '<alert type="memory" warning="80%" critical="95%"/>',
    row: { row: { memory_percent: 85.04 } },
    said: ['memory: warning (85 %; at least 80 %)'],
  },
  {
    name: 'load is load5 per CPU',
    alerts: '<alert type="load" limit="1.5" severity="warning"/>',
    row: { row: { load1: 99, load5: 6, cpus: 4 } },
    said: ['load: warning (1.5 per CPU; at least 1.5 per CPU)'],
  },
  {
    name: 'load without a count of CPUs is unknown',
    alerts: '<alert type="load" limit="1.5"/>',
    row: { row: { load5: 6, cpus: null } },
    said: ['load: unknown (unknown; at least 1.5 per CPU)'],
  },
  {
    name: 'uptime below a time',
    alerts: '<alert type="uptime" op="lt" limit="15m" severity="warning"/>',
    row: { row: { uptime_s: 200 } },
    said: ['uptime: warning (3m 20s; less than 15m)'],
  },
  {
    name: 'processes',
    alerts: '<alert type="processes" limit="500"/>',
    row: { row: { processes: 612 } },
    said: ['processes: critical (612; at least 500)'],
  },
  {
    name: 'reboot-required holds or not',
    alerts: '<alert type="reboot-required" severity="warning"/>',
    row: { row: { reboot_required: 1 } },
    said: ['reboot-required: warning (a reboot is pending)'],
  },
  {
    name: 'clock-offset counts whichever way the clock is off',
    alerts: '<alert type="clock-offset" limit="30s" severity="warning"/>',
    row: { row: { clockOffsetMs: -92_000 } },
    said: ['clock-offset: warning (1m 32s behind; at least 30s)'],
  },
  {
    name: 'network-errors adds both directions',
    alerts: '<alert type="network-errors" interface="eth*" limit="1"/>',
    row: {
      networks: [
        networkRow({ rx_errors_per_s: 0.4, tx_errors_per_s: 0.6 }),
        networkRow({ interface: 'eth1', rx_errors_per_s: null }),
        networkRow({ interface: 'wlan0', rx_errors_per_s: 9 }),
      ],
    },
    said: [
      'network-errors interface=eth* eth0: critical (1/s; at least 1/s)',
      'network-errors interface=eth* eth1: unknown (unknown; at least 1/s)',
    ],
  },
  {
    name: 'failed units that a rule matches',
    alerts: '<alert type="service" unit="nginx*,!nginx-test.service"/>',
    row: {
      row: { failed_units: 3 },
      report: reportOf({
        name: 'failed_unit',
        data: ['nginx.service', 'nginx-test.service', 'cron.service'].map((unit) => ({ unit, failed: 1 })),
      }),
    },
    said: ['service unit=nginx*,!nginx-test.service nginx.service: warning (failed)'],
  },
  {
    name: 'units that are expected to be active',
    alerts: '<alert type="service" name="web" unit="nginx,php-fpm,gone" state="active"/>',
    row: {
      report: reportOf({
        name: 'unit',
        data: [
          { unit: 'nginx.service', state: 'active', active: 1 },
          { unit: 'php-fpm.service', state: 'inactive', active: 0 },
        ],
      }),
    },
    said: [
      'web nginx.service: none (active)',
      'web php-fpm.service: critical (inactive)',
      'web gone.service: unknown (unknown)',
    ],
  },
  {
    name: 'a unit that one rule expects to be active is not judged as failed by another',
    alerts: '<alert type="service" name="web" unit="nginx" state="active"/><alert type="service" name="all"/>',
    row: {
      row: { failed_units: 2 },
      report: reportOf(
        { name: 'unit', data: [{ unit: 'nginx.service', state: 'failed', active: 0 }] },
        {
          name: 'failed_unit',
          data: [
            { unit: 'nginx.service', failed: 1 },
            { unit: 'cron.service', failed: 1 },
          ],
        },
      ),
    },
    said: ['all cron.service: warning (failed)', 'web nginx.service: critical (failed)'],
  },
  {
    name: 'process: at least one unless min or max is said',
    alerts: `<alert type="process" name="one" match="sshd"/><alert type="process" name="some" match="worker*" min="2" max="4"/>
      <alert type="process" name="few" match="cron" limit="1" op="gt"/>`,
    row: {
      report: reportOf({
        name: 'process_match',
        data: [
          { match: 'sshd', count: 0 },
          { match: 'worker*', count: 5 },
          { match: 'cron', count: 1 },
        ],
      }),
    },
    said: [
      'one sshd: critical (0 processes; fewer than 1)',
      'some worker*: critical (5 processes; fewer than 2 or more than 4)',
      'few cron: none (1 process; more than 1)',
    ],
  },
  {
    name: 'process that the report was not asked for is unknown',
    alerts: '<alert type="process" match="sshd"/>',
    row: { report: reportOf() },
    said: ['process match=sshd sshd: unknown (unknown; fewer than 1)'],
  },
  {
    name: 'zombies',
    alerts: '<alert type="zombies" limit="10"/>',
    row: { report: reportOf({ name: 'processes', data: [{ total: 200, zombies: 14 }] }) },
    said: ['zombies: critical (14; at least 10)'],
  },
  {
    name: 'temperature by sensor',
    alerts: '<alert type="temperature" sensor="coretemp/*" warning="80" critical="95"/>',
    row: {
      report: reportOf({
        name: 'temperature',
        data: [
          { sensor: 'coretemp/Core 0', celsius: 81.5 },
          { sensor: 'coretemp/Core 1', celsius: null },
          { sensor: 'nvme/Composite', celsius: 99 },
        ],
      }),
    },
    said: [
      'temperature sensor=coretemp/* coretemp/Core 0: warning (81.5 °C; at least 80 °C)',
      'temperature sensor=coretemp/* coretemp/Core 1: unknown (unknown; at least 80 °C)',
    ],
  },
  {
    name: 'any metric, from a column',
    alerts: '<alert metric="load_load15" limit="8"/>',
    row: { row: { load15: 9.5 } },
    said: ['load_load15: critical (9.5; at least 8)'],
  },
  {
    name: 'any metric, from the disks, by the globs of its labels',
    alerts: '<alert metric="disk_used_bytes" fstype="nfs*" limit="1GiB"/>',
    row: {
      disks: [
        diskRow({ used_bytes: 5 * gib }),
        diskRow({ mount: '/srv', fstype: 'nfs4', scope: 'network', used_bytes: 2.5 * gib }),
      ],
    },
    said: ['disk_used_bytes fstype=nfs* /srv: critical (2.5 GiB; at least 1 GiB)'],
  },
  {
    name: 'any metric, from the interfaces',
    alerts: '<alert metric="network_link_up" op="eq" limit="0"/>',
    row: { networks: [networkRow({ link_up: 0 })] },
    said: ['network_link_up eth0: critical (0; exactly 0)'],
  },
  {
    name: 'any metric, from the report; of two processes of one name the worst',
    alerts: '<alert metric="process_memory_resident_bytes" process="java*" limit="8GiB"/>',
    row: {
      report: reportOf({
        name: 'process_memory',
        data: [
          { process: 'java', pid: 1, resident_bytes: 9 * gib },
          { process: 'java', pid: 2, resident_bytes: gib },
          { process: 'mysqld', pid: 3, resident_bytes: 99 * gib },
        ],
      }),
    },
    said: ['process_memory_resident_bytes process=java* java: critical (9 GiB; at least 8 GiB)'],
  },
  {
    name: 'rules for the whole client are all judged',
    alerts:
      '<alert type="cpu" name="a" limit="99%"/><alert type="cpu" name="b" limit="50%"/><alert type="cpu" name="c" limit="60%" also="yes"/>',
    row: { row: { cpu_percent: 70 } },
    said: ['a: none (70 %; at least 99 %)', 'b: critical (70 %; at least 50 %)', 'c: critical (70 %; at least 60 %)'],
  },
];

const diskCases: readonly Case[] = [
  {
    name: 'disk judges writable local file systems only',
    alerts: '<alert type="disk" limit="90%"/>',
    row: {
      disks: [
        diskRow({ mount: '/', used_percent: 95 }),
        diskRow({ mount: '/srv', scope: 'network', fstype: 'nfs4', source: 'nas:/srv', used_percent: 99 }),
        diskRow({ mount: '/cd', mode: 'ro', used_percent: 100 }),
      ],
    },
    said: ['disk /: critical (95 %, 50 of 100 GiB free; at least 90 %)'],
  },
  {
    name: 'disk judges a network mount that is named, and what fstype says whatever it is',
    alerts:
      '<alert type="disk" name="srv" mount="/srv" limit="90%"/><alert type="disk" name="nfs" fstype="nfs*" limit="80%"/>',
    row: {
      disks: [
        diskRow({ mount: '/srv', scope: 'network', fstype: 'nfs4', source: 'nas:/srv', used_percent: 85 }),
        diskRow({ mount: '/home', scope: 'network', fstype: 'nfs', source: 'nas:/home', used_percent: 85 }),
      ],
    },
    said: [
      'srv /srv: none (85 %, 50 of 100 GiB free; at least 90 %)',
      'nfs /home: critical (85 %, 50 of 100 GiB free; at least 80 %)',
    ],
  },
  {
    name: 'a glob over mounts does not name network mounts',
    alerts: '<alert type="disk" mount="/s*" limit="80%"/>',
    row: {
      disks: [diskRow({ mount: '/srv', scope: 'network', fstype: 'nfs4', source: 'nas:/srv', used_percent: 85 })],
    },
    said: [],
  },
  {
    name: 'of two mounts of one device the first listed counts, which it is named after, unless the other is named',
    alerts: '<alert type="disk" limit="90%"/><alert type="disk" name="bound" mount="/b" limit="80%" also="yes"/>',
    row: {
      disks: [
        diskRow({ mount: '/srv', source: '/dev/sdb1', used_percent: 92 }),
        diskRow({ mount: '/a', source: '/dev/sdb1', used_percent: 92 }),
        diskRow({ mount: '/b', source: '/dev/sdb1', used_percent: 92 }),
      ],
    },
    said: [
      'disk /srv: critical (92 %, 50 of 100 GiB free; at least 90 %)',
      'bound /b: critical (92 %, 50 of 100 GiB free; at least 80 %)',
    ],
  },
  {
    name: 'two tmpfs are two file systems, datasets of one pool are one',
    alerts: '<alert type="disk" limit="90%"/>',
    row: {
      disks: [
        diskRow({ mount: '/tmp', fstype: 'tmpfs', source: 'tmpfs', used_percent: 92 }),
        diskRow({ mount: '/run', fstype: 'tmpfs', source: 'tmpfs', used_percent: 92 }),
        diskRow({ mount: '/pool', fstype: 'zfs', source: 'tank', used_percent: 92 }),
        diskRow({ mount: '/pool/a', fstype: 'zfs', source: 'tank/a', used_percent: 92 }),
      ],
    },
    said: ['/tmp', '/run', '/pool'].map((mount) => `disk ${mount}: critical (92 %, 50 of 100 GiB free; at least 90 %)`),
  },
  {
    name: 'the rule that names a mount judges it; also exempts',
    alerts: `<alert type="disk" name="var" mount="/var" limit="99%"/><alert type="disk" name="rest" limit="80%"/>
      <alert type="disk" name="too" limit="70%" also="yes" severity="warning"/>`,
    row: { disks: [diskRow({ mount: '/', used_percent: 90 }), diskRow({ mount: '/var', used_percent: 90 })] },
    said: [
      'rest /: critical (90 %, 50 of 100 GiB free; at least 80 %)',
      'too /: warning (90 %, 50 of 100 GiB free; at least 70 %)',
      'var /var: none (90 %, 50 of 100 GiB free; at least 99 %)',
      'too /var: warning (90 %, 50 of 100 GiB free; at least 70 %)',
    ],
  },
  {
    name: 'an exclusion leaves a mount to another rule',
    alerts: '<alert type="disk" name="a" mount="!/var" limit="80%"/><alert type="disk" name="b" limit="95%"/>',
    row: { disks: [diskRow({ mount: '/', used_percent: 90 }), diskRow({ mount: '/var', used_percent: 90 })] },
    said: [
      'a /: critical (90 %, 50 of 100 GiB free; at least 80 %)',
      'b /var: none (90 %, 50 of 100 GiB free; at least 95 %)',
    ],
  },
  {
    name: 'free beside a percent: both must hold',
    alerts: '<alert type="disk" limit="90%" free="2TiB"/>',
    row: {
      disks: [
        diskRow({ mount: '/a', used_percent: 93, available_bytes: 3000 * gib }),
        diskRow({ mount: '/b', used_percent: 93, available_bytes: 1000 * gib }),
        diskRow({ mount: '/c', used_percent: 93, available_bytes: null }),
        diskRow({ mount: '/d', used_percent: 10, available_bytes: null }),
      ],
    },
    said: [
      'disk /a: none (93 %, 2.93 TiB of 100 GiB free; at least 90 % and less than 2 TiB free)',
      'disk /b: critical (93 %, 1000 of 100 GiB free; at least 90 % and less than 2 TiB free)',
      'disk /c: unknown (93 %; at least 90 % and less than 2 TiB free)',
      'disk /d: none (10 %; at least 90 % and less than 2 TiB free)',
    ],
  },
  {
    name: 'disk-free holds below its limit',
    alerts: '<alert type="disk-free" warning="20GiB" critical="5GiB"/>',
    row: {
      disks: [
        diskRow({ mount: '/a', available_bytes: 10 * gib }),
        diskRow({ mount: '/b', available_bytes: 4.5 * gib }),
        diskRow({ mount: '/c', available_bytes: 20 * gib }),
      ],
    },
    said: [
      'disk-free /a: warning (10 GiB; less than 20 GiB)',
      'disk-free /b: critical (4.5 GiB; less than 5 GiB)',
      'disk-free /c: none (20 GiB; less than 20 GiB)',
    ],
  },
  {
    name: 'inodes',
    alerts: '<alert type="inodes" limit="90%" severity="warning"/>',
    row: { disks: [diskRow({ inodes_percent: 97 }), diskRow({ mount: '/zfs', inodes_percent: null })] },
    said: ['inodes /: warning (97 %; at least 90 %)', 'inodes /zfs: unknown (unknown; at least 90 %)'],
  },
  {
    name: 'mount expects each of its paths',
    alerts: '<alert type="mount" name="data" mount="/data,/srv"/>',
    row: { disks: [diskRow(), diskRow({ mount: '/srv' })] },
    said: ['data /data: critical (not mounted)', 'data /srv: none (mounted)'],
  },
  {
    name: 'mount is unknown where the disks are',
    alerts: '<alert type="mount" name="data" mount="/data"/>',
    row: { disks: [], row: { unresponsive_mounts: null, probe_errors: 1 } },
    said: ['data /data: unknown (unknown)'],
  },
];

for (const { name, alerts, row, said: expected } of [...cases, ...diskCases]) {
  test(name, () => assert.deepEqual(said(alerts, row), expected));
}

for (const [op, value, level] of [
  ['ge', 5, 'critical'],
  ['gt', 5, 'none'],
  ['gt', 5.1, 'critical'],
  ['le', 5, 'critical'],
  ['lt', 5, 'none'],
  ['lt', 4.9, 'critical'],
  ['eq', 5, 'critical'],
  ['eq', 4, 'none'],
  ['ne', 5, 'none'],
  ['ne', 4, 'critical'],
] as const) {
  test(`${value} ${op} 5 is ${level}`, () => {
    const { samples } = observe(`<alert metric="load_load1" op="${op}" limit="5"/>`, { row: { load1: value } });
    const sample = samples.find(({ rule }) => rule.metric === 'load_load1');
    assert.deepEqual([sample?.level, sample?.clear], [level, level === 'none']);
  });
}
