import assert from 'node:assert/strict';
import { test } from 'node:test';

import { said, type Row } from '../support/observe.ts';
import { diskRow } from '../support/rows.ts';

const gib = 2 ** 30;

interface Case {
  readonly name: string;
  readonly alerts: string;
  readonly row: Row;
  readonly said: readonly string[];
}

const cases: readonly Case[] = [
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

for (const { name, alerts, row, said: expected } of cases) {
  test(name, () => assert.deepEqual(said(alerts, row), expected));
}
